// written by tbp report
// The newest values over a numeric parameter (tbp/figures/growth.py): draws the figure, puts the looks of its lines beside
// the sentences that say how each one grows, and fills the table of the same values.
"use strict";

tbp.growthTable = ({ data, layout }) => {
  const { tickvals: sizes, ticktext, title } = layout.xaxis;
  const rows = data.map(({ meta: name, x, customdata }) => tbp.make(
    "tr", {},
    tbp.make("th", { scope: "row" }, tbp.make("bdi", {}, name || "value")),
    ...sizes.map((size) => tbp.make("td", { class: "number" }, x.includes(size) ? customdata[x.indexOf(size)] : tbp.UNKNOWN)),
  ));
  const heads = [["Series"], ...ticktext.map((text) => [text, "number"])];
  return tbp.scrolled(`Newest values over ${title.text}`, tbp.tableOf({}, heads, rows));
};

tbp.growth = (figures) => {
  document.querySelectorAll(".scaling").forEach((place, index) => {
    const figure = figures[index];
    const section = place.closest("section");
    section.querySelectorAll(".growth li").forEach((sentence, line) => {
      if (figure.data[line]) sentence.prepend(tbp.key(figure.data[line].marker));
    });
    const { tickvals: sizes, ticktext } = figure.layout.xaxis;
    // Sizes are labelled as far as they have room; a factor of two has 40 pixels or more on most pages.
    const labelled = () => {
      const room = Math.max(1, tbp.widthOf(place) - 90) / Math.log2(sizes.at(-1) / sizes[0] || 2);
      let last = -Infinity;
      const shown = sizes.map((size) => (Math.log2(size) - last) * room >= 34 && ((last = Math.log2(size)), true));
      return { tickvals: sizes.filter((_, at) => shown[at]), ticktext: ticktext.filter((_, at) => shown[at]) };
    };
    tbp.figure(place, figure, labelled);
    const details = section.querySelector("details");
    tbp.onceOpen(details, () => {
      const table = tbp.growthTable(figure);
      details.append(table, tbp.download("growth", () => tbp.shownTable(table.firstElementChild)));
    });
  });
};
