// written by tbp report
// The table of the index: search, filters and order, kept in the address, and the rows that the page itself leaves out.
// Every series comes from data/index.js, worst first; the first ones have their row in the page already.
"use strict";

tbp.index = (data) => { tbp.series = data; };

// Rows put into the page at once: a screenful or two. The rest is a button away.
tbp.STEP = 50;

tbp.fields = (data, own) => {
  const [benchmark, parameters = "", anchor = "", place = 0, state = 0, now = "", spark = "", device = "", remark = "",
    size = 0, change = "", sure = [], commit = 0, lastGood = 0, between = "", causes = [], changes = [], levels = [],
    leaving = "", net = "", flags = 0, noCause = ""] = own;
  const [name, page] = data.benchmarks[benchmark];
  const [machine, environment, shownPlace] = data.places[place];
  const [css, glyph, word] = data.states[state];
  const link = (number) => {
    if (!number) return null;
    const [short, hash, subject, href, date, anchor] = data.commits[number - 1];
    return { short, hash, subject, href, date, anchor };
  };
  return { name, parameters, suite: name.split(".")[0], href: `${page}#${anchor}`, machine, environment, place: shownPlace, state: css, glyph,
    levels, spark, device, remark, size, change: change || word, moved: Boolean(change), sure, commit: link(commit),
    lastGood: link(lastGood), between, causes, changes, now, leaving, net, isLeft: flags % 2 === 1, isNetWorse: flags > 1, noCause };
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
  const dotted = (text) => text.split(".").flatMap((part, place) => (place ? [".", document.createElement("wbr"), part] : [part]));
  link.append(tbp.element("bdi", "benchmark", ...dotted(row.name)));
  if (row.parameters) link.append(tbp.element("bdi", "parameters", ...dotted(row.parameters)));
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
  const now = tbp.cell("td", "cell", "number now", tbp.element("span", "", row.now));
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
// counterpart of ``tbp.report.summary.grouped``. A pair is no group.
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
  const texts = [];
  const states = [...form.querySelectorAll("input[name=state]")];
  const facets = ["suite", "machine", "environment", "device"].filter((name) => form.elements[name]);
  const more = document.getElementById("more");
  const everything = document.getElementById("all");
  const columns = document.querySelector("#series.no-causes") ? 6 : 7;
  const rest = document.getElementById("rest");
  const filters = document.getElementById("more-filters");
  const wide = matchMedia("(min-width: 901px)");
  let limit = tbp.STEP;

  const element = (place) => {
    elements[place] ||= tbp.rowElement(all[place], tbp.series.spark);
    return elements[place];
  };
  const text = (place) => {
    if (texts[place] === undefined) {
      const { name, parameters, machine, environment, change, commit, causes, remark, leaving, net } = all[place];
      texts[place] = [name, parameters, machine, environment, change, leaving, net, ...(commit ? [commit.short, commit.hash, commit.date, commit.subject] : []), ...causes, remark].join(" ").toLowerCase();
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
    form.elements.q.value = kept.get("q") || "";
    for (const name of [...facets, "size", "order"]) choose(form.elements[name], kept.get(name));
    tbp.boxes.read(states, kept);
    // What narrows the rows is not out of sight.
    if (wide.matches || [...facets, "size", "order"].some((name) => form.elements[name].value)) filters.open = true;
  };
  // Only what differs from the start is in the address.
  const keep = () => {
    const chosen = ["q", ...facets, "size", "order"].map((name) => [name, form.elements[name].value]);
    tbp.state.keep([...tbp.boxes.pairs(states), ...chosen]);
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
    cell.colSpan = columns;
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
    if (group.length === 1) return group;
    return unfolded.has(group[0]) ? [group[0], { group }, ...group.slice(1)] : [group[0], { group }];
  });
  // Days are the same text as their order.
  const newestFirst = (found) => found.toSorted((one, other) => {
    const [a, b] = [one, other].map((place) => all[place].commit?.date || "");
    return a < b ? 1 : a > b ? -1 : one - other;
  });
  const made = (one) => (one.group ? fold(one.group) : Array.isArray(one) ? heading(...one) : element(one));

  const apply = () => {
    const found = fitting();
    const order = form.elements.order.value;
    const listed = order === "benchmark" ? byBenchmark(found) : folded(order === "newest" ? newestFirst(found) : found);
    const shown = listed.slice(0, limit);
    body.replaceChildren(...shown.map(made));
    tbp.boxes.press(form, states);
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
  tbp.boxes.buttons(form, states, changed);
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
