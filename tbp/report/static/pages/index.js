// written by tbp report
// The series of the index, as rows of a table or as small charts: which are shown, in which order, and which rows are
// folded. The first rows are in the page already; the others come from data/rows-*.js when a reader asks for them, as
// all charts do from data/cards-*.js.
"use strict";

// Rows put into the page at once: a screenful or two. The rest is a button away.
tbp.STEP = 50;
// Rows on paper: forty sheets of them.
tbp.PAPER_ROWS = 1000;
// Charts put into the page at once, so that ten thousand do not fill the memory of a phone. Those out of sight cost next
// to nothing: the style sheet lets the browser leave them undrawn.
tbp.CHARTS = 300;

// Rows of one benchmark that the same commit moved with the same verdict, together where the first of them is: the
// counterpart of ``tbp.report.pages.index.page.grouped``. A pair is no group.
tbp.LEAST_GROUP = 3;
tbp.groups = (all, places) => {
  const groups = new Map();
  for (const place of places) {
    const { name, commit, state } = all[place];
    const key = commit ? JSON.stringify([name, commit.hash, state]) : place;
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(place);
  }
  return [...groups.values()].flatMap((group) => (group.length < tbp.LEAST_GROUP ? group.map((place) => [place]) : [group]));
};

// Both views: the table, and the charts, which are made when they are asked for first. One of them is in the page.
tbp.views = (form) => {
  const [table, charts, legend, more] = ["series", "charts", "charts-legend", "more"].map((id) => document.getElementById(id));
  const rest = document.getElementById("rest");
  let cards = null;
  const view = () => {
    const isCharts = form.elements.view.value === "charts";
    table.hidden = isCharts;
    charts.hidden = legend.hidden = !isCharts;
    if (!isCharts) return rows;
    cards ||= tbp.paged(charts, "cards", [], tbp.CHARTS, { listed: listedCharts, after: (left) => { after(left); charts.dataset.ready = ""; } });
    return cards;
  };
  const after = (left) => {
    if (!rest) return;
    rest.hidden = !(tbp.isPaper && left > 0);
    rest.textContent = `${left.toLocaleString("en")} more series are not on paper.`;
  };
  const filter = tbp.filter(form, tbp.series, () => view().restart());
  // What fits, and its groups by benchmark where they are asked for.
  const fitting = () => {
    const found = filter.fitting();
    filter.say(found);
    return [found, filter.groups(found)];
  };
  const listedCharts = () => {
    const [found, groups] = fitting();
    return groups ? groups.flatMap(([, places]) => places) : found;
  };
  tbp.takeable(form.querySelector(".controls"), "series", () => tbp.rowsOf("table", (whole) => filter.fitting().map((place) => whole[place])));
  const rows = tbp.table(table, fitting, after);
  more.addEventListener("click", () => view().further());
  document.addEventListener("tbp-paper", () => view().show());
  view().show();
  // A printer waits for nothing, so what fits its paper is loaded when there is time.
  requestIdleCallback(() => rows.load([...tbp.series.keys()].slice(0, tbp.PAPER_ROWS), () => { form.dataset.ready = ""; }));
};

tbp.table = (table, fitting, after) => {
  const body = table.tBodies[0];
  const all = tbp.series;
  // The page's rows are the first of each group, in the same order.
  const known = [];
  const own = [...body.rows].filter((row) => !row.classList.contains("more-of"));
  tbp.groups(all, all.keys()).slice(0, own.length).forEach(([first], at) => { known[first] = own[at]; });
  const unfolded = new Set();
  const columns = table.matches(".no-causes") ? 6 : 7;

  const line = (css, tag, role, ...children) => tbp.make("tr", { role: "row", class: css }, tbp.make(tag, { role, colspan: columns }, ...children));
  const heading = (name, number) => line("group", "th", "rowheader", tbp.make("bdi", {}, name), ` · ${number.toLocaleString("en")}`);

  // The others of a group, behind a button.
  const fold = ([first, ...others]) => {
    const { name, commit } = all[first];
    const isOpen = unfolded.has(first);
    const button = tbp.make("button", { type: "button", class: "small unfold", "aria-expanded": String(isOpen) },
      `${isOpen ? "Hide" : "Show"} ${others.length.toLocaleString("en")} more series of `, tbp.make("bdi", {}, name), ` at ${commit.short}`);
    button.addEventListener("click", () => {
      if (isOpen) unfolded.delete(first); else unfolded.add(first);
      rows.show(() => body.querySelector(`[data-first="${first}"] button`).focus());
    });
    const row = line("more-of", "td", "cell", button);
    row.dataset.first = first;
    return row;
  };
  const folded = (found) => tbp.groups(all, found).flatMap((group) => {
    if (group.length === 1 || tbp.isPaper) return group;
    return unfolded.has(group[0]) ? [group[0], { group }, ...group.slice(1)] : [group[0], { group }];
  });
  const made = (one) => (one.group ? fold(one.group) : heading(...one));
  const listed = () => {
    const [found, groups] = fitting();
    return groups ? groups.flatMap(([name, places]) => [[name, places.length], ...places]) : folded(found);
  };
  // On paper is what has been loaded.
  const cut = (found, limit, has) => (tbp.isPaper
    ? found.filter((one) => !Number.isInteger(one) || has(one)).slice(0, Math.max(limit, tbp.PAPER_ROWS)) : found.slice(0, limit));
  const rows = tbp.paged(body, "rows", known, tbp.STEP, { listed, made, cut, after });
  return rows;
};

tbp.ready(() => {
  const form = document.getElementById("filter");
  if (form && tbp.series && document.getElementById("series")) tbp.views(form);
});
