// written by tbp report
// Reads data/grid.js (see tbp/report/data/run_grid.py): every run of every series on the newest commits.
"use strict";

tbp.grid = (data) => {
  const [commits, aside] = [[data.commits, 0], [data.aside, data.commits.length]].map(([own, first]) => (
    own.map(([short, date, subject, href], at) => ({ short, date, subject, href, column: first + at }))));
  const lines = data.lines.map(([name, columns, origin]) => ({ name, columns, origin }));
  const places = data.places.map(([machine, environment, name, face], index) => ({ machine, environment, name, face, index, values: data.parts[1][index] }));
  const tags = data.tags.map(([column, name, isExact]) => ({ column, name, isExact: isExact === 1 }));
  const rows = data.rows.map((packed) => {
    const [benchmark, spot, label, anchor, unit, better, noise, values, segments, marks, apart, failed, skipped] = packed;
    const [name, suite, file, isTrack] = data.benchmarks[benchmark];
    return {
      name, suite, label, isTrack: isTrack === 1, place: places[spot], href: tbp.href(`${file}#${anchor}`), unit: data.units[unit][0],
      scales: data.units[unit][1], better, noise: noise === null ? NaN : noise, values, segments,
      apart: new Set(apart), states: new Map([...failed.map((column) => [column, "failed"]), ...skipped.map((column) => [column, "skipped"])]), marks: new Map(marks.map(([column, glyph, words, tone, size]) => [column, { glyph, words, tone, size }])),
      text: [name, label, places[spot].machine, places[spot].face, places[spot].environment].join(" ").toLowerCase(),
    };
  });

  // A run: its state, its value, and its segment: its level, that of the segment before, and the column it begins at.
  const cell = (row, column) => {
    const value = row.values[column];
    if (typeof value !== "number") return { state: row.states.get(column) || "none", value: NaN, level: NaN, before: NaN, start: 0 };
    let own = row.segments[0];
    for (const segment of row.segments) if (segment[0] <= column) own = segment;
    const level = own ? own[1] : NaN, before = own ? own[2] : NaN;
    return { state: row.apart.has(column) ? "apart" : "measured", value, level, before, start: own ? own[0] : 0 };
  };

  // Commits beside the branch are of the comparison only: their columns come after all others.
  tbp.runs = { commits, aside, lines, places, rows, cell, tags, parts: data.parts[0], setups: data.setups, states: data.states, rules: data.rules };
  document.dispatchEvent(new Event("tbp-grid"));
};
