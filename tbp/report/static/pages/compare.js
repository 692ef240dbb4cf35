// written by tbp report
// Any runs beside each other, judged by judge.js. The page itself has the pair it begins with; both are filtered here.
"use strict";

tbp.compare = (form) => {
  const ROWS = 100, MOST_UNFOLDED = Number(form.dataset.unfolded), UNSURE = ["undecided", "no_change", "skipped"], HASH = /^[0-9a-f]{4,64}$/i;
  const runs = { ...tbp.runs, commits: [...tbp.runs.commits, ...tbp.runs.aside], places: [...tbp.runs.places] }, { commits, places, rows, states } = runs;
  const none = { state: "none", value: NaN, ratio: NaN };
  const cell = (row, column) => (row.own ? (row.own.column === column ? row.own : none) : tbp.runs.cell(row, column));
  tbp.judging(cell);
  const get = (id) => document.getElementById(id);
  const first = get("compare-title").textContent;
  let most = ROWS, lines = [];

  // Series that are the same but for their machine and environment.
  const families = new Map();
  for (const row of rows) {
    const key = JSON.stringify([row.name, row.label]);
    if (!families.has(key)) families.set(key, []);
    families.get(key)[row.place.index] = row;
  }

  // For each contender, every series in it and in the baseline.
  const pairs = () => {
    const [from, ...others] = state.chosen, names = state.chosen.map(state.name);
    return others.map((to, i) => [...families.values()].map((line) => (
      { row: line[to.place], base: line[from.place], from: from.commit, to: to.commit, names: [names[0], names[i + 1]] })));
  };
  // Every series with a judgement of each contender; they are made anew when the columns change.
  const judge = () => {
    const all = [...families.values()], said = pairs().map(tbp.judgements);
    lines = all.map((line, at) => ({ line, says: said.map((own) => own[at]), text: line.find(Boolean).text, row: state.chosen.map(({ place }) => line[place]).find(Boolean) }))
      .filter(({ says }) => says.some(Boolean));
    const order = ["elsewhere", ...states.map(([name]) => name)];
    const rank = ({ says }) => Math.min(...says.map((one) => (one ? order.indexOf(one.state) : order.length)));
    const size = ({ says }) => Math.max(...says.map((one) => (one && Number.isFinite(one.ratio) ? Math.abs(one.ratio) : 0)));
    lines = lines.map((one) => ({ ...one, rank: rank(one), size: size(one) })).sort((a, b) => a.rank - b.rank || b.size - a.size);
  };

  const said = (one) => {
    if (!one) return [tbp.make("span", { class: "muted" }, "–")];
    const [, glyph] = states.find(([name]) => name === one.state) || ["", "≠"], interval = tbp.interval(one);
    return [tbp.make("span", { class: `badge ${one.state}` }, tbp.make("span", { class: "glyph", "aria-hidden": "true" }, glyph), " ", tbp.verdict(one)),
      ...(interval ? [" ", tbp.make("span", { class: "muted interval" }, `(${interval})`)] : []),
      ...(one.reason ? [" ", tbp.make("span", { class: "muted why" }, one.reason)] : [])];
  };
  const value = (line, { commit, place }) => {
    const own = line[place] ? cell(line[place], commit) : none;
    return Number.isFinite(own.value) ? tbp.quantity(own.value, line[place].scales) : ["failed", "skipped"].includes(own.state) ? own.state : "–";
  };
  const dotted = (name) => name.split(".").flatMap((text, at) => (at ? [".", tbp.make("wbr"), text] : [text]));

  // The same table as the page's own, with two more columns for each further contender.
  const table = (found) => {
    const names = state.chosen.map(state.name), isPair = names.length === 2;
    const heads = [["Series"], ...names.flatMap((name, i) => [[name, "number"], ...(i ? [[isPair ? "Verdict" : "against the baseline"]] : [])])];
    const rows = found.map(({ line, says, row }) => tbp.make("tr", {},
      tbp.make("th", { scope: "row" }, tbp.make("a", { href: row.href }, tbp.make("bdi", {}, ...dotted(row.name)), ...(row.label ? [" ", tbp.make("bdi", { class: "given" }, row.label)] : []))),
      ...state.chosen.flatMap((one, i) => [tbp.make("td", { class: "number", "data-label": names[i] }, value(line, one)), ...(i ? [tbp.make("td", {}, ...said(says[i - 1]))] : [])])));
    return tbp.withRoles(tbp.tableOf({ class: isPair ? "stack compared" : "stack several" }, heads, rows));
  };

  const matching = (text, isFar) => tbp.tokens(get("compare-q").value).every((word) => text.includes(word)) && (!get("compare-far").checked || isFar);
  const isFar = ({ says }) => says.some((one) => one && !UNSURE.includes(one.state));
  const isLacking = ({ says }) => says.every((one) => !one || one.state === "skipped");
  const told = (shown, all) => {
    const isNone = !shown && get("compare-far").checked;
    get("shown").textContent = `${shown} of ${all} series${isNone ? ": no matching series is known to have changed" : ""}`;
  };

  // Folded: what did not change where that is much, and what cannot be compared.
  const folds = () => {
    const quiet = ({ says }) => says.every((one) => !one || ["no_change", "skipped"].includes(one.state));
    const isMuch = lines.filter((one) => quiet(one) && !isLacking(one)).length > MOST_UNFOLDED;
    return (one) => (isLacking(one) ? "skipped" : isMuch && quiet(one) ? "no_change" : "");
  };
  const wide = (table) => (state.chosen.length === 2 ? table : tbp.scrolled("Values of the chosen columns", table));
  const open = new Set();
  const chosenRows = () => {
    const found = lines.filter((one) => matching(one.text, isFar(one))), foldOf = folds();
    const listed = found.filter((one) => !foldOf(one));
    get("compare-table").replaceChildren(...(listed.length ? [wide(table(listed.slice(0, most)))] : []));
    get("compare-more").hidden = listed.length <= most;
    get("compare-more").textContent = `Show ${Math.min(ROWS, listed.length - most)} more of ${listed.length - most}`;
    get("compare-folds").replaceChildren(...["no_change", "skipped"].map((name) => [name, found.filter((one) => foldOf(one) === name)])
      .filter(([, own]) => own.length).map(([name, own]) => {
        const [, , , word] = states.find(([state]) => state === name);
        const fold = tbp.make("details", { class: "data", open: open.has(name) }, tbp.make("summary", {}, `${own.length} ${word}`));
        // Its rows are made when it is opened.
        const fill = () => { if (fold.open && fold.children.length === 1) fold.append(wide(table(own))); };
        fold.addEventListener("toggle", () => { if (fold.open) open.add(name); else open.delete(name); fill(); });
        fill();
        return fold;
      }));
    told(found.length, lines.length);
  };
  // Of the pair that the page has itself.
  const pageRows = () => {
    const listed = [...get("compare-default-rows").querySelectorAll("tbody tr")];
    for (const row of listed) row.hidden = !matching(row.textContent.toLowerCase(), !UNSURE.includes(row.dataset.state));
    for (const own of get("compare-default-rows").querySelectorAll("table")) own.hidden = !own.querySelector("tbody tr:not([hidden])");
    for (const details of get("compare-default-rows").querySelectorAll("details")) {
      const number = details.querySelectorAll("tbody tr:not([hidden])").length;
      details.hidden = !number;
      details.querySelector("summary span").textContent = `${number}`;
    }
    told(listed.filter((row) => !row.hidden).length, Number(form.dataset.series));
  };

  // Each series once, by what is first of its states.
  const tallies = () => [["elsewhere", "≠", "beyond noise", "beyond noise"], ...states].map(([name, glyph, one, many]) => ({ name, glyph, word: [one, many] }))
    .map((state, rank) => ({ ...state, number: lines.filter((one) => one.rank === rank).length }))
    .filter(({ number }) => number);

  // Over the series of a suite in one unit that both columns have a positive value of.
  const means = () => {
    const groups = new Map(), what = (unit) => ({ seconds: "time", bytes: "size", unit: "value" })[unit] || unit;
    for (const { row, says } of lines) {
      if (tbp.isPercentage(row.unit)) continue; // they change in points: nothing to take a mean of ratios of
      const key = JSON.stringify([row.suite, row.unit, row.better]);
      if (!groups.has(key)) groups.set(key, { row, own: says.map(() => []) });
      says.forEach((one, i) => { if (one && one.before > 0 && one.after > 0) groups.get(key).own[i].push(one); });
    }
    const names = state.chosen.slice(1).map(state.name), isPair = names.length === 1;
    const rows = [...groups.values()].filter(({ own }) => own.some((one) => one.length)).map(({ row, own }) => tbp.make("tr", {},
      tbp.make("th", { scope: "row" }, tbp.make("bdi", {}, row.suite)), tbp.make("td", {}, tbp.make("bdi", {}, what(row.unit))),
      ...own.flatMap((one, i) => [
        tbp.make("td", { "data-label": isPair ? null : names[i] }, ...said(one.length ? tbp.meanOf(one) : null)),
        tbp.make("td", { class: "number", "data-label": "series" }, String(one.length))])));
    const heads = [["Suite"], ["Quantity"], ...names.flatMap((name) => [[isPair ? "Geometric mean" : name], ["Series"]])];
    get("compare-means").hidden = !rows.length;
    get("compare-means").previousElementSibling.hidden = !rows.length;
    get("compare-means").replaceChildren(...tbp.withRoles(tbp.tableOf({}, heads, rows)).children);
  };

  const sides = () => {
    const line = (one, i) => {
      const commit = commits[one.commit], names = state.tagsOf(one.commit).join(", ");
      const where = state.chosen.some(({ place }) => place !== one.place) ? ` · ${state.place(one)}` : "";
      return tbp.make("li", {}, tbp.make("b", {}, state.role(i)), " ", tbp.commitLink(commit), ...(names ? [" ", tbp.make("b", { class: "tag" }, tbp.make("bdi", {}, names))] : []),
        ...(commit.subject ? [" ", tbp.make("bdi", {}, commit.subject)] : []), " ", tbp.make("span", { class: "muted" }, commit.date, tbp.make("bdi", {}, where)));
    };
    const isShared = state.chosen.every(({ place }) => place === state.chosen[0].place);
    const apart = state.chosen.slice(1).map((one) => state.apart(state.chosen[0], one)).map((said, i) => (said && state.chosen.length > 2 ? `${state.role(i + 1)}: ${said}` : said));
    const elsewhere = apart.filter(Boolean).map((said) => tbp.make("li", {}, tbp.make("b", {}, "Beside the commit"), " ", tbp.make("bdi", {}, said)));
    get("compare-sides").replaceChildren(...state.chosen.map(line), ...elsewhere, ...(isShared ? [tbp.make("li", {}, tbp.make("b", {}, "On"), " ", tbp.make("bdi", {}, state.place(state.chosen[0])))] : []));
  };

  // To compare and to measure the two, as tbp.report.pages.compare.page writes them.
  const commands = () => {
    const [from, to] = state.chosen, pair = [from, to].map(({ commit }) => commits[commit].short), { machine, environment } = places[from.place];
    const several = (key) => new Set(tbp.runs.places.map((place) => place[key])).size > 1;
    const named = [["--machine", machine, several("machine")], ["--environment", environment, several("environment")]].filter(([, , isSaid]) => isSaid);
    const quoted = (text) => (/^[\w.,:=@%+/-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\"'\"'")}'`);
    const can = state.chosen.length === 2 && !state.isForeign(from) && from.place === to.place && from.commit !== to.commit && pair.every((one) => HASH.test(one))
      && named.every(([, text]) => /^[\x20-\x7e]+$/.test(text));
    const made = can ? [["tbp compare", ...pair, ...named.map(([option, text]) => `${option} ${quoted(text)}`)], ["tbp gate --tip", ...pair]] : [];
    get("compare-command").replaceChildren(...made.map((words) => {
      const command = tbp.make("div", { class: "command" }, tbp.make("code", { tabindex: "0" }, words.join(" ")));
      tbp.copyable(command);
      return command;
    }));
  };

  // Columns without a value: what was measured near them.
  const nothing = () => {
    const without = state.chosen.map((one, i) => ({ one, i })).filter(({ one }) => !state.isMeasured(one));
    get("compare-nothing").hidden = !without.length;
    get("compare-nothing").replaceChildren(...without.map(({ one, i }) => {
      const why = state.isTried(one) ? "every benchmark failed or was skipped there" : "the commit was not measured there";
      const offered = state.nearest(one).map((column) => {
        const away = Math.abs(column - one.commit), choose = () => state.change(i, { commit: column }, `compare-commit-${i}`);
        return tbp.button(choose, {}, `${commits[column].short} (${away} ${away === 1 ? "commit" : "commits"} ${column < one.commit ? "before" : "after"})`);
      });
      return tbp.make("p", { class: "note" }, `${state.role(i)}: `, tbp.make("b", {}, commits[one.commit].short), " has no value on ", tbp.make("bdi", {}, state.place(one)), `: ${why}. `,
        ...(offered.length ? ["Nearest measured: ", ...offered.flatMap((button) => [button, " "])] : ["No commit has a value there: choose another machine or environment."]));
    }));
    return without.some(({ i }) => i === 0) || without.length >= state.chosen.length - 1;
  };

  const title = (isNothing) => {
    const names = state.chosen.map(state.name), isSame = state.chosen.every(({ commit }) => commit === state.chosen[0].commit);
    if (isNothing) {
      const lacking = [...new Set(state.chosen.filter((one) => !state.isMeasured(one)).map(({ commit, place }) => `${commits[commit].short}${places[place].name ? ` on ${places[place].name}` : ""}`))];
      return `Nothing to compare: ${lacking.join(" and ")} ${lacking.length === 1 ? "has" : "have"} no values.`;
    }
    const counts = tallies().map(({ number, word }) => `${number.toLocaleString("en-US")} ${word[number === 1 ? 0 : 1]}`);
    const at = isSame && state.chosen.some(({ place }) => place !== state.chosen[0].place) ? ` at ${commits[state.chosen[0].commit].short}` : "";
    return `${names.length === 2 ? names[1] : `${names.length - 1} columns`} against ${names[0]}${at}: ${counts.join(", ") || "no series in common"}.`;
  };

  const list = () => {
    const isOnPage = state.isStart() && !("cut" in form.dataset && (get("compare-q").value || get("compare-far").checked));
    get("compare-default-rows").hidden = !isOnPage;
    get("compare-chosen-rows").hidden = isOnPage;
    if (isOnPage) pageRows(); else { if (!lines.length) judge(); chosenRows(); }
  };
  const show = () => {
    const isStart = state.isStart(), isNothing = nothing();
    lines = [];
    if (!isStart && !isNothing) judge();
    get("compare-default").hidden = !isStart;
    get("compare-chosen").hidden = isStart || isNothing;
    const isElsewhere = state.chosen.some(({ place }) => place !== state.chosen[0].place);
    get("compare-elsewhere").hidden = !isElsewhere;
    get("compare-method").hidden = isNothing || state.chosen.slice(1).every(({ place }) => place !== state.chosen[0].place);
    for (const id of ["compare-series", "compare-filter"]) get(id).hidden = isNothing;
    get("compare-title").textContent = isStart ? first : title(isNothing);
    if (isNothing) { get("compare-default-rows").hidden = true; get("compare-chosen-rows").hidden = true; return; }
    list();
    if (isStart) return;
    get("compare-tally").replaceChildren(...tallies().flatMap(({ name, glyph, number, word }) => [
      tbp.make("span", { class: `chip ${name}` }, tbp.make("span", { "aria-hidden": "true" }, glyph), ` ${number} ${word[number === 1 ? 0 : 1]}`), " "]));
    sides();
    commands();
    means();
  };
  const state = tbp.columns(form, runs, () => { most = ROWS; show(); });

  // A file's run is one more column.
  tbp.foreign.listen(form, (name, text) => {
    if (state.chosen.length >= state.MOST_COLUMNS) throw new Error(`${name}: ${state.MOST_COLUMNS} columns are the most; remove one, then choose it again.`);
    const stored = new Map();
    for (const row of [...families.values()].map((line) => line.find(Boolean))) stored.set(row.name, [...(stored.get(row.name) || []), row]);
    const found = tbp.foreign.read(name, text, stored), { commit, machine, environment, unknown } = found;
    const said = `${commit.short} · ${commit.date} · ${machine} · ${environment}, from ${name}`;
    const at = state.addForeign(commit, { machine, environment, name: `${machine}, from a file`, said });
    for (const { row, state: outcome, value: own } of found.runs) {
      families.get(JSON.stringify([row.name, row.label]))[at.place] = { ...row, place: places[at.place], own: { column: at.commit, state: outcome, value: own, ratio: NaN } };
    }
    state.withForeign(at);
    return `${name}: ${found.runs.length.toLocaleString("en")} series${unknown ? `; ${unknown} of its benchmarks are not in this report` : ""}.`;
  });

  get("compare-more").addEventListener("click", () => { most += ROWS; list(); });
  for (const id of ["compare-q", "compare-far"]) get(id).addEventListener("input", () => { most = ROWS; list(); state.keep(); });
  // The rows that fit, folded or not, with the judgement of each contender.
  tbp.takeable(get("compare-filter"), "comparison", () => {
    if (!lines.length) judge();
    const names = state.chosen.map(state.name), known = (value) => (Number.isFinite(value) ? Number(value.toPrecision(9)) : null);
    return {
      columns: ["benchmark", "parameters", "unit", ...names.flatMap((name, i) => (i ? [name, ...["verdict", "change", "low", "high"].map((text) => (names.length > 2 ? `${text} of ${name}` : text))] : [name]))],
      rows: lines.filter((one) => matching(one.text, isFar(one))).map(({ line, says, row }) => [row.name, row.label, row.unit, ...state.chosen.flatMap(({ commit, place }, i) => {
        const value = known(line[place] ? cell(line[place], commit).value : NaN), one = says[i - 1];
        return i ? [value, ...(one ? [one.state.replaceAll("_", " "), known(one.ratio), known(one.low), known(one.high)] : [null, null, null, null])] : [value];
      })]),
    };
  });
  const begin = () => { state.read(); state.show(); show(); };
  addEventListener("hashchange", () => { if (form.isConnected) begin(); });
  begin();
  if (state.isStart() && "cut" in form.dataset) tbp.judgeAhead(pairs()[0]);
  form.dataset.ready = "";
};

document.addEventListener("tbp-grid", () => {
  const form = document.getElementById("compare-form");
  if (form) tbp.compare(form);
});
