// written by tbp report
// The table of the index: the rows that the page itself leaves out, and which are shown.
// Every series comes from data/index.js, worst first; the first ones have their row in the page already.
"use strict";

// Rows put into the page at once: a screenful or two. The rest is a button away.
tbp.STEP = 50;
// Rows on paper: forty sheets of them.
tbp.PAPER_ROWS = 1000;

tbp.rowElement = (row, shape) => {
  const link = tbp.element("a", "");
  link.href = tbp.href(row.href);
  link.append(tbp.element("bdi", "benchmark", ...tbp.dotted(row.name)));
  if (row.parameters) link.append(tbp.element("bdi", "parameters", row.parameters));
  const name = tbp.cell("th", "rowheader", "name", link);
  name.scope = "row";
  if (row.place) name.append(tbp.element("bdi", "muted place", row.place));

  const change = tbp.cell("td", "cell", "change", tbp.badge(row));
  if (row.interval) change.append(tbp.element("span", "muted interval", row.interval));

  const levels = tbp.cell("td", "cell", "number levels");
  row.levels.forEach((level, place) => levels.append(place ? " → " : "", tbp.element("span", "whole", level)));
  const since = tbp.cell("td", "cell", "since");
  if (row.commit) {
    if (row.lastGood) since.append(tbp.commitLink(row.lastGood), "..", document.createElement("wbr"));
    since.append(tbp.commitLink(row.commit));
    if (row.between) since.append(tbp.element("span", "muted between", row.between));
    since.append(tbp.element("bdi", "muted subject", row.commit.subject));
  }
  const causes = tbp.cell("td", "cell", "causes", ...row.causes.map((cause) => tbp.element("span", "cause", cause)));
  if (row.remark) causes.append(tbp.element("span", "muted remark", row.remark));
  return tbp.cell("tr", "row", row.state, name, change, levels, since, causes,
    tbp.cell("td", "cell", "history", tbp.sparkElement(row, shape)));
};

tbp.table = (form) => {
  const body = document.querySelector("#series tbody");
  const all = tbp.series.series.map((own) => tbp.fields(tbp.series, own));
  // The page's own rows are the first ones, in the same order.
  const elements = [...body.rows];
  const more = document.getElementById("more");
  const rest = document.getElementById("rest");
  let limit = tbp.STEP;

  const element = (place) => {
    elements[place] ||= tbp.rowElement(all[place], tbp.series.spark);
    return elements[place];
  };
  const heading = (name, number) => {
    const cell = tbp.cell("th", "rowheader", "", tbp.element("bdi", "", name), ` · ${number.toLocaleString("en")}`);
    cell.colSpan = 6;
    return tbp.cell("tr", "row", "group", cell);
  };

  const apply = () => {
    const found = filter.fitting();
    const groups = filter.groups(found);
    const listed = groups ? groups.flatMap(([name, places]) => [[name, places.length], ...places]) : found;
    const shown = listed.slice(0, tbp.isPaper ? Math.max(limit, tbp.PAPER_ROWS) : limit);
    body.replaceChildren(...shown.map((one) => (Array.isArray(one) ? heading(...one) : element(one))));
    const left = listed.length - shown.length;
    filter.say(found);
    more.hidden = left <= 0;
    more.textContent = `Show ${Math.min(left, tbp.STEP).toLocaleString("en")} more of ${left.toLocaleString("en")}`;
    if (!rest) return;
    rest.hidden = !(tbp.isPaper && left > 0);
    rest.textContent = `${left.toLocaleString("en")} more series are not on paper.`;
  };
  const filter = tbp.filter(form, all, () => { limit = tbp.STEP; apply(); });
  document.addEventListener("tbp-paper", apply);

  more.addEventListener("click", () => {
    const first = body.rows.length;
    limit += tbp.STEP;
    apply();
    // The button may be gone: whoever came by keyboard goes on where the new rows begin.
    body.rows[first]?.querySelector("a")?.focus();
  });
  apply();
};

tbp.ready(() => {
  const form = document.getElementById("filter");
  if (form && tbp.series && document.getElementById("series")) tbp.table(form);
});
