// written by tbp report
// Every series as a small chart. The first ones are in the page already; the others come from data/cards-*.js. Those out
// of sight cost next to nothing: the style sheet lets the browser leave them undrawn.
"use strict";

// Charts put into the page at once; the rest is a button away, so that ten thousand do not fill the memory of a phone.
tbp.CHARTS = 300;

tbp.charts = (list, form) => {
  const all = tbp.series;
  const nothing = document.getElementById("nothing");
  const cards = tbp.chunked("cards", [...list.children], (name) => {
    nothing.hidden = false;
    nothing.textContent = `${name} is missing: run tbp report again.`;
  });
  const more = document.getElementById("more");
  const rest = document.getElementById("rest");
  let limit = tbp.CHARTS;
  let turn = 0;

  const apply = (then = () => {}) => {
    const found = filter.fitting();
    const groups = filter.groups(found);
    const listed = groups ? groups.flatMap(([, places]) => places) : found;
    const shown = listed.slice(0, limit);
    const left = listed.length - shown.length;
    filter.say(found);
    turn += 1;
    const asked = turn;
    cards.whenThere(shown, () => {
      if (asked !== turn) return;
      list.replaceChildren(...shown.map(cards.at));
      more.hidden = left <= 0;
      more.textContent = `Show ${Math.min(left, tbp.CHARTS).toLocaleString("en")} more of ${left.toLocaleString("en")}`;
      if (rest) rest.hidden = true;
      list.dataset.ready = "";
      then();
    });
  };
  const filter = tbp.filter(form, all, () => { limit = tbp.CHARTS; apply(); });

  more.addEventListener("click", () => {
    const first = list.children.length;
    limit += tbp.CHARTS;
    // The button may be gone: whoever came by keyboard goes on where the new charts begin.
    apply(() => list.children[first]?.querySelector("a").focus());
  });
  apply();
};

tbp.ready(() => {
  const list = document.getElementById("charts");
  if (list && tbp.series) tbp.charts(list, document.getElementById("filter"));
});
