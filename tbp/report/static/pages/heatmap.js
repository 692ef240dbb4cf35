// written by tbp report
// The heatmap: rows and cells are made for what is looked at, a page of rows at a time.
"use strict";

tbp.heatmap = (form) => {
  const ROWS = 80;
  // Rows and columns on paper: six sheets of A4 across.
  const PAPER_ROWS = 300, PAPER_COLUMNS = 50;
  // Pixels of the names of series, on a phone, and of a cell with a number in it.
  const NAMES = 432, NARROW = 160, NUMBER = 37;
  const { commits, rows, cell } = tbp.runs;
  const table = document.getElementById("heat"), says = document.getElementById("heat-cell");
  const more = document.getElementById("heat-more"), none = document.getElementById("heat-none");
  const [least, sigmas, ...steps] = form.dataset.settings.split(" ").map(Number);
  const glyphs = { none: "", failed: "×", skipped: "∅", apart: "≠" };
  const folded = new Set();
  const threshold = tbp.threshold(form.elements.size), facets = tbp.facets(form);
  const start = { n: innerWidth < 700 ? String(Math.min(20, commits.length)) : form.elements.n.value, suite: "", rows: "moved", q: "", against: "before", numbers: "room" };
  const told = tbp.told(tbp.runs.places.map((place) => place.name)), values = tbp.values(rows), nameOf = tbp.benchmarkNames(rows);
  const tags = new Map();
  for (const { column, name } of tbp.runs.tags) tags.set(column, [...(tags.get(column) || []), name]);
  let most = ROWS, columns = [], shown = [], isNumbered = false;

  const read = () => {
    const kept = tbp.state.read();
    for (const [name, value] of Object.entries(start)) {
      const control = form.elements[name];
      control.value = kept.get(name) ?? value;
      if (control.tagName === "SELECT" && control.selectedIndex < 0) control.value = value;
      if (control.tagName === "SELECT" && control.selectedIndex < 0) control.selectedIndex = 0;
    }
    facets.read(kept);
    threshold.set(kept.get("size"));
  };
  const keep = () => tbp.state.keep([...Object.entries(start).map(([name, value]) =>
    [name, form.elements[name].value === value ? "" : form.elements[name].value]), ...facets.pairs(), ["size", threshold.kept()]]);

  // A change or a run's distance that a reader counts; all of them at first.
  const counts = (size) => size >= threshold.least();
  const markOf = (row, column) => {
    const mark = row.marks.get(column);
    return mark && counts(mark.size) ? mark : undefined;
  };

  // What a run is seen against: the level before the change that its segment began with, where that happened on the
  // columns shown, else its own level; or the level that the columns begin with.
  const reference = (row, own) => {
    const first = columns[0].column;
    if (form.elements.against.value === "first") {
      const before = row.segments.filter(([start]) => start <= first);
      return (before.at(-1) || row.segments[0] || [])[1];
    }
    return own.start >= first && row.marks.has(own.start) ? own.before : own.level;
  };
  const ratioOf = (row, own, level) => (own.state === "measured" && level ? (own.value - level) / Math.abs(level) : NaN);

  // Nothing inside the series' own noise has a colour, nor where that is not known.
  const isBeyond = (row, ratio) => Math.abs(ratio) >= Math.max(least, sigmas * row.noise) && counts(Math.abs(ratio));
  const strength = (row, ratio) => {
    if (!isBeyond(row, ratio)) return "";
    const level = 1 + steps.filter((step) => Math.abs(ratio) >= step).length;
    return (row.better ? ((ratio > 0) === (row.better > 0) ? "w" : "b") : "n") + level;
  };

  // Whether the newest run is beyond the noise of its level: no confirmed change, but nothing to leave out either.
  const hasLeft = (row) => {
    for (let at = columns.length - 1; at >= 0; at -= 1) {
      const own = cell(row, columns[at].column);
      if (own.state === "measured") return isBeyond(row, ratioOf(row, own, own.level));
    }
    return false;
  };
  const isMoved = (row, kind) => columns.some(({ column }) => {
    const mark = markOf(row, column);
    return mark && (kind === "moved" || mark.tone !== "suspect");
  }) || (kind === "moved" && hasLeft(row));

  // Per cent, or the points of a percentage, without its sign, which the column has no room for; "×37" from ten times on.
  const number = (ratio, isSigned) => {
    if (!Number.isFinite(ratio)) return "";
    const size = Math.round(100 * Math.abs(ratio));
    const text = ratio >= 9 ? `×${Math.round(1 + ratio)}` : String(size);
    return isSigned && size && ratio < 9 ? `${ratio > 0 ? "+" : "−"}${text}` : text;
  };

  const cellElement = (row, commit) => {
    const own = cell(row, commit.column), mark = markOf(row, commit.column);
    const level = reference(row, own), ratio = ratioOf(row, own, level);
    const said = isNumbered ? number(tbp.isPercentage(row.unit) ? (own.value - level) / 100 : ratio, !mark || mark.glyph === "◇") : "";
    const td = tbp.make("td", { role: "gridcell", tabindex: "-1" }, `${mark ? mark.glyph : glyphs[own.state] || ""}${said}`);
    td.className = own.state === "measured" ? `heat ${strength(row, ratio)}` : `heat ${own.state}`;
    // The level shifts here: solid, where all that follow are tints.
    if (mark) td.className += mark.tone === "suspect" ? " doubt" : ` turn ${mark.tone[0]}`;
    td.run = { row, commit };
    return td;
  };

  const rowElement = (row) => {
    const link = tbp.make("a", { href: row.href, tabindex: "-1" }, tbp.cut(nameOf(row)));
    if (row.label) link.append(" ", tbp.cut(values(row), "given"));
    if (row.place.name) link.append(" ", tbp.cut(told[row.place.index], "muted"));
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
      const tag = tags.get(commit.column);
      const upright = tbp.make("span", { class: "upright" }, name, " ", tbp.make("span", { class: "muted" }, commit.date.slice(0, 10)));
      if (tag) upright.append(" ", tbp.make("b", {}, tbp.make("bdi", {}, tag[0].length > 12 ? `${tag[0].slice(0, 11)}…` : tag[0])));
      upright.title = [commit.short, commit.date, commit.subject, tag && `tag ${tag.join(", ")}`].filter(Boolean).join(" · ");
      tr.append(tbp.make("th", { role: "columnheader", scope: "col", class: "commit-name" }, upright));
    }
    return tbp.make("thead", { role: "rowgroup" }, tr);
  };

  // The series of the suite and the machines that are chosen.
  const ofChoice = () => {
    const suite = form.elements.suite.value, rigs = facets.rigs();
    return rows.filter((row) => (!suite || row.suite === suite) && (!rigs || rigs.has(row.rig)));
  };

  // What the heading says follows the choices.
  const heading = (all) => {
    const suite = form.elements.suite.value;
    const kind = form.elements.rows.value === "confirmed" ? "confirmed" : "moved";
    const verb = kind === "moved" ? "moved" : "have a confirmed change";
    const said = `${all.filter((row) => isMoved(row, kind)).length.toLocaleString("en")} of ${all.length.toLocaleString("en")} series`;
    const span = columns.length === 1 ? "the newest commit" : `the ${columns.length} newest commits`;
    document.getElementById("heat-title").replaceChildren(`${said}${suite ? " of " : ""}`, tbp.make("bdi", {}, suite), ` ${verb} at ${span}.`);
  };

  // Older columns may lie to the left of what is seen.
  const scroll = document.getElementById("heat-scroll"), older = document.getElementById("heat-older");
  const sayOlder = () => {
    const column = table.querySelector(".commit-name")?.offsetWidth || 1;
    const number = Math.round(scroll.scrollLeft / (column + 1));
    older.hidden = number < 1 || scroll.hidden;
    older.textContent = `◂ ${number} older commit${number === 1 ? "" : "s"}`;
    scroll.classList.toggle("cut-left", number > 0);
  };
  scroll.addEventListener("scroll", sayOlder);
  addEventListener("resize", () => { if (form.elements.numbers.value === "room") draw(); sayOlder(); });
  older.addEventListener("click", () => {
    scroll.scrollLeft -= scroll.clientWidth / 2;
    if (older.hidden) table.querySelector("[tabindex='0']")?.focus();
  });

  const draw = () => {
    const wanted = form.elements.numbers.value;
    scroll.hidden = shown.length === 0;
    isNumbered = wanted === "always" || (wanted === "room" && !tbp.isPaper && scroll.clientWidth >= (innerWidth > 900 ? NAMES : NARROW) + NUMBER * columns.length);
    table.classList.toggle("numbers", isNumbered);
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
    const onPaper = tbp.isPaper && hidden ? `, the first ${shown.length - hidden} of them on paper` : "";
    document.getElementById("shown").textContent = `${shown.length} of ${rows.length} series shown${onPaper}`;
    sayOlder();
    table.dataset.ready = "";
  };

  const apply = () => {
    const wanted = tbp.tokens(form.elements.q.value), all = ofChoice(), kind = form.elements.rows.value;
    columns = commits.slice(-(tbp.isPaper ? Math.min(PAPER_COLUMNS, Number(form.elements.n.value)) : Number(form.elements.n.value)));
    shown = all.filter((row) => wanted.every((word) => row.text.includes(word)) && (kind === "all" || isMoved(row, kind)));
    most = tbp.isPaper ? PAPER_ROWS : ROWS;
    heading(all);
    draw();
    toNewest();
  };
  // The newest commits are what one looks for.
  const toNewest = () => { scroll.scrollLeft = scroll.scrollWidth; sayOlder(); };

  const describe = ({ row, commit }) => {
    const own = cell(row, commit.column), mark = row.marks.get(commit.column);
    const words = { none: "no run", failed: "failed", skipped: "skipped", apart: `${tbp.quantity(own.value, row.scales)}, measured with another version of the benchmark: not comparable` };
    const level = reference(row, own), ratio = ratioOf(row, own, level);
    const what = form.elements.against.value === "first" ? "the level at the first commit shown" : level === own.level ? "the level of the series" : "the level before the change";
    const inside = Math.abs(ratio) < sigmas * row.noise ? ", within the noise of the series" : Number.isFinite(row.noise) ? "" : "; too few runs to know the noise of the series";
    const measured = `${tbp.quantity(own.value, row.scales)}${Number.isFinite(ratio) ? `, ${tbp.signedSize(level, own.value, row.unit)} against ${what}, ${tbp.quantity(level, row.scales)}${inside}` : ""}`;
    const change = mark ? ` — ${mark.tone === "suspect" ? "suspect: " : "changed here: "}${mark.words}` : "";
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
    if (event.key === "Enter") { if (here.run) location.href = tbp.carried(here.run.row.href); return; }
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
    location.href = tbp.carried(td.run.row.href);
  });
  table.addEventListener("mouseover", (event) => { if (event.target.run) describe(event.target.run); });
  table.addEventListener("focusin", (event) => { if (event.target.run) describe(event.target.run); });
  more.addEventListener("click", () => { most += ROWS; draw(); });
  document.getElementById("heat-all").addEventListener("click", () => { form.elements.rows.value = "all"; form.elements.suite.value = ""; form.elements.q.value = ""; facets.read(new URLSearchParams()); threshold.set("0"); apply(); keep(); });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", () => { apply(); keep(); });
  addEventListener("hashchange", () => { read(); apply(); });
  document.getElementById("heat-data").open = false;
  document.getElementById("heat-legend").open = innerWidth > 700;
  document.addEventListener("tbp-paper", apply);
  tbp.takeable(form, "heatmap", () => ({
    columns: ["benchmark", "parameters", "machine", "environment", "unit", ...columns.map(({ short }) => short)],
    rows: shown.map((row) => [row.name, row.label, row.place.machine, row.place.environment, row.unit, ...columns.map(({ column }) => {
      const { value } = cell(row, column);
      return Number.isFinite(value) ? value : null;
    })]),
  }));
  if (form.elements.suite.options.length < 3) form.elements.suite.parentElement.hidden = true;
  read();
  apply();
};

document.addEventListener("tbp-grid", () => {
  const form = document.getElementById("heat-form");
  if (form) tbp.heatmap(form);
});
