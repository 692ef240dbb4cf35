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
      height: isNarrow ? 300 : 340,
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
  }, { rootMargin: "300px" });
  watch.observe(place);
  // Paper has the charts that nobody scrolled to.
  document.addEventListener("tbp-paper", () => { if (tbp.isPaper && place.isConnected && !place.dataset.ready) draw(); });
};
