// written by tbp report
// What data/index.js holds of every series, worst first: unpacked, and its history as a line of a few pixels. The index
// makes rows of it, the page of all charts draws it.
"use strict";

tbp.index = (data) => { tbp.series = data; };

tbp.fields = (data, own) => {
  const [benchmark, parameters = "", anchor = "", place = 0, state = 0, newest = "", spark = "", device = "", remark = "",
    size = 0, change = "", sure = [], commit = 0, lastGood = 0, between = "", causes = [], moves = [], levels = [],
    leaving = "", net = "", flags = 0, noCause = ""] = own;
  const [name, page] = data.benchmarks[benchmark];
  const [machine, environment, shownPlace] = data.places[place];
  const [css, glyph, word] = data.states[state];
  const link = (number) => {
    if (!number) return null;
    const [short, hash, subject, href, date, anchor] = data.commits[number - 1];
    return { short, hash, subject, href, date, anchor };
  };
  return { name, parameters, suite: name.split(".")[0], href: `${page}#${anchor}`, machine, environment, place: shownPlace,
    state: css, glyph, levels, spark, device, remark, size, change: change || word, moved: Boolean(change), sure,
    commit: link(commit), lastGood: link(lastGood), between, causes, noCause, newest,
    leaving, net, isLeft: flags % 2 === 1, isNetWorse: flags > 1,
    changes: moves.map((move) => (move < 0 ? -1 - move : move)), ups: moves.map((move) => move >= 0) };
};

tbp.element = (tag, css, ...children) => tbp.make(tag, { class: css || null }, ...children);
tbp.cell = (tag, role, css, ...children) => tbp.make(tag, { role, class: css || null }, ...children);

// A name that may break after its dots.
tbp.dotted = (name) => name.split(".").flatMap((part, place) => (place ? [".", tbp.make("wbr"), part] : [part]));

// The state in words; a change has its arrow in them.
tbp.badge = (row) => {
  const badge = tbp.element("span", `badge ${row.state}`);
  if (!row.moved || ["suspect", "acknowledged"].includes(row.state)) {
    badge.append(tbp.make("span", { class: "glyph", "aria-hidden": "true" }, row.glyph), " ");
  }
  badge.append(row.change);
  return badge;
};

// Where each column with a value is drawn.
tbp.spots = (row, shape) => {
  const across = shape.width * shape.units - 2 * shape.margin;
  return [...row.spark].map((character, column) => {
    const code = character.charCodeAt(0);
    if (code === 32) return null;
    const x = shape.margin + Math.round((across * column) / Math.max(1, row.spark.length - 1));
    return [x, shape.margin + shape.levels - (code - 65 - (code > 91 ? 1 : 0))];
  });
};
tbp.sparkPath = (spots) => spots.map((spot, column) => {
  if (!spot) return "";
  return `${spots[column - 1] ? "L" : "M"}${spot[0]} ${spot[1]}${spots[column - 1] || spots[column + 1] ? "" : "l0 0"}`;
}).join("");

// The same drawing as ``tbp.report.parts.sparkline`` makes of the same levels.
tbp.sparkElement = (row, shape) => {
  const spots = tbp.spots(row, shape);
  const last = spots.filter(Boolean).at(-1);
  if (!last) return tbp.element("span", "muted", "no values");
  const made = tbp.svg("svg", { class: `spark ${row.state}`, viewBox: `0 0 ${shape.width * shape.units} ${shape.height * shape.units}`,
    width: shape.width, height: shape.height, role: "img", "aria-label": "History, oldest commit left" });
  made.append(tbp.svg("path", { d: tbp.sparkPath(spots) }));
  for (const column of row.changes) made.append(tbp.svg("circle", { class: "moved", cx: spots[column][0], cy: spots[column][1], r: 6 }));
  made.append(tbp.svg("circle", { class: "newest", cx: last[0], cy: last[1], r: 4 }));
  return made;
};
