// written by tbp report
// Draws the newest values over a numeric parameter, both axes logarithmic, when a reader comes near; the line's looks
// are put beside the sentences that say how each one grows.
"use strict";

tbp.scaling = (data, place, sentences, details) => {
  const looks = data.lines.map((_, index) => tbp.look(index));
  sentences.forEach((sentence, index) => { if (looks[index]) sentence.prepend(tbp.key(looks[index])); });
  const levels = data.lines.flatMap(([, , values]) => values).sort((a, b) => a - b);
  const [factor, symbol] = data.scales.findLast((scale) => levels[levels.length >> 1] / scale[0] >= 0.9995) || data.scales[0];
  const sizes = [...new Set(data.lines.flatMap(([, x]) => x))].sort((a, b) => a - b);

  const traces = () => data.lines.map(([name, x, values], index) => ({
    name: tbp.disarmed(name.length > 80 ? `${name.slice(0, 79)}…` : name),
    mode: "lines+markers",
    x,
    y: values.map((value) => value / factor),
    line: { color: looks[index].colour, width: 2 },
    marker: { color: looks[index].colour, symbol: looks[index].symbol[0], size: 8 },
    text: values.map((value, at) => [name, `${data.parameter} ${x[at]}`, tbp.quantity(value, data.scales)].filter(Boolean).map(tbp.disarmed).join("<br>")),
    hovertemplate: "%{text}<extra></extra>",
  }));

  // Sizes are labelled as far as they have room; a factor of two has 40 pixels or more on most pages.
  const draw = () => {
    const theme = tbp.themed();
    const { layout: shared, config } = tbp.shared;
    const isNarrow = tbp.widthOf(place) < 560;
    const room = Math.max(1, tbp.widthOf(place) - 90) / Math.log2(sizes.at(-1) / sizes[0] || 2);
    let last = -Infinity;
    const labelled = sizes.filter((size) => (Math.log2(size) - last) * room >= 34 && ((last = Math.log2(size)), true));
    return Plotly.react(place, traces(), {
      ...shared,
      font: { ...theme.font, size: isNarrow ? 11 : 12 },
      hoverlabel: theme.hoverlabel,
      height: isNarrow ? 300 : 340,
      ...(tbp.isPaper ? { width: tbp.PAPER_WIDTH, autosize: false } : { autosize: true }),
      margin: { ...shared.margin, t: 12 },
      dragmode: false,
      xaxis: {
        ...shared.xaxis, type: "log", gridcolor: theme.grid, tickvals: labelled, ticktext: labelled.map(String),
        title: { text: tbp.disarmed(data.parameter), standoff: 8 }, fixedrange: true,
      },
      yaxis: {
        ...shared.yaxis, ...tbp.scaled(true), gridcolor: theme.grid, fixedrange: true,
        title: { ...shared.yaxis.title, text: tbp.disarmed(symbol || "value") },
      },
    }, { ...config, displayModeBar: false }).then(() => { place.dataset.ready = "yes"; });
  };

  const watch = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    watch.disconnect();
    draw();
    tbp.redrawn(place, draw);
  }, { rootMargin: "300px" });
  watch.observe(place);
  // Paper has the charts that nobody scrolled to.
  const atOnce = () => { if (tbp.isPaper && place.isConnected && !place.dataset.ready) draw(); };
  document.addEventListener("tbp-paper", atOnce);

  details.addEventListener("toggle", () => {
    if (!details.open || details.querySelector("table")) return;
    const head = ["Series", ...sizes.map(String)].map((text, index) => tbp.make("th", { scope: "col", class: index ? "number" : null }, text));
    const rows = data.lines.map(([name, x, values]) => tbp.make(
      "tr", {},
      tbp.make("th", { scope: "row" }, tbp.make("bdi", {}, name || "value")),
      ...sizes.map((size) => tbp.make("td", { class: "number" }, x.includes(size) ? tbp.quantity(values[x.indexOf(size)], data.scales) : tbp.UNKNOWN)),
    ));
    details.append(tbp.make(
      "div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `Newest values over ${data.parameter}` },
      tbp.make("table", {}, tbp.make("thead", {}, tbp.make("tr", {}, ...head)), tbp.make("tbody", {}, ...rows)),
    ));
  });
};

tbp.scalings = (all) => {
  document.querySelectorAll(".scaling").forEach((place, index) => {
    const section = place.closest("section");
    tbp.scaling(all[index], place, [...section.querySelectorAll(".growth li")], section.querySelector("details"));
  });
};
