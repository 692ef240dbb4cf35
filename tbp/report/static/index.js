// written by tbp report
// The table of the index: search, filters and order, kept in the address, and the rows that the page itself leaves out.
// Every series comes from data/index.js, worst first; the first ones have their row in the page already.
"use strict";

tbp.index = (data) => { tbp.series = data; };

// Rows put into the page at once: a screenful or two. The rest is a button away.
tbp.STEP = 50;

tbp.fields = (data, own) => {
  const [benchmark, parameters = "", anchor = "", place = 0, state = 0, levels = [], spark = "", device = "", remark = "",
    size = 0, change = "", interval = "", commit = 0, lastGood = 0, between = "", causes = [], changes = []] = own;
  const [name, page, suite] = data.benchmarks[benchmark];
  const [machine, environment, shownPlace] = data.places[place];
  const [css, glyph, word] = data.states[state];
  const link = (number) => {
    if (!number) return null;
    const [short, hash, subject, href] = data.commits[number - 1];
    return { short, hash, subject, href };
  };
  return { name, parameters, suite, href: `${page}#${anchor}`, machine, environment, place: shownPlace, state: css, glyph,
    levels, spark, device, remark, size, change: change || word, moved: Boolean(change), interval, commit: link(commit),
    lastGood: link(lastGood), between, causes, changes };
};

tbp.element = (tag, css, ...children) => tbp.make(tag, { class: css || null }, ...children);
tbp.cell = (tag, role, css, ...children) => tbp.make(tag, { role, class: css || null }, ...children);

// The same drawing as ``tbp.report.sparkline`` makes of the same levels.
tbp.sparkElement = (row, shape) => {
  const across = shape.width * shape.units - 2 * shape.margin;
  const spots = [...row.spark].map((character, column) => {
    const code = character.charCodeAt(0);
    if (code === 32) return null;
    const x = shape.margin + Math.round((across * column) / Math.max(1, row.spark.length - 1));
    return [x, shape.margin + shape.levels - (code - 65 - (code > 91 ? 1 : 0))];
  });
  const last = spots.filter(Boolean).at(-1);
  if (!last) return tbp.element("span", "muted", "no values");
  const path = spots.map((spot, column) => {
    if (!spot) return "";
    return `${spots[column - 1] ? "L" : "M"}${spot[0]} ${spot[1]}${spots[column - 1] || spots[column + 1] ? "" : "l0 0"}`;
  }).join("");
  const made = tbp.svg("svg", { class: `spark ${row.state}`, viewBox: `0 0 ${shape.width * shape.units} ${shape.height * shape.units}`,
    width: shape.width, height: shape.height, role: "img", "aria-label": "History, oldest commit left" });
  made.append(tbp.svg("path", { d: path }));
  for (const column of row.changes) made.append(tbp.svg("circle", { class: "moved", cx: spots[column][0], cy: spots[column][1], r: 6 }));
  made.append(tbp.svg("circle", { class: "newest", cx: last[0], cy: last[1], r: 4 }));
  return made;
};

tbp.rowElement = (row, shape) => {
  const link = tbp.element("a", "");
  link.href = tbp.href(row.href);
  const dotted = row.name.split(".").flatMap((part, place) => (place ? [".", document.createElement("wbr"), part] : [part]));
  link.append(tbp.element("bdi", "benchmark", ...dotted));
  if (row.parameters) link.append(tbp.element("bdi", "parameters", row.parameters));
  const name = tbp.cell("th", "rowheader", "name", link);
  name.scope = "row";
  if (row.place) name.append(tbp.element("bdi", "muted place", row.place));

  const badge = tbp.element("span", `badge ${row.state}`);
  if (!row.moved || ["suspect", "acknowledged"].includes(row.state)) {
    const glyph = tbp.element("span", "glyph", row.glyph);
    glyph.setAttribute("aria-hidden", "true");
    badge.append(glyph, " ");
  }
  badge.append(row.change);
  const change = tbp.cell("td", "cell", "change", badge);
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
  const texts = [];
  const states = [...form.querySelectorAll("input[name=state]")];
  const facets = ["suite", "machine", "environment", "device"].filter((name) => form.elements[name]);
  const more = document.getElementById("more");
  const everything = document.getElementById("all");
  const rest = document.getElementById("rest");
  let limit = tbp.STEP;

  const element = (place) => {
    elements[place] ||= tbp.rowElement(all[place], tbp.series.spark);
    return elements[place];
  };
  const text = (place) => {
    if (texts[place] === undefined) {
      const { name, parameters, machine, environment, change, commit, causes, remark } = all[place];
      texts[place] = [name, parameters, machine, environment, change, ...(commit ? [commit.short, commit.hash, commit.subject] : []), ...causes, remark].join(" ").toLowerCase();
    }
    return texts[place];
  };

  // A choice that the page does not offer, as in an old link, counts as none.
  const choose = (select, value) => {
    select.value = value || "";
    if (select.selectedIndex < 0) select.value = "";
  };
  const read = () => {
    const kept = tbp.state.read();
    const hidden = (kept.get("hide") || "").split(",");
    form.elements.q.value = kept.get("q") || "";
    for (const name of [...facets, "size", "order"]) choose(form.elements[name], kept.get(name));
    for (const state of states) state.checked = !hidden.includes(state.value);
  };
  // Only what differs from the start is in the address.
  const keep = () => {
    const hidden = states.filter((state) => !state.checked).map((state) => state.value);
    const chosen = ["q", ...facets, "size", "order"].map((name) => [name, form.elements[name].value]);
    tbp.state.keep([["hide", hidden.join(",")], ...chosen]);
  };

  const fitting = () => {
    const wanted = tbp.tokens(form.elements.q.value);
    const hidden = new Set(states.filter((state) => !state.checked).map((state) => state.value));
    const chosen = facets.map((name) => [name, form.elements[name].value]).filter(([, value]) => value);
    const least = Number(form.elements.size.value) / 100;
    const found = [];
    all.forEach((row, place) => {
      if (hidden.has(row.state) || row.size < least) return;
      if (chosen.some(([name, value]) => row[name] !== value)) return;
      if (wanted.every((word) => text(place).includes(word))) found.push(place);
    });
    return found;
  };

  const heading = (name, number) => {
    const cell = tbp.cell("th", "rowheader", "", tbp.element("bdi", "", name), ` · ${number.toLocaleString("en")}`);
    cell.colSpan = 6;
    return tbp.cell("tr", "row", "group", cell);
  };
  const byBenchmark = (found) => {
    const groups = new Map();
    for (const place of found) {
      const { name } = all[place];
      if (!groups.has(name)) groups.set(name, []);
      groups.get(name).push(place);
    }
    const sorted = [...groups.keys()].sort((one, other) => one.localeCompare(other, "en", { numeric: true }));
    return sorted.flatMap((name) => [[name, groups.get(name).length], ...groups.get(name)]);
  };

  const apply = () => {
    const found = fitting();
    const listed = form.elements.order.value === "benchmark" ? byBenchmark(found) : found;
    const shown = listed.slice(0, limit);
    body.replaceChildren(...shown.map((one) => (Array.isArray(one) ? heading(...one) : element(one))));
    const left = listed.length - shown.length;
    const number = (value) => value.toLocaleString("en");
    document.getElementById("shown").textContent = `${number(found.length)} of ${number(all.length)} series`;
    document.getElementById("nothing").hidden = found.length > 0;
    everything.hidden = !tbp.fragment();
    more.hidden = left <= 0;
    more.textContent = `Show ${number(Math.min(left, tbp.STEP))} more of ${number(left)}`;
    if (rest) rest.hidden = true;
  };
  const changed = () => {
    limit = tbp.STEP;
    keep();
    apply();
  };

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", changed);
  more.addEventListener("click", () => {
    const first = body.rows.length;
    limit += tbp.STEP;
    apply();
    // The button may be gone: whoever came by keyboard goes on where the new rows begin.
    body.rows[first]?.querySelector("a")?.focus();
  });
  everything.addEventListener("click", () => {
    tbp.setFragment("");
    read();
    changed();
    form.elements.q.focus();
  });
  addEventListener("hashchange", () => { read(); apply(); });
  read();
  apply();
};

tbp.ready(() => {
  const form = document.getElementById("filter");
  if (form && tbp.series) tbp.table(form);
});
