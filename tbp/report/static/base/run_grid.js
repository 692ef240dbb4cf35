// written by tbp report
// Unpacks data/grid.js (see tbp/report/data/run_grid.py): every run of every series on the newest commits.
"use strict";

tbp.grid = (data) => {
  const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const place = new Map([...digits].map((digit, index) => [digit, index]));
  const SCALE = 355, BEND = 0.05, MIDDLE = 2050, EXACT = 3;
  const states = ["none", "failed", "skipped"];

  const [commits, aside] = [[data.commits, 0], [data.aside, data.commits.length]].map(([own, first]) => (
    own.map(([short, date, subject, href], at) => ({ short, date, subject, href, column: first + at }))));
  const lines = data.lines.map(([name, columns, origin]) => ({ name, columns, origin }));
  const places = data.places.map(([machine, environment, name, face], index) => ({ machine, environment, name, face, index, values: data.parts[1][index] }));
  const tags = data.tags.map(([column, name, isExact]) => ({ column, name, isExact: isExact === 1 }));
  const rows = data.rows.map((packed) => {
    const [benchmark, spot, label, anchor, unit, better, noise, cells, segments, marks, apart, exact] = packed;
    const [name, suite, file, isTrack] = data.benchmarks[benchmark];
    return {
      name, suite, label, isTrack: isTrack === 1, place: places[spot], href: tbp.href(`${file}#${anchor}`), unit: data.units[unit][0],
      scales: data.units[unit][1], better, noise: noise === null ? NaN : noise, cells, segments, exact,
      apart: new Set(apart), marks: new Map(marks.map(([column, glyph, words, tone, size]) => [column, { glyph, words, tone, size }])),
      text: [name, label, places[spot].machine, places[spot].face, places[spot].environment].join(" ").toLowerCase(),
    };
  });

  // A run: its state, its value, and its segment: its level, that of the segment before, and the column it begins at.
  const cell = (row, column) => {
    const [first, second] = [row.cells[2 * column], row.cells[2 * column + 1]];
    const code = first === undefined ? 0 : place.get(first) * 64 + place.get(second);
    if (code < EXACT) return { state: states[code], value: NaN, level: NaN, before: NaN, start: 0 };
    let own = row.segments[0];
    for (const segment of row.segments) if (segment[0] <= column) own = segment;
    const level = own ? own[1] : NaN, before = own ? own[2] : NaN;
    const value = code === EXACT ? row.exact[column] : level * Math.exp(BEND * Math.sinh((code - MIDDLE) / SCALE));
    return { state: row.apart.has(column) ? "apart" : "measured", value, level, before, start: own ? own[0] : 0 };
  };

  // Commits beside the branch are of the comparison only: their columns come after all others.
  tbp.runs = { commits, aside, lines, places, rows, cell, tags, parts: data.parts[0], setups: data.setups, states: data.states };
  document.dispatchEvent(new Event("tbp-grid"));
};
