// written by tbp report
// Draws a figure that tbp/figures made whole, in the page's colours, when a reader comes near or prints the page.
"use strict";

// `fitted(figure)` gives what of the layout follows the width of the page, for the axis of x.
tbp.figure = (place, { data, layout }, fitted = () => ({})) => {
  const draw = () => {
    const { layout: shared, config } = tbp.shared;
    const theme = tbp.themed();
    const isNarrow = tbp.widthOf(place) < 560;
    const axis = (name) => ({ ...shared[name], ...layout[name], gridcolor: theme.grid, fixedrange: true, title: { ...shared[name].title, ...layout[name].title } });
    return Plotly.react(place, data, {
      ...shared,
      ...layout,
      showlegend: false,
      font: { ...theme.font, size: isNarrow ? 11 : 12 },
      hoverlabel: theme.hoverlabel,
      height: layout.height ?? (isNarrow ? 300 : 340),
      ...(tbp.isPaper ? { width: Math.min(tbp.PAPER_WIDTH, place.clientWidth || tbp.PAPER_WIDTH), autosize: false } : { autosize: true }),
      margin: { ...shared.margin, t: 12 },
      dragmode: false,
      xaxis: { ...axis("xaxis"), ...fitted() },
      yaxis: axis("yaxis"),
    }, { ...config, displayModeBar: false }).then(() => { place.dataset.ready = "yes"; });
  };
  const watch = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    watch.disconnect();
    draw();
    tbp.redrawn(place, draw);
    const caption = place.parentElement.querySelector("figcaption"), box = caption || tbp.make("p", {});
    if (!caption) place.after(box);
    const of = place.closest(".model")?.querySelector("h2") || document.querySelector("h1");
    tbp.pictures(place, box, `${of.textContent}: ${place.getAttribute("aria-label").split(";")[0]}`);
  }, { rootMargin: "300px" });
  watch.observe(place);
  // Paper has the charts that nobody scrolled to.
  document.addEventListener("tbp-paper", () => { if (tbp.isPaper && place.isConnected && !place.dataset.ready) draw(); });
};

// Buttons that save a chart as a picture, in the page's colours. What stands around it on the page is put into it: its
// name, and the names of its lines; `isNamed(trace)` tells which traces those are of.
tbp.pictures = (place, box, name, isNamed = (trace) => Boolean(trace.name)) => {
  const save = (format) => {
    const background = getComputedStyle(document.body).backgroundColor;
    const data = place.data.map((trace) => ({ ...trace, showlegend: place.data.filter(isNamed).length > 1 && isNamed(trace) }));
    const { layout } = place, lines = Math.ceil(data.filter(({ showlegend }) => showlegend).length / 2);
    const height = place.clientHeight + 90 + 20 * lines;
    return Plotly.downloadImage({
      data, layout: {
        ...layout, paper_bgcolor: background, plot_bgcolor: background, showlegend: lines > 0, autosize: false, height,
        legend: { orientation: "h", y: -80 / (place.clientHeight - 80), yanchor: "top" }, margin: { ...layout.margin, t: 80, b: 90 + 20 * lines },
        title: { text: tbp.disarmed(name), x: 0.5, xanchor: "center", font: { size: 14 } },
      },
    }, { format, width: Math.max(800, place.clientWidth), height, scale: format === "png" ? 2 : 1, filename: tbp.fileName(name) });
  };
  const button = (format) => tbp.button(() => save(format), { class: "small", "aria-label": `Save the chart as ${format.toUpperCase()}` }, format.toUpperCase());
  box.append(tbp.make("span", { class: "take-row" }, button("png"), button("svg")));
};
