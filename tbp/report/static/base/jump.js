// written by tbp report
// From one benchmark's page to others: the one before, the next one, and what other pages have of this one.
"use strict";

tbp.jump = () => {
  const place = document.getElementById("jump"), list = tbp.benchmarkList;
  if (!place || !list) return;
  const { name } = document.getElementById("chart").dataset;
  const own = list.findIndex((one) => one.name === name);
  const neighbour = (step, word) => {
    const one = list[own + step];
    if (own < 0 || !one) return "";
    return tbp.make("a", { href: tbp.href(`../${one.href}`), title: one.name, rel: step < 0 ? "prev" : "next" }, word);
  };
  // Their filters find it by its name.
  const about = [["changes", "Events of this benchmark"], ["compare", "Compare commits"]].map(([file, words]) =>
    tbp.make("a", { href: tbp.href(`../${file}.html#${new URLSearchParams({ q: name.toWellFormed ? name.toWellFormed() : name })}`) }, words));
  place.setAttribute("aria-label", "Other benchmarks");
  place.replaceChildren(...about, neighbour(-1, "‹ previous"), neighbour(1, "next ›"));
};

tbp.ready(() => {
  if (!document.getElementById("jump")) return;
  if (tbp.benchmarkList) tbp.jump();
  else tbp.load("../data/benchmarks.js", () => {});
  const chart = document.getElementById("history");
  // Past the chart and its controls, for the keyboard.
  const past = tbp.button(() => document.getElementById("findings").focus(), { class: "past" }, "Skip the chart and its controls");
  chart.before(past);
});
