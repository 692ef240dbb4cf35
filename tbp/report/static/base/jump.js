// written by tbp report
// From one benchmark's page to another: the one before, the next one, or any that is searched for.
"use strict";

// Matches listed at once: as many as fit below the field.
tbp.MATCHES = 12;

tbp.benchmarks = (list) => {
  tbp.benchmarkList = list.map(([name, href, state, glyph, said]) => ({ name, href: tbp.href(`../${href}`), state, glyph, said, text: name.toLowerCase() }));
  const place = document.getElementById("jump");
  if (place) tbp.jump(place);
};

tbp.jump = (place) => {
  const list = tbp.benchmarkList;
  const { name } = document.getElementById("chart").dataset;
  const own = list.findIndex((one) => one.name === name);
  const neighbour = (step, word) => {
    const one = list[own + step];
    if (own < 0 || !one) return "";
    return tbp.make("a", { href: one.href, title: one.name, rel: step < 0 ? "prev" : "next" }, word);
  };

  const matches = tbp.make("ul", { id: "jump-matches", class: "matches", hidden: true });
  const field = tbp.make("input", { type: "search", name: "benchmark", placeholder: "another benchmark", autocomplete: "off", spellcheck: "false", "aria-label": "Go to another benchmark", "aria-controls": "jump-matches" });
  const says = tbp.make("span", { class: "unseen", "aria-live": "polite" });
  const show = () => {
    const wanted = tbp.tokens(field.value);
    const found = list.filter(({ text }, at) => at !== own && wanted.every((word) => text.includes(word)));
    const items = found.slice(0, tbp.MATCHES).map((one) => tbp.make("li", {}, tbp.make("a", { href: one.href },
      tbp.make("bdi", {}, one.name), " ", tbp.make("span", { class: `chip ${one.state}` }, tbp.make("span", { "aria-hidden": "true" }, one.glyph), ` ${one.said}`))));
    const left = found.length - items.length;
    const rest = left > 0 ? `and ${left.toLocaleString("en")} more: type more of the name` : found.length ? "" : "No benchmark has that in its name.";
    matches.replaceChildren(...items, ...(rest ? [tbp.make("li", { class: "muted" }, rest)] : []));
    matches.hidden = !wanted.length;
    says.textContent = wanted.length ? `${found.length.toLocaleString("en")} found` : "";
  };
  const close = () => { matches.hidden = true; };

  // Up and down through the field and its matches.
  const move = (event) => {
    const stops = [field, ...matches.querySelectorAll("a")];
    const at = stops.indexOf(document.activeElement);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape" && !matches.hidden) { field.focus(); close(); event.preventDefault(); }
    if (event.key === "Enter" && at === 0 && !matches.hidden) stops[1]?.click();
    if (step && at >= 0 && !matches.hidden && stops[at + step]) { stops[at + step].focus(); event.preventDefault(); }
  };

  const search = tbp.make("span", { class: "search" }, field, says, matches);
  search.addEventListener("keydown", move);
  search.addEventListener("focusout", (event) => { if (!search.contains(event.relatedTarget)) close(); });
  search.addEventListener("click", (event) => { if (event.target.closest("a")) close(); });
  field.addEventListener("input", show);
  field.addEventListener("focus", show);
  // What other pages have of this benchmark: their filters find it by its name.
  const about = [["changes", "Its events"], ["compare", "Compare commits"]].map(([file, words]) =>
    tbp.make("a", { href: tbp.href(`../${file}.html#${new URLSearchParams({ q: name.toWellFormed ? name.toWellFormed() : name })}`) }, words));
  place.setAttribute("aria-label", "Other benchmarks");
  place.replaceChildren(...about, neighbour(-1, "‹ previous"), neighbour(1, "next ›"), ...(list.length > 2 ? [search] : []));
};

tbp.ready(() => {
  if (!document.getElementById("jump")) return;
  if (tbp.benchmarkList) tbp.jump(document.getElementById("jump"));
  else tbp.load("../data/benchmarks.js", () => {});
  const chart = document.getElementById("history");
  // Past the chart and its controls, for the keyboard.
  const past = tbp.button(() => document.getElementById("findings").focus(), { class: "past" }, "Skip the chart and its controls");
  chart.before(past);
});
