// written by tbp report
// One search for all pages: a field in a dialog, which "/" or the button in the header opens. It finds pages, benchmarks,
// series, events, commits, machines and words; what it looks through is loaded when it is first opened.
"use strict";

tbp.search = {
  MOST: 20, // results shown at once: a screenful
  HASH: 12, // characters that the data has of a hash
  files: ["data/benchmarks.js", "data/search.js"],
  kinds: [], // [name in the plural, entries]
};

// What both files hold, as entries: where each leads, the texts that it is shown and found by, and its rank among equals.
// `badge` is [class, glyph, words]; `more` is found and not shown.
tbp.search.entry = (href, name, { given = "", place = "", badge = null, about = "", more = "", rank = 0 }) => ({
  href, name, given, place, badge, about, rank, start: name.toLowerCase(), text: [name, given, place, badge?.[2], about, more].join(" ").toLowerCase(),
});

tbp.benchmarks = (list) => {
  tbp.benchmarkList = list.map(([name, href, ...badge]) => ({ name, href, badge }));
  tbp.jump?.();
  tbp.search.fill();
};
tbp.searchable = (data) => {
  tbp.search.data = data;
  tbp.search.fill();
};

tbp.search.series = ({ counts, setups, labels, anchors, setup, state }, states) => {
  const LENGTH = 16; // of an anchor, without what all begin with
  const of = tbp.benchmarkList.flatMap((benchmark, at) => Array(counts[at]).fill(benchmark));
  return of.map(({ name, href }, at) => {
    const [place, more] = setups[setup[at]];
    const anchor = anchors.slice(at * LENGTH, (at + 1) * LENGTH);
    return tbp.search.entry(`${href}#s-${anchor}`, name, { given: labels[at], place, badge: states[state[at]], more, rank: state[at] });
  });
};

tbp.search.fill = () => {
  const { data } = tbp.search, list = tbp.benchmarkList, { entry } = tbp.search;
  if (!data || !list || tbp.search.kinds.length) return;
  const commit = ([hash, date, subject, author]) => [tbp.shortHash(hash), [date, author && `by ${author}`, subject].filter(Boolean).join(" · ")];
  const worst = data.states.map(([css]) => css);
  tbp.search.kinds = [
    ["Pages", data.pages.map(([title, about, file]) => entry(file, title, { about }))],
    ["Benchmarks", list.map(({ name, href, badge }) => entry(href, name, { badge, rank: worst.indexOf(badge[0]) }))],
    ["Series", tbp.search.series(data.series, data.states)],
    ["Events", data.events.map(([css, effect, moved, several, hash, date, subject, author, href, places]) => {
      const [short, about] = commit([hash, date, subject, author]);
      const more = [hash, ...places.map((place) => list[place].name)].join(" ");
      return entry(href, moved, { badge: [css, "", effect], about: `${several}${several && ", the newest "}${short} · ${about}`, more });
    })],
    ["Commits", data.commits.map(([hash, date, subject, author, moved, href]) => {
      const [short, about] = commit([hash, date, subject, author]);
      return entry(href, short, { about: `${about} · ${moved}`, more: hash });
    })],
    ["Machines", data.machines.map(([name, place, about, more, href]) => entry(href, name, { place, about, more }))],
    ["Words", data.words.map(([name, meaning, href]) => ({ ...entry(href, name, { about: meaning }), text: name.toLowerCase() }))],
  ];
  if (tbp.search.dialog?.open) tbp.search.show();
};

// Those that have every word, the ones whose name begins with all of it first, then by rank.
tbp.search.matching = (entries, text) => {
  const whole = text.trim().toLowerCase();
  const wanted = tbp.tokens(text).map((word) => (/^[0-9a-f]+$/.test(word) ? word.slice(0, tbp.search.HASH) : word));
  const distance = (one) => (one.start === whole ? 0 : one.start.startsWith(whole) ? 1 : 2) * 100 + one.rank;
  const found = entries.filter((one) => wanted.every((word) => one.text.includes(word)));
  return found.map((one) => [distance(one), one]).sort(([a], [b]) => a - b).map(([, one]) => one);
};

tbp.search.sum = (numbers) => numbers.reduce((sum, number) => sum + number, 0);

// How many of each kind are shown: the kinds take turns until there is no room, or nothing is left.
tbp.search.shares = (counts) => {
  const shares = counts.map(() => 0);
  const all = Math.min(tbp.search.MOST, tbp.search.sum(counts));
  for (let turn = 0; tbp.search.sum(shares) < all; turn += 1) {
    const at = turn % counts.length;
    if (shares[at] < counts[at]) shares[at] += 1;
  }
  return shares;
};

tbp.search.option = ({ href, name, given, place, badge, about }, at) => {
  const part = (css, text) => (text ? [tbp.make("bdi", { class: css }, text), " "] : []);
  const [css, glyph, words] = badge || [];
  return tbp.make("a", { role: "option", id: `find-${at}`, href: tbp.href(tbp.root() + href), tabindex: "-1", "aria-selected": "false" },
    tbp.make("span", { class: "of" }, ...part("name", name), ...part("given", given), ...part("muted", place)),
    badge ? tbp.make("span", { class: `chip ${css}` }, ...(glyph ? [tbp.make("span", { "aria-hidden": "true" }, glyph), " "] : []), words) : "",
    ...part("about muted", about));
};

tbp.search.choose = (at) => {
  const options = [...tbp.search.list.querySelectorAll("[role=option]")];
  tbp.search.chosen = options.length ? (at + options.length) % options.length : -1;
  options.forEach((option, place) => option.setAttribute("aria-selected", String(place === tbp.search.chosen)));
  const chosen = options[tbp.search.chosen];
  if (chosen) tbp.search.field.setAttribute("aria-activedescendant", chosen.id);
  else tbp.search.field.removeAttribute("aria-activedescendant");
  return chosen;
};

tbp.search.show = () => {
  const { field, list, said, kinds } = tbp.search, text = field.value.trim();
  const shown = text ? kinds.map(([kind, entries]) => [kind, tbp.search.matching(entries, text)]) : kinds.slice(0, 1);
  const counts = shown.map(([, found]) => found.length), shares = tbp.search.shares(counts);
  const number = (value) => value.toLocaleString("en");
  const all = tbp.search.sum(counts), left = all - tbp.search.sum(shares);
  let at = 0;
  list.replaceChildren(...shown.flatMap(([kind, found], place) => {
    const options = found.slice(0, shares[place]).map((one) => tbp.search.option(one, at++));
    const count = [kind, shares[place] < found.length ? `${shares[place]} of ${number(found.length)}` : found.length].join(" · ");
    return options.length ? [tbp.make("div", { role: "group", "aria-label": count }, tbp.make("p", { class: "kind", "aria-hidden": "true" }, count), ...options)] : [];
  }));
  said.textContent = !kinds.length ? "Loading…"
    : !text ? "Type part of a benchmark, a parameter, a commit, an author, a date, a machine or a word of the report."
      : left ? `${number(all - left)} of ${number(all)} shown: type more to find the others.`
        : all ? `${number(all)} found.` : "Nothing has all of these words. Try fewer of them, or a shorter part.";
  tbp.search.choose(0);
  list.scrollTop = 0;
};

tbp.search.make = () => {
  const field = tbp.make("input", {
    type: "text", role: "combobox", name: "search", "aria-label": "Search all pages", "aria-expanded": "true", "aria-controls": "finds", "aria-autocomplete": "list",
    placeholder: "benchmark, commit, author, machine, word", autocomplete: "off", autocapitalize: "off", spellcheck: "false", enterkeyhint: "go",
  });
  const list = tbp.make("div", { id: "finds", role: "listbox", "aria-label": "Results" });
  const said = tbp.make("p", { class: "muted", role: "status" });
  const dialog = tbp.make("dialog", { id: "search-all", "aria-label": "Search all pages" },
    tbp.make("div", { class: "field" }, field, tbp.button(() => dialog.close(), {}, "Close")), said, list);
  Object.assign(tbp.search, { dialog, field, list, said });
  field.addEventListener("input", tbp.search.show);
  field.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) { tbp.search.choose(tbp.search.chosen + step)?.scrollIntoView({ block: "nearest" }); event.preventDefault(); }
    if (event.key === "Enter") list.querySelector("[aria-selected=true]")?.click();
  });
  // A result may lie on this page, which is not left then; beside the dialog is out of it.
  dialog.addEventListener("click", (event) => { if (event.target === dialog || event.target.closest("a")) dialog.close(); });
  document.body.append(dialog);
};

tbp.search.open = () => {
  if (!tbp.search.dialog) tbp.search.make();
  const { dialog, field, said } = tbp.search;
  if (dialog.open) return;
  if (!tbp.search.kinds.length) for (const file of tbp.search.files) tbp.load(tbp.root() + file, () => { said.textContent = tbp.missing(file); });
  dialog.showModal();
  field.select();
  tbp.search.show();
};

document.getElementById("search").addEventListener("click", tbp.search.open);
document.addEventListener("keydown", (event) => {
  const isTyping = event.target.closest?.("textarea, select, [contenteditable], input:not([type=checkbox], [type=radio], [type=range])");
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || isTyping || event.defaultPrevented) return;
  event.preventDefault();
  tbp.search.open();
});
