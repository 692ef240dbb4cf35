// written by tbp report
// Reads data/grid.js (see tbp/report/data/run_grid.py): every run of every series on the newest commits.
"use strict";

tbp.grid = (data) => {
  const [commits, aside] = [[data.commits, 0], [data.aside, data.commits.length]].map(([own, first]) => (
    own.map((commit, at) => ({ ...commit, column: first + at }))));
  const places = data.places.map((place, index) => ({ ...place, index }));
  const rows = data.rows.map(({ setup, failed, skipped, rig = 0, measured = 0, numbers = [], ...row }) => {
    const place = places[setup];
    return {
      ...row, rig, measured, numbers, place, href: tbp.href(row.href), scales: data.scales[row.unit], noise: row.noise ?? NaN, apart: new Set(row.apart),
      states: new Map([...failed.map((column) => [column, "failed"]), ...skipped.map((column) => [column, "skipped"])]),
      marks: new Map(row.marks.map((mark) => [mark.column, mark])),
      text: [row.name, row.label, place.machine, place.face, place.environment].join(" ").toLowerCase(),
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
  tbp.runs = { ...data, commits, aside, places, rows, cell };
  document.dispatchEvent(new Event("tbp-grid"));
};
