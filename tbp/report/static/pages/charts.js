// written by tbp report
// Every series as a small chart. The first ones are in the page already; the others come from data/cards-*.js. Those out
// of sight cost next to nothing: the style sheet lets the browser leave them undrawn.
"use strict";

// Charts put into the page at once; the rest is a button away, so that ten thousand do not fill the memory of a phone.
tbp.CHARTS = 300;

tbp.charts = (list, form) => {
  const rest = document.getElementById("rest");
  const listed = () => {
    const found = filter.fitting(), groups = filter.groups(found);
    filter.say(found);
    return groups ? groups.flatMap(([, places]) => places) : found;
  };
  const after = () => {
    if (rest) rest.hidden = true;
    list.dataset.ready = "";
  };
  const cards = tbp.paged(list, "cards", [...list.children], tbp.CHARTS, { listed, after });
  const filter = tbp.filter(form, tbp.series, cards.restart);
  tbp.takeable(form.querySelector(".controls"), "series", () => tbp.rowsOf("table", (whole) => filter.fitting().map((place) => whole[place])));
  cards.show();
};

tbp.ready(() => {
  const list = document.getElementById("charts");
  if (list && tbp.series) tbp.charts(list, document.getElementById("filter"));
});
