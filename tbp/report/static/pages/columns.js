// written by tbp report
// What a reader compares: a commit, a machine and an environment for each column, chosen from lists or typed, and kept
// in the address as commit~machine~environment.
"use strict";

// runs: as run_grid.js unpacks them; what files add to their commits and places is of this page as long as it is open.
tbp.columns = (form, runs, redraw) => {
  const MOST_COLUMNS = 6, MOST_PRESETS = 6, OFFERED = 3;
  const { commits, aside, lines, places, rows, tags, parts } = runs, setups = tbp.setups(runs.setups), ofBranch = commits.slice(0, commits.length - aside.length), storedPlaces = [...places], newestFirst = [...ofBranch].reverse();
  // The branch's own come last, where the last one that fits is taken.
  const stored = [...aside, ...ofBranch], lineOf = (column) => lines.find(({ columns }) => columns.includes(column));
  const get = (id) => document.getElementById(id);
  const [oldest, newest, home] = form.dataset.default.split(" ").map(Number);
  const start = [{ commit: oldest, place: home }, { commit: newest, place: home }];
  const escaped = (text) => text.replaceAll("%", "%25").replaceAll("~", "%7E");
  const plain = (text) => text.replaceAll("%7E", "~").replaceAll("%25", "%");
  const state = { chosen: start, MOST_COLUMNS };

  // Commits with a value, and those with a run at all, of each place.
  const measured = places.map(() => new Set()), tried = places.map(() => new Set());
  for (const { values, states, place } of rows) {
    values.forEach((value, column) => { if (typeof value === "number") measured[place.index].add(column); });
    for (const column of states.keys()) tried[place.index].add(column);
  }
  measured.forEach((columns, index) => { for (const column of columns) tried[index].add(column); });
  state.isMeasured = ({ commit, place }) => measured[place].has(commit);
  state.isTried = ({ commit, place }) => tried[place].has(commit);
  state.tagsOf = (commit) => tags.filter((tag) => tag.column === commit).map((tag) => tag.name);

  state.isStart = () => state.chosen.length === 2 && state.chosen.every((one, i) => one.commit === start[i].commit && one.place === start[i].place);
  state.role = (i) => (i === 0 ? "Baseline" : state.chosen.length === 2 ? "Contender" : `Contender ${i}`);
  const said = (part) => (["machine", "environment"].includes(part) ? "" : `${part} `);
  state.isForeign = ({ place }) => place >= storedPlaces.length;
  // What tells the columns apart: the commit, parts of the place.
  state.name = (one) => {
    if (state.isForeign(one)) return `${commits[one.commit].short} · ${places[one.place].name}`;
    const differing = parts.filter((_, part) => state.chosen.some((other) => !state.isForeign(other) && places[other.place].values[part] !== places[one.place].values[part]));
    const where = differing.map((part) => said(part) + places[one.place].values[parts.indexOf(part)]);
    const isShared = where.length && state.chosen.every(({ commit }) => commit === one.commit);
    return [isShared ? "" : commits[one.commit].short, ...where].filter(Boolean).join(" · ");
  };
  state.place = ({ place }) => [places[place].face || places[place].machine, places[place].environment].filter(Boolean).join(" · ");

  state.read = () => {
    const kept = tbp.state.read().getAll("c").map((text) => {
      const [short, machine, environment] = text.split("~").map(plain);
      const commit = commits.findIndex((one) => one.short === short);
      const place = storedPlaces.findIndex((one) => one.machine === machine && one.environment === environment);
      return { commit, place: place < 0 ? home : place };
    }).filter(({ commit }) => commit >= 0).slice(0, MOST_COLUMNS);
    state.chosen = kept.length > 1 ? kept : start;
    get("compare-q").value = tbp.state.read().get("q") || "";
    get("compare-far").checked = tbp.state.read().get("far") === "1";
  };
  state.keep = () => tbp.state.keep([
    ...(state.isStart() ? [] : state.chosen.filter((one) => !state.isForeign(one)).map(({ commit, place }) => ["c", [commits[commit].short, places[place].machine, places[place].environment].map(escaped).join("~")])),
    ["q", get("compare-q").value], ["far", get("compare-far").checked ? "1" : ""]]);
  state.set = (chosen, focus) => {
    state.chosen = chosen;
    state.show();
    redraw();
    state.keep();
    if (focus && get(focus)) get(focus).focus();
  };
  const change = (i, what, focus) => state.set(state.chosen.map((other, j) => (i === j ? { ...other, ...what } : other)), focus);

  // Measured commits of a place beside one: the nearest on both sides, the nearer ones first.
  state.nearest = ({ commit, place }) => [...measured[place]].filter((column) => column !== commit && column < ofBranch.length)
    .sort((a, b) => Math.abs(a - commit) - Math.abs(b - commit) || b - a).slice(0, OFFERED).sort((a, b) => a - b);
  state.change = change;

  // A hash or its beginning, a tag, a date or its beginning, else words of a subject; the newest with values where several fit.
  const found = (text, place) => {
    const wanted = text.trim().toLowerCase();
    const best = (fitting) => [...fitting].reverse().find(({ column }) => measured[place].has(column)) || fitting[fitting.length - 1];
    const tag = tags.find(({ name }) => name.toLowerCase() === wanted);
    if (tag) return commits[tag.column];
    if (/^[0-9a-f]{4,64}$/.test(wanted)) {
      const own = best(stored.filter(({ short }) => short.startsWith(wanted) || (short.length >= 7 && wanted.startsWith(short))));
      if (own) return own;
    }
    if (/^\d{4}(-\d{1,2}){0,2}$/.test(wanted)) {
      // Of that day, month or year, or the last before it.
      const own = best(ofBranch.filter(({ date, column }) => date.slice(0, wanted.length) <= wanted && measured[place].has(column)));
      if (own) return own;
    }
    const words = tbp.tokens(text);
    return words.length ? best(stored.filter(({ short, subject }) => words.every((word) => `${short} ${subject}`.toLowerCase().includes(word)))) : undefined;
  };

  const labelled = (text, control) => tbp.make("label", {}, tbp.make("span", {}, text), control);
  const options = (groups) => groups.filter(([, own]) => own.length).map(([label, own]) => {
    const made = own.map(([value, text]) => tbp.make("option", { value }, text));
    return label ? tbp.make("optgroup", { label }, ...made) : made;
  }).flat();
  const select = (id, name, groups, value, changed) => {
    const element = tbp.make("select", { id, "aria-label": name }, ...options(groups));
    element.value = String(value);
    element.addEventListener("input", () => changed(Number(element.value)));
    return element;
  };

  const line = ({ short, date, subject, column }) => [short, ...state.tagsOf(column), date, subject.slice(0, 50)].filter(Boolean).join(" · ");
  const commitSelect = (one, i) => {
    const has = ({ column }) => measured[one.place].has(column);
    const tagged = tags.filter((tag) => measured[one.place].has(tag.column)).map(({ column, name, isExact }) => [column, `${name}${isExact ? "" : " (first measured after it)"} · ${commits[column].short}`]);
    const others = newestFirst.filter((commit) => !has(commit)).map((commit) => [commit.column, line(commit)]);
    const groups = [["Measured here, newest first", newestFirst.filter(has).map((commit) => [commit.column, line(commit)])], ["Tags", tagged],
      ["Other lines", [...aside].reverse().filter(has).map((commit) => [commit.column, `${lineOf(commit.column).name} · ${line(commit)}`])], ["Without values here", others]];
    return select(`compare-commit-${i}`, `Commit of ${state.role(i)}`, groups, one.commit, (commit) => change(i, { commit }, `compare-commit-${i}`));
  };
  const typed = (one, i) => {
    const id = `compare-type-${i}`;
    const input = tbp.make("input", { id, type: "text", list: "compare-known", placeholder: "hash, tag, date or words", autocomplete: "off", spellcheck: "false", "aria-label": `Find the commit of ${state.role(i)}` });
    const find = () => {
      const text = input.value;
      if (!text.trim()) return;
      const own = found(text, one.place);
      get("compare-found").textContent = own ? `“${text.trim()}” is ${line(own)}.` : `No commit has “${text.trim()}” as its hash, tag or date, or in its subject.`;
      if (own) change(i, { commit: own.column }, id);
    };
    input.addEventListener("change", find);
    input.addEventListener("keydown", (event) => { if (event.key === "Enter") { event.preventDefault(); find(); } });
    return input;
  };

  // One part of a place at a time: the others stay as they are where such a place was measured.
  const { compare } = new Intl.Collator("en", { numeric: true });
  const values = parts.map((_, part) => [...new Set(places.map((place) => place.values[part]))]
    .sort((a, b) => (b === "none") - (a === "none") || compare(a, b)));
  const near = (from, part, value) => {
    const apart = (place) => place.values.filter((own, other) => other !== part && own !== places[from].values[other]).length;
    return storedPlaces.filter((place) => place.values[part] === value).sort((a, b) => apart(a) - apart(b) || a.index - b.index)
      .map((place) => ({ place, apart: parts.filter((_, other) => other !== part && place.values[other] !== places[from].values[other]) }))[0];
  };
  const partSelects = (one, i) => parts.map((part, at) => {
    const own = values[at].map((value, index) => {
      const { apart } = near(one.place, at, value);
      return [index, `${value}${apart.length ? ` (changes ${apart.join(", ")} too)` : ""}`];
    });
    const id = `compare-part-${i}-${at}`, name = part[0].toUpperCase() + part.slice(1);
    return labelled(part, select(id, `${name} of ${state.role(i)}`, [["", own]], values[at].indexOf(places[one.place].values[at]),
      (index) => change(i, { place: near(one.place, at, values[at][index]).place.index }, id)));
  });

  state.show = () => {
    get("compare-columns").replaceChildren(...state.chosen.map((one, i) => {
      const controls = state.isForeign(one) ? [tbp.make("bdi", {}, places[one.place].said)]
        : [labelled("commit", commitSelect(one, i)), labelled("or type", typed(one, i)), ...partSelects(one, i)];
      const item = tbp.make("li", {}, tbp.make("b", {}, state.role(i)), ...controls);
      if (state.chosen.length > 2 || state.isForeign(one)) {
        const remove = () => state.set(state.chosen.length > 2 ? state.chosen.filter((_, j) => i !== j) : start, "compare-add");
        item.append(tbp.button(remove, { "aria-label": `Remove ${state.role(i)}` }, "×"));
      }
      return item;
    }));
    get("compare-add").disabled = state.chosen.length >= MOST_COLUMNS;
    get("compare-reset").hidden = state.isStart();
  };

  // All that differs between two columns beside the commit, in words; empty where both are of one place.
  state.apart = (one, other) => {
    if (one.place === other.place || state.isForeign(one) || state.isForeign(other)) return "";
    const { differing, unknown } = setups.apart(one, other);
    const said = differing.map(([name, from, to]) => `${name} ${from} → ${to}`);
    return [said.length ? `Measured with another ${said.join(", ")}.` : "Nothing that is recorded differs between the two.",
      unknown.length ? `Not recorded on both sides: ${unknown.join(", ")}.` : ""].filter(Boolean).join(" ");
  };

  // Two places that differ in one part alone, on the newest commit that both have values of.
  const presets = () => {
    const pairs = [];
    for (const one of storedPlaces) {
      for (const other of storedPlaces.slice(one.index + 1)) {
        const apart = parts.filter((_, part) => one.values[part] !== other.values[part]);
        const commit = Math.max(-1, ...[...measured[one.index]].filter((column) => column < ofBranch.length && measured[other.index].has(column)));
        if (apart.length !== 1 || commit < 0) continue;
        const at = parts.indexOf(apart[0]), [from, to] = [one, other].sort((a, b) => values[at].indexOf(a.values[at]) - values[at].indexOf(b.values[at]));
        const { differing, unknown } = setups.apart({ commit, place: from.index }, { commit, place: to.index });
        // Another machine is other hardware; that is what is compared.
        const more = differing.map(([name]) => name).filter((name) => name !== apart[0] && !(apart[0] === "machine" && setups.isOfMachine(name)));
        pairs.push({ one: from, other: to, part: apart[0], commit, more, unknown });
      }
    }
    const doubt = ({ more, unknown }) => (more.length ? 2 : unknown.length ? 1 : 0);
    pairs.sort((a, b) => doubt(a) - doubt(b) || measured[b.one.index].size + measured[b.other.index].size - measured[a.one.index].size - measured[a.other.index].size);
    const offered = pairs.slice(0, MOST_PRESETS).map((pair) => {
      const { one, other, part, commit, more, unknown } = pair, at = parts.indexOf(part);
      const choose = () => state.set([{ commit, place: one.index }, { commit, place: other.index }]);
      const button = tbp.button(choose, {}, `${said(part)}${other.values[at]} against ${one.values[at]}`);
      const label = ["Compare with all else equal: ", `Compare with all else equal, as far as is recorded (not recorded: ${setups.named(unknown)}): `, `Compare with more than one difference (${setups.named(more)} too): `][doubt(pair)];
      return { label, button };
    });
    const labels = [...new Set(offered.map(({ label }) => label))];
    get("compare-presets").hidden = !offered.length;
    get("compare-presets").replaceChildren(...labels.map((label) => tbp.make("p", {}, label,
      ...offered.filter((own) => own.label === label).flatMap(({ button }) => [button, " "]))));
  };

  // One more commit in one more place, against the newest run that is stored.
  state.addForeign = (commit, place) => {
    const at = { commit: commits.length, place: places.length };
    commits.push({ ...commit, column: at.commit });
    places.push({ ...place, index: at.place, values: parts.map(() => "") });
    for (const known of [measured, tried]) known.push(new Set([at.commit]));
    return at;
  };
  state.withForeign = (at) => state.set([...(state.isStart() ? [start[1]] : state.chosen), at]);

  get("compare-known").replaceChildren(...tags.map(({ name, column }) => tbp.make("option", { value: name }, line(commits[column]))),
    ...[...newestFirst, ...aside].filter(({ column }) => measured.some((own) => own.has(column))).map((commit) => tbp.make("option", { value: commit.short }, line(commit))));
  get("compare-add").addEventListener("click", () => {
    const last = state.chosen.findLast((one) => !state.isForeign(one)) || start[1];
    const next = newestFirst.find(({ column }) => measured[last.place].has(column) && !state.chosen.some((one) => one.commit === column && one.place === last.place));
    state.set([...state.chosen, { commit: next ? next.column : last.commit, place: last.place }]);
  });
  get("compare-swap").addEventListener("click", () => state.set([state.chosen[1], state.chosen[0], ...state.chosen.slice(2)]));
  get("compare-reset").addEventListener("click", () => { get("compare-found").textContent = ""; state.set(start, "compare-add"); });
  form.addEventListener("submit", (event) => event.preventDefault());
  presets();
  return state;
};
