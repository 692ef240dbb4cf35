// written by tbp report
// Any runs beside each other. The page itself has the newest pair with its verdicts; here are values, what they
// differ by, and whether that is more than the series' noise between runs.
"use strict";

tbp.compare = (form) => {
  const ROWS = 100, MOST_COLUMNS = 6;
  const { rows } = tbp.runs;
  // What files add is of this page as long as it is open.
  const commits = [...tbp.runs.commits], places = [...tbp.runs.places], storedCommits = commits.length, storedPlaces = places.length;
  const none = { state: "none", value: NaN, ratio: NaN };
  const cell = (row, column) => (row.own ? (row.own.column === column ? row.own : none) : tbp.runs.cell(row, column));
  const get = (id) => document.getElementById(id);
  const [oldest, newest, home] = form.dataset.default.split(" ").map(Number), reach = Number(form.dataset.reach);
  const start = [{ commit: oldest, place: home }, { commit: newest, place: home }];
  const hash = /^[0-9a-f]{4,64}$/i;
  // A column in the address: commit~machine~environment.
  const escaped = (text) => text.replaceAll("%", "%25").replaceAll("~", "%7E");
  const plain = (text) => text.replaceAll("%7E", "~").replaceAll("%25", "%");
  let chosen = start, most = ROWS;

  // Series that are the same but for their machine and environment.
  const families = new Map();
  for (const row of rows) {
    const key = JSON.stringify([row.name, row.label]);
    if (!families.has(key)) families.set(key, []);
    families.get(key)[row.place.index] = row;
  }
  const lines = [...families.values()];

  const isStart = () => chosen.length === 2 && chosen.every((one, i) => one.commit === start[i].commit && one.place === start[i].place);
  // The place only where it tells the columns apart.
  const name = ({ commit, place }) =>
    [commits[commit].short, chosen.some((one) => one.place !== place) ? places[place].name : ""].filter(Boolean).join(" · ");
  const verdict = get("compare-title").textContent;

  const read = () => {
    const kept = tbp.state.read().getAll("c").map((text) => {
      const [short, machine, environment] = text.split("~").map(plain);
      const commit = commits.findIndex((one) => one.short === short);
      const place = places.findIndex((one) => one.machine === machine && one.environment === environment);
      return { commit, place: place < 0 ? home : place };
    }).filter(({ commit }) => commit >= 0).slice(0, MOST_COLUMNS);
    chosen = kept.length > 1 ? kept : start;
    get("compare-q").value = tbp.state.read().get("q") || "";
    get("compare-far").checked = tbp.state.read().get("far") === "1";
  };
  const keep = () => tbp.state.keep(isStart() ? [] : [
    ...chosen.filter(({ place }) => place < storedPlaces).map(({ commit, place }) => ["c", [commits[commit].short, places[place].machine, places[place].environment].map(escaped).join("~")]),
    ["q", get("compare-q").value], ["far", get("compare-far").checked ? "1" : ""]]);

  const select = (label, options, value, change) => {
    const element = tbp.make("select", {}, ...options.map(([own, text]) => tbp.make("option", { value: own }, text)));
    element.value = String(value);
    element.addEventListener("input", () => change(Number(element.value)));
    return tbp.make("label", {}, `${label} `, element);
  };

  const measured = places.map((place) => new Set());
  for (const { cells, place } of rows) {
    // Without unpacking them: two million cells take a second.
    for (let at = 0; at < cells.length; at += 2) if (cells[at] !== "A" || cells[at + 1] !== "A") measured[place.index].add(at / 2);
  }

  const controls = () => {
    const line = ({ short, date, subject, column }, place) =>
      `${short} · ${date}${subject ? ` · ${subject.slice(0, 50)}` : ""}${measured[place].has(column) ? "" : " · not measured there"}`;
    get("compare-columns").replaceChildren(...chosen.map((one, i) => {
      const item = tbp.make("li", {}, tbp.make("b", {}, i ? `${i + 1}` : "Baseline"), " ");
      if (one.place >= storedPlaces) item.append(tbp.make("bdi", {}, places[one.place].said));
      else item.append(select(`Commit ${i + 1}`, commits.slice(0, storedCommits).reverse().map((commit) => [commit.column, line(commit, one.place)]), one.commit,
        (commit) => set(chosen.map((other, j) => (i === j ? { ...other, commit } : other)))));
      if (storedPlaces > 1 && one.place < storedPlaces) {
        item.append(" ", select(`Machine and environment ${i + 1}`, places.slice(0, storedPlaces).map((place) => [place.index, `${place.machine} · ${place.environment}`]), one.place,
          (place) => set(chosen.map((other, j) => (i === j ? { ...other, place } : other)))));
      }
      if (chosen.length > 2 || one.place >= storedPlaces) {
        const remove = tbp.make("button", { type: "button", "aria-label": `Remove column ${i + 1}` }, "×");
        remove.addEventListener("click", () => set(chosen.length > 2 ? chosen.filter((_, j) => i !== j) : start));
        item.append(" ", remove);
      }
      return item;
    }));
    get("compare-add").disabled = chosen.length >= MOST_COLUMNS;
    get("compare-reset").hidden = isStart();
  };

  // One value against the baseline's: what it differs by, and how that compares with the noise.
  const against = (line, i) => {
    const [from, to] = [chosen[0], chosen[i]];
    const row = line[to.place], base = line[from.place];
    const nothing = { ratio: NaN, words: "", far: false, row };
    if (!row || !base) return nothing;
    const before = cell(base, from.commit), after = cell(row, to.commit);
    if (before.state === "apart" || after.state === "apart") return { ...nothing, words: "another benchmark version" };
    if (!Number.isFinite(before.value) || !Number.isFinite(after.value) || before.value === 0) return nothing;
    const ratio = (after.value - before.value) / Math.abs(before.value);
    if (from.place !== to.place && Math.abs(ratio) >= 0.0005) return { ratio, words: tbp.effect(ratio, row), far: true, elsewhere: true, row };
    return { ...tbp.distance(before.value, after.value, row, reach), row };
  };

  const value = (line, { commit, place }) => {
    const row = line[place];
    if (!row) return "–";
    const own = cell(row, commit);
    return Number.isFinite(own.value) ? tbp.quantity(own.value, row.scales) : { none: "–", failed: "failed", skipped: "skipped" }[own.state] || "–";
  };

  const series = (line) => {
    const row = chosen.map(({ place }) => line[place]).find(Boolean);
    return tbp.make("th", { scope: "row" }, tbp.make("a", { href: row.href }, tbp.make("bdi", {}, row.name), " ", tbp.make("bdi", { class: "given" }, row.label)));
  };

  const table = () => {
    const wanted = tbp.tokens(get("compare-q").value), far = get("compare-far").checked;
    const others = chosen.slice(1).map((_, i) => i + 1);
    const size = ({ ratio, far: isFar }) => (Number.isFinite(ratio) ? (isFar ? 1e9 : 0) + Math.abs(ratio) : -1);
    const found = lines.filter((line) => chosen.some(({ commit, place }) => line[place] && cell(line[place], commit).state !== "none"))
      .map((line) => ({ line, says: others.map((i) => against(line, i)), text: line.find(Boolean).text }))
      .filter(({ says, text }) => wanted.every((word) => text.includes(word)) && (!far || says.some((one) => one.far)));
    found.sort((a, b) => Math.max(...b.says.map(size)) - Math.max(...a.says.map(size)));
    const head = tbp.make("thead", {}, tbp.make("tr", {}, tbp.make("th", { scope: "col" }, "Series"),
      ...chosen.flatMap((one, i) => [tbp.make("th", { scope: "col", class: "number" }, name(one)), ...(i ? [tbp.make("th", { scope: "col" }, "against the baseline")] : [])])));
    const body = found.slice(0, most).map(({ line, says }) => tbp.make("tr", {}, series(line),
      ...chosen.flatMap((one, i) => {
        const said = i ? says[i - 1] : null;
        // Between machines a difference is nobody's merit.
        const tone = !said || !said.far ? "muted" : said.elsewhere ? "elsewhere" : tbp.merit(said.ratio > 0, said.row);
        return [tbp.make("td", { class: "number" }, value(line, one)), ...(said ? [tbp.make("td", { class: tone }, said.words)] : [])];
      })));
    get("compare-table").replaceChildren(head, tbp.make("tbody", {}, ...body));
    get("compare-more").hidden = found.length <= most;
    get("compare-more").textContent = `Show ${Math.min(ROWS, found.length - most)} more of ${found.length - most}`;
    get("shown").textContent = `${Math.min(most, found.length)} of ${found.length} series shown`;
    return found;
  };

  // Over the series of a suite in one unit that both columns have a positive value of.
  const means = () => {
    const groups = new Map();
    for (const line of lines) {
      const row = line.find(Boolean), key = JSON.stringify([row.suite, row.unit, row.better]);
      if (!groups.has(key)) groups.set(key, { row, logs: chosen.map(() => []) });
      chosen.slice(1).forEach((_, i) => {
        const { ratio } = against(line, i + 1);
        if (ratio > -1) groups.get(key).logs[i + 1].push(Math.log1p(ratio));
      });
    }
    const what = (unit) => ({ seconds: "time", bytes: "size", unit: "value" })[unit] || unit;
    const cells = ({ row, logs }) => logs.slice(1).map((own) => {
      if (!own.length) return tbp.make("td", { class: "muted" }, "–");
      const ratio = Math.expm1(own.reduce((sum, one) => sum + one, 0) / own.length), small = Math.abs(ratio) < 0.0005;
      return tbp.make("td", {}, `${small ? "no difference" : tbp.effect(ratio, row)} (${own.length} series)`);
    });
    get("compare-means").replaceChildren(
      tbp.make("thead", {}, tbp.make("tr", {}, ...["Suite", "Of", ...chosen.slice(1).map((one) => `${name(one)}: geometric mean`)].map((text) => tbp.make("th", { scope: "col" }, text)))),
      tbp.make("tbody", {}, ...[...groups.values()].filter(({ logs }) => logs.some((own) => own.length))
        .map((group) => tbp.make("tr", {}, tbp.make("th", { scope: "row" }, tbp.make("bdi", {}, group.row.suite)), tbp.make("td", {}, what(group.row.unit)), ...cells(group)))));
  };

  // Only of names that a shell takes as they are.
  const command = () => {
    const [from, to] = chosen, pair = [from, to].map(({ commit }) => commits[commit].short), { machine, environment } = places[from.place];
    const several = (key) => new Set(places.map((place) => place[key])).size > 1;
    const options = [["--machine", machine, several("machine")], ["--environment", environment, several("environment")]]
      .filter(([, , isSaid]) => isSaid);
    const can = chosen.length === 2 && from.place < storedPlaces && from.place === to.place && from.commit !== to.commit && pair.every((one) => hash.test(one))
      && options.every(([, value]) => /^[\w.,:=@%+-]+$/.test(value));
    const words = ["tbp compare", ...pair, ...options.map(([option, value]) => `${option} ${value}`)].join(" ");
    get("compare-command").replaceChildren(...(can ? [tbp.make("div", { class: "command" }, tbp.make("code", { tabindex: "0" }, words))] : []));
  };

  const show = () => {
    get("compare-default").hidden = !isStart();
    get("compare-chosen").hidden = isStart();
    controls();
    if (isStart()) { get("compare-title").textContent = verdict; return; }
    const found = table();
    const far = found.filter(({ says }) => says.some((one) => one.far && !one.elsewhere)).length;
    const sides = chosen.length === 2 ? name(chosen[1]) : `${chosen.length - 1} columns`;
    // Between places no noise is known.
    const both = found.filter(({ says }) => says.some(({ ratio }) => Number.isFinite(ratio))).length;
    const isElsewhere = chosen.every(({ place }, i) => !i || place !== chosen[0].place);
    const told = isElsewhere ? `${both} series to compare, measured in different places` : `${far} of ${found.length} series beyond noise`;
    get("compare-title").textContent = `${sides} against ${name(chosen[0])}: ${told}`;
    means();
    command();
  };
  const set = (columns) => { chosen = columns; most = ROWS; show(); keep(); };

  // A file's run is one more column, against the newest run that is stored.
  const add = (name, text) => {
    if (chosen.length >= MOST_COLUMNS) throw new Error(`${name}: ${MOST_COLUMNS} columns are the most; remove one, then choose it again.`);
    const stored = new Map();
    for (const row of lines.map((line) => line.find(Boolean))) stored.set(row.name, [...(stored.get(row.name) || []), row]);
    const { runs, unknown, commit, machine, environment } = tbp.foreign.read(name, text, stored);
    const column = commits.length, index = places.length;
    commits.push({ ...commit, column });
    const said = `${commit.short} · ${commit.date} · ${machine} · ${environment}, from ${name}`;
    places.push({ machine, environment, name: `${machine}, from a file`, said, index });
    measured.push(new Set([column]));
    for (const { row, state, value } of runs) {
      families.get(JSON.stringify([row.name, row.label]))[index] = { ...row, place: places[index], noise: NaN, own: { column, state, value, ratio: NaN } };
    }
    set([...(isStart() ? [start[1]] : chosen), { commit: column, place: index }]);
    return `${name}: ${runs.length.toLocaleString("en")} series${unknown ? `; ${unknown} of its benchmarks are not in this report` : ""}.`;
  };
  const take = async (files) => {
    const said = [];
    for (const file of files) {
      try {
        if (file.size > tbp.foreign.MOST_BYTES) throw new Error(`${file.name} has more than 64 MB: ${tbp.foreign.WHERE}.`);
        said.push(add(file.name, await file.text()));
      } catch (error) {
        said.push(error.message);
      }
    }
    get("compare-read").replaceChildren(...said.map((text) => tbp.make("li", {}, tbp.make("bdi", {}, text))));
  };
  const chooseFiles = get("compare-files");
  chooseFiles.addEventListener("change", async () => { await take([...chooseFiles.files]); chooseFiles.value = ""; });
  const isFile = (event) => [...event.dataTransfer.types].includes("Files");
  document.addEventListener("dragover", (event) => { if (isFile(event)) { event.preventDefault(); form.classList.add("dropping"); } });
  document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) form.classList.remove("dropping"); });
  document.addEventListener("drop", (event) => {
    if (!isFile(event)) return;
    event.preventDefault();
    form.classList.remove("dropping");
    take([...event.dataTransfer.files]);
  });

  get("compare-add").addEventListener("click", () => {
    const last = chosen[chosen.length - 1];
    const next = commits.slice(0, storedCommits).reverse().find(({ column }) => measured[last.place].has(column) && !chosen.some((one) => one.commit === column && one.place === last.place));
    set([...chosen, { commit: next ? next.column : last.commit, place: last.place }]);
  });
  get("compare-swap").addEventListener("click", () => set([chosen[1], chosen[0], ...chosen.slice(2)]));
  get("compare-reset").addEventListener("click", () => set(start));
  get("compare-more").addEventListener("click", () => { most += ROWS; table(); });
  for (const id of ["compare-q", "compare-far"]) get(id).addEventListener("input", () => { most = ROWS; table(); keep(); });
  form.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", () => { read(); show(); });
  read();
  show();
  form.dataset.ready = "";
};

document.addEventListener("tbp-grid", () => {
  const form = document.getElementById("compare-form");
  if (form) tbp.compare(form);
});
