// written by tbp report
// The heatmap: rows and cells are made for what is looked at, a page of rows at a time.
"use strict";

tbp.heatmap = (form) => {
  const ROWS = 80;
  const { commits, rows, cell } = tbp.runs;
  const table = document.getElementById("heat"), says = document.getElementById("heat-cell");
  const more = document.getElementById("heat-more"), none = document.getElementById("heat-none");
  const [least, sigmas, ...steps] = form.dataset.settings.split(" ").map(Number);
  const glyphs = { none: "", failed: "×", skipped: "∅", apart: "≠" };
  const folded = new Set();
  const threshold = tbp.threshold(form.elements.size);
  const start = { n: innerWidth < 700 ? String(Math.min(20, commits.length)) : form.elements.n.value, suite: "", rows: "moved", q: "" };
  let most = ROWS, columns = [], shown = [];

  const read = () => {
    const kept = tbp.state.read();
    for (const [name, value] of Object.entries(start)) {
      const control = form.elements[name];
      control.value = kept.get(name) ?? value;
      if (control.tagName === "SELECT" && control.selectedIndex < 0) control.value = value;
      if (control.tagName === "SELECT" && control.selectedIndex < 0) control.selectedIndex = 0;
    }
    threshold.set(kept.get("size"));
  };
  const keep = () => tbp.state.keep([...Object.entries(start).map(([name, value]) =>
    [name, form.elements[name].value === value ? "" : form.elements[name].value]), ["size", threshold.kept()]]);

  // A change or a run's distance that a reader counts; all of them at first.
  const counts = (size) => size >= threshold.least();
  const markOf = (row, column) => {
    const mark = row.marks.get(column);
    return mark && counts(mark.size) ? mark : undefined;
  };

  // Worse is +, whatever the better direction is; nothing inside the series' own noise has a colour.
  const strength = (row, ratio) => {
    const size = Math.abs(ratio - 1);
    if (!(size >= Math.max(least, sigmas * (row.noise || 0))) || !counts(size)) return "";
    const level = 1 + steps.filter((step) => size >= step).length;
    return ((ratio > 1) === (row.better > 0) ? "w" : "b") + level;
  };

  const isMoved = (row, kind) => columns.some(({ column }) => {
    const mark = markOf(row, column);
    return mark && (kind === "moved" || mark.tone !== "s");
  });

  const cellElement = (row, commit) => {
    const own = cell(row, commit.column), mark = markOf(row, commit.column);
    const td = tbp.make("td", { role: "gridcell", tabindex: "-1" }, mark ? mark.glyph : glyphs[own.state] || "");
    td.className = own.state === "measured" ? `heat ${strength(row, own.ratio)}` : `heat ${own.state}`;
    if (mark && own.state === "measured" && td.className === "heat " && "wb".includes(mark.tone)) td.className = `heat ${mark.tone}1`;
    td.run = { row, commit };
    return td;
  };

  const rowElement = (row) => {
    const link = tbp.make("a", { href: row.href, tabindex: "-1" }, tbp.make("bdi", {}, row.name.slice(row.suite.length + 1) || row.name), " ",
      tbp.make("bdi", { class: "given" }, row.label), " ", tbp.make("bdi", { class: "muted" }, row.place.name));
    link.title = [row.name, row.label, row.place.name].filter(Boolean).join(" ");
    const tr = tbp.make("tr", { role: "row" }, tbp.make("th", { role: "rowheader", scope: "row", tabindex: "-1" }, link));
    tr.append(...columns.map((commit) => cellElement(row, commit)));
    return tr;
  };

  const groupElement = (suite, number) => {
    const button = tbp.make("button", { type: "button", tabindex: "-1", "aria-expanded": String(!folded.has(suite)) },
      `${folded.has(suite) ? "▸" : "▾"} `, tbp.make("bdi", {}, suite), ` · ${number} series`);
    button.addEventListener("click", () => {
      if (folded.has(suite)) folded.delete(suite); else folded.add(suite);
      draw();
      [...table.querySelectorAll("tr.group button")].find((one) => one.dataset.suite === suite)?.focus();
    });
    button.dataset.suite = suite;
    const head = tbp.make("th", { role: "rowheader", scope: "rowgroup", colspan: String(columns.length + 1) }, button);
    return tbp.make("tr", { role: "row", class: "group" }, head);
  };

  const headElement = () => {
    const tr = tbp.make("tr", { role: "row" }, tbp.make("th", { role: "columnheader", scope: "col" }, "Series"));
    for (const commit of columns) {
      const name = commit.href ? tbp.make("a", { href: commit.href, rel: "noreferrer", tabindex: "-1" }, commit.short) : tbp.make("span", {}, commit.short);
      name.title = [commit.short, commit.date, commit.subject].filter(Boolean).join(" · ");
      tr.append(tbp.make("th", { role: "columnheader", scope: "col", class: "commit-name" }, name));
    }
    return tbp.make("thead", { role: "rowgroup" }, tr);
  };

  const draw = () => {
    const groups = new Map();
    for (const row of shown) groups.set(row.suite, [...(groups.get(row.suite) || []), row]);
    const body = tbp.make("tbody", { role: "rowgroup" });
    let room = most, hidden = 0;
    for (const [suite, own] of groups) {
      if (room <= 0) { hidden += own.length; continue; }
      body.append(groupElement(suite, own.length));
      if (folded.has(suite)) continue;
      body.append(...own.slice(0, room).map(rowElement));
      hidden += Math.max(0, own.length - room);
      room -= own.length;
    }
    table.replaceChildren(headElement(), body);
    const focus = table.querySelector("td, tr.group button");
    if (focus) focus.tabIndex = 0;
    more.hidden = hidden === 0;
    more.textContent = `Show ${Math.min(hidden, ROWS)} more of ${hidden}`;
    none.hidden = shown.length > 0;
    document.getElementById("heat-scroll").hidden = shown.length === 0;
    document.getElementById("shown").textContent = `${shown.length} of ${rows.length} series shown`;
    table.dataset.ready = "";
  };

  const apply = () => {
    const wanted = tbp.tokens(form.elements.q.value), suite = form.elements.suite.value, kind = form.elements.rows.value;
    columns = commits.slice(-Number(form.elements.n.value));
    shown = rows.filter((row) => (!suite || row.suite === suite) && wanted.every((word) => row.text.includes(word))
      && (kind === "all" || isMoved(row, kind)));
    most = ROWS;
    draw();
  };

  const describe = ({ row, commit }) => {
    const own = cell(row, commit.column), mark = row.marks.get(commit.column);
    const words = { none: "no run", failed: "failed", skipped: "skipped", apart: `${tbp.quantity(own.value, row.scales)}, another benchmark version: not comparable` };
    const inside = Math.abs(own.ratio - 1) < sigmas * row.noise ? ", within its noise" : "";
    const measured = `${tbp.quantity(own.value, row.scales)}${Number.isFinite(own.ratio) ? `, ${tbp.signedPercent(own.ratio - 1)} against the level before${inside}` : ""}`;
    const change = mark ? ` — ${mark.tone === "s" ? "suspect: " : "changed here: "}${mark.words}` : "";
    says.replaceChildren(tbp.make("b", {}, tbp.make("bdi", {}, [row.name, row.label, row.place.name].filter(Boolean).join(" "))),
      ` at ${commit.short}, ${commit.date} `, tbp.make("bdi", { class: "muted" }, commit.subject), tbp.make("br"),
      (words[own.state] || measured) + change);
  };

  const focusOn = (element) => {
    for (const one of table.querySelectorAll("[tabindex='0']")) one.tabIndex = -1;
    element.tabIndex = 0;
    element.focus();
  };

  const move = (event) => {
    const here = event.target.closest("td, th");
    const tr = here?.parentElement;
    if (!tr) return;
    const all = [...table.querySelectorAll("tbody tr")], at = all.indexOf(tr), column = [...tr.children].indexOf(here);
    const target = (line, place) => {
      const cells = all[line]?.children;
      if (!cells) return null;
      const one = cells[Math.max(0, Math.min(place, cells.length - 1))];
      return one.querySelector("button, a") || one;
    };
    const next = {
      ArrowRight: () => target(at, column + 1), ArrowLeft: () => target(at, column - 1),
      ArrowDown: () => target(at + 1, move.column ?? column), ArrowUp: () => target(at - 1, move.column ?? column),
      Home: () => target(at, 0), End: () => target(at, columns.length), Enter: () => null,
    }[event.key];
    if (!next) return;
    if (event.key === "Enter") { if (here.run) location.href = here.run.row.href; return; }
    event.preventDefault();
    if (!["ArrowDown", "ArrowUp"].includes(event.key)) move.column = undefined;
    else move.column ??= column;
    const element = next();
    if (element) focusOn(element);
  };

  table.addEventListener("keydown", move);
  // A finger cannot point without a click: its first one says what the cell is, its second one opens the series.
  let touched = null;
  table.addEventListener("click", (event) => {
    const td = event.target;
    if (!td.run) return;
    if (event.pointerType === "touch" && touched !== td) { touched = td; focusOn(td); return; }
    location.href = td.run.row.href;
  });
  table.addEventListener("mouseover", (event) => { if (event.target.run) describe(event.target.run); });
  table.addEventListener("focusin", (event) => { if (event.target.run) describe(event.target.run); });
  more.addEventListener("click", () => { most += ROWS; draw(); });
  document.getElementById("heat-all").addEventListener("click", () => { form.elements.rows.value = "all"; form.elements.suite.value = ""; form.elements.q.value = ""; threshold.set("0"); apply(); keep(); });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", () => { apply(); keep(); });
  addEventListener("hashchange", () => { read(); apply(); });
  const data = document.getElementById("heat-data");
  data.open = false;
  addEventListener("beforeprint", () => { data.open = true; });
  read();
  apply();
  // The newest commits are what one looks for.
  const scroll = document.getElementById("heat-scroll");
  scroll.scrollLeft = scroll.scrollWidth;
};

document.addEventListener("tbp-grid", () => {
  const form = document.getElementById("heat-form");
  if (form) tbp.heatmap(form);
});
