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
  if (row.parameters) link.append(tbp.element("bdi", "parameters", ...tbp.dotted(row.parameters)));
  const name = tbp.cell("th", "rowheader", "name", link);
  name.scope = "row";
  if (row.place) name.append(tbp.element("bdi", "muted place", row.place));

  const change = tbp.cell("td", "cell", "change", tbp.badge(row));
  if (row.isNetWorse) change.append(tbp.element("span", "badge net-worse", `but ${row.net}`));
  if (row.sure.length) {
    const comma = (place) => (place < row.sure.length - 1 ? "," : "");
    const parts = row.sure.flatMap((said, place) => [tbp.element("span", "", said + comma(place)), " "]);
    change.append(tbp.element("span", "interval", ...parts));
  }
  if (row.remark) change.append(tbp.element("span", "muted remark", row.remark));

  const levels = tbp.cell("td", "cell", "number levels");
  if (row.levels.length) {
    const [before, after, difference] = row.levels;
    levels.append(tbp.element("span", "", before), " → ", tbp.element("span", "", after), tbp.element("span", "difference", difference));
  }
  const now = tbp.cell("td", "cell", "number now", tbp.element("span", "", row.newest));
  if (row.leaving) now.append(tbp.element("span", row.isLeft ? "leaving left" : "leaving", row.leaving));
  if (row.net && !row.isNetWorse) now.append(tbp.element("span", "net", row.net));
  const since = tbp.cell("td", "cell", "since");
  if (row.commit) {
    if (row.lastGood) since.append(tbp.commitLink(row.lastGood), "..", document.createElement("wbr"));
    const when = tbp.element("a", "when", row.commit.date);
    when.href = tbp.href(`changes.html#${row.commit.anchor}`);
    since.append(tbp.commitLink(row.commit), " ", when);
    if (row.between) since.append(tbp.element("span", "between", row.between));
    if (row.commit.subject) since.append(tbp.element("bdi", "muted subject", row.commit.subject));
  }
  const causes = tbp.cell("td", "cell", "causes", ...row.causes.map((cause) => tbp.element("span", "cause", cause)));
  if (row.noCause) causes.append(tbp.element("span", "muted remark", row.noCause));
  return tbp.cell("tr", "row", row.state, name, change, levels, now, since, causes,
    tbp.cell("td", "cell", "history", tbp.sparkElement(row, shape)));
};

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

tbp.table = (form) => {
  const body = document.querySelector("#series tbody");
  const all = tbp.series.series.map((own) => tbp.fields(tbp.series, own));
  // The page's own rows are the first of each group, in the same order.
  const elements = [];
  const own = [...body.rows].filter((row) => !row.classList.contains("more-of"));
  tbp.groups(all, all.keys()).slice(0, own.length).forEach(([first], at) => { elements[first] = own[at]; });
  const unfolded = new Set();
  const columns = document.querySelector("#series.no-causes") ? 6 : 7;
  const more = document.getElementById("more");
  const rest = document.getElementById("rest");
  let limit = tbp.STEP;

  const element = (place) => {
    elements[place] ||= tbp.rowElement(all[place], tbp.series.spark);
    return elements[place];
  };
  const heading = (name, number) => {
    const cell = tbp.cell("th", "rowheader", "", tbp.element("bdi", "", name), ` · ${number.toLocaleString("en")}`);
    cell.colSpan = columns;
    return tbp.cell("tr", "row", "group", cell);
  };

  // The others of a group, behind a button.
  const fold = ([first, ...others]) => {
    const { name, commit } = all[first];
    const isOpen = unfolded.has(first);
    const button = tbp.make("button", { type: "button", class: "small unfold", "aria-expanded": String(isOpen) },
      `${isOpen ? "Hide" : "Show"} ${others.length.toLocaleString("en")} more series of `, tbp.element("bdi", "", name), ` at ${commit.short}`);
    button.addEventListener("click", () => {
      if (isOpen) unfolded.delete(first); else unfolded.add(first);
      apply();
      body.querySelector(`[data-first="${first}"] button`).focus();
    });
    const cell = tbp.cell("td", "cell", "", button);
    cell.colSpan = columns;
    return tbp.make("tr", { role: "row", class: "more-of", "data-first": first }, cell);
  };
  const folded = (found) => tbp.groups(all, found).flatMap((group) => {
    if (group.length === 1 || tbp.isPaper) return group;
    return unfolded.has(group[0]) ? [group[0], { group }, ...group.slice(1)] : [group[0], { group }];
  });
  const made = (one) => (one.group ? fold(one.group) : Array.isArray(one) ? heading(...one) : element(one));

  const apply = () => {
    const found = filter.fitting();
    const groups = filter.groups(found);
    const listed = groups ? groups.flatMap(([name, places]) => [[name, places.length], ...places]) : folded(found);
    const shown = listed.slice(0, tbp.isPaper ? Math.max(limit, tbp.PAPER_ROWS) : limit);
    body.replaceChildren(...shown.map(made));
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
