// written by tbp report
// Adds to the evidence of each change what would make the page heavy: the values on both sides, drawn (see
// tbp/report/both_sides.py; a box holds the quartiles, a line is the median, a dot is a value), and whole hashes.
"use strict";

tbp.STRIP = { width: 1000, height: 30 };
// The fractional parts of the golden ratio's multiples are spread evenly however many there are: dots that lie at one
// value get different heights, and always the same ones.
tbp.GOLDEN = 0.6180339887;

tbp.strip = (label, letters) => {
  const { width, height } = tbp.STRIP;
  const [low, median, high, ...steps] = tbp.unpacked(letters);
  // Lines of no length, which a round cap shows.
  const dots = tbp.sums(steps).map((x, rank) => `M${x} ${3 + Math.round((height - 6) * ((rank * tbp.GOLDEN) % 1))}h0`);
  const svg = tbp.svg("svg", {
    class: `strip ${label}`, viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img", "aria-label": `Values ${label}`,
  });
  svg.append(
    tbp.svg("rect", { x: low, y: 1, width: Math.max(high - low, 0), height: height - 2 }),
    tbp.svg("path", { class: "dots", d: dots.join("") }),
    tbp.svg("path", { class: "middle", d: `M${median} 0v${height}` }),
  );
  return [tbp.make("span", { class: "side" }, label), svg];
};

tbp.ready(() => {
  for (const box of document.querySelectorAll(".strips[data-before]")) {
    if (box.querySelector("svg")) continue;
    const { before, after } = box.dataset;
    box.prepend(...tbp.strip("before", before), ...tbp.strip("after", after), tbp.make("span"));
  }
  // The whole hash of each commit that is no link. A page of a report of one file may be shown before there is a list.
  const known = tbp.commitList ? tbp.commitList.hash : [];
  const hashes = new Map(known.map((hash) => [hash.slice(0, 8), hash]));
  for (const commit of document.querySelectorAll("span.commit:not([title])")) {
    if (hashes.has(commit.textContent)) commit.title = hashes.get(commit.textContent);
  }
});
