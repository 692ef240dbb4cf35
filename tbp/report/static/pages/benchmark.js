// written by tbp report
// Adds to the evidence of each change what would make the page heavy: the values on both sides, drawn (see
// tbp/report/parts/change_sides.py; a box holds the quartiles, a line is the median, a dot is a value), whole hashes,
// and a command that has most of its length from another.
"use strict";

tbp.STRIP = { width: 1000, height: 30 };
// The fractional parts of the golden ratio's multiples are spread evenly however many there are: dots that lie at one
// value get different heights, and always the same ones.
tbp.GOLDEN = 0.6180339887;

tbp.strip = (label, numbers) => {
  const { width, height } = tbp.STRIP;
  const [low, median, high, ...values] = numbers;
  // Lines of no length, which a round cap shows.
  const dots = values.map((x, rank) => `M${x} ${3 + Math.round((height - 6) * ((rank * tbp.GOLDEN) % 1))}h0`);
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

// The values of each change, in the order of the part of the page that has them.
tbp.strips = (all, part = document) => {
  part.querySelectorAll(".strips").forEach((box, index) => {
    const [before, after] = all[index];
    box.prepend(...tbp.strip("before", before), ...tbp.strip("after", after), tbp.make("span"));
  });
};

tbp.additions.push((part) => {
  // The whole hash of each commit, or its link. A page of a report of one file may be shown before there is a list.
  const places = new Map((tbp.commitList ? tbp.commitList.hash : []).map((hash, place) => [tbp.shortHash(hash), place]));
  for (const commit of part.querySelectorAll("span.commit:not([title])")) {
    if (places.has(commit.textContent)) commit.replaceWith(tbp.commitLink(tbp.commit(places.get(commit.textContent))));
  }
  // The second command of a change, which has the first one's pattern.
  for (const first of part.querySelectorAll(".command[data-again]")) {
    const pattern = first.querySelector("code").textContent.split(" --bench ").slice(1).join(" --bench ");
    const text = first.dataset.again.replace("…", () => pattern);
    delete first.dataset.again;
    const again = tbp.make("div", { class: "command" }, tbp.make("code", {}, text));
    tbp.copyable(again);
    first.after(tbp.make("p", { class: "label" }, "Measure this commit again"), again);
  }
});
