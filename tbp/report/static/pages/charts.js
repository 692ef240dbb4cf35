// written by tbp report
// Every series as a small chart, of the lines that data/index.js has for the index. Those out of sight cost next to
// nothing: the style sheet lets the browser leave them undrawn.
"use strict";

// Charts put into the page at once; the rest is a button away, so that ten thousand do not fill the memory of a phone.
tbp.CHARTS = 300;

// A change point's shape says where the value went.
tbp.chartMark = ([x, y], isUp) => tbp.svg("path", { class: "moved", d: isUp ? `M${x - 8} ${y + 7}h16l-8-14z` : `M${x - 8} ${y - 7}h16l-8 14z` });

tbp.chartElement = (row, shape) => {
  const spots = tbp.spots(row, shape);
  const last = spots.filter(Boolean).at(-1);
  const card = tbp.make("a", { class: `chart-card ${row.state}`, href: tbp.href(row.href) }, tbp.make("bdi", { class: "benchmark" }, ...tbp.dotted(row.name)));
  if (row.parameters) card.append(tbp.make("bdi", { class: "parameters" }, row.parameters));
  if (row.place) card.append(tbp.make("bdi", { class: "muted place" }, row.place));
  if (last) {
    const line = tbp.svg("svg", { class: `spark ${row.state}`, viewBox: `0 0 ${shape.width * shape.units} ${shape.height * shape.units}`, "aria-hidden": "true" });
    line.append(tbp.svg("path", { d: tbp.sparkPath(spots) }), ...row.changes.map((column, place) => tbp.chartMark(spots[column], row.ups[place])),
      tbp.svg("circle", { class: "newest", cx: last[0], cy: last[1], r: 4 }));
    card.append(line);
  } else {
    card.append(tbp.make("span", { class: "muted none" }, "no values"));
  }
  card.append(tbp.make("span", { class: "chart-foot" }, tbp.make("span", { class: "newest-value" }, row.newest), " ", tbp.badge(row)));
  return tbp.make("li", {}, card);
};

tbp.charts = (list, form) => {
  const all = tbp.series.series.map((own) => tbp.fields(tbp.series, own));
  const elements = [];
  const more = document.getElementById("more");
  const rest = document.getElementById("rest");
  let limit = tbp.CHARTS;

  const element = (place) => {
    elements[place] ||= tbp.chartElement(all[place], tbp.series.spark);
    return elements[place];
  };
  const apply = () => {
    const found = filter.fitting();
    const groups = filter.groups(found);
    const listed = groups ? groups.flatMap(([, places]) => places) : found;
    const left = listed.length - Math.min(limit, listed.length);
    list.replaceChildren(...listed.slice(0, limit).map(element));
    filter.say(found);
    more.hidden = left <= 0;
    more.textContent = `Show ${Math.min(left, tbp.CHARTS).toLocaleString("en")} more of ${left.toLocaleString("en")}`;
    if (rest) rest.hidden = true;
    list.dataset.ready = "";
  };
  const filter = tbp.filter(form, all, () => { limit = tbp.CHARTS; apply(); });

  more.addEventListener("click", () => {
    const first = list.children.length;
    limit += tbp.CHARTS;
    apply();
    // The button may be gone: whoever came by keyboard goes on where the new charts begin.
    list.children[first]?.querySelector("a").focus();
  });
  apply();
};

tbp.ready(() => {
  const list = document.getElementById("charts");
  if (list && tbp.series) tbp.charts(list, document.getElementById("filter"));
});
