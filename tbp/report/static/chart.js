// written by tbp report
// Draws the history chart of a benchmark page from the data that data/layout.js and data/<benchmark>.js hand over.
// All texts arrive escaped for plotly; here they are only put where they belong.
"use strict";

tbp.layout = (shared) => { tbp.shared = shared; };

tbp.chart = (data) => {
  const place = document.getElementById("chart");
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const narrow = () => place.clientWidth < 560;

  for (const trace of data.traces) {
    if (trace.hovertemplate) trace.text = trace.x.map((at) => data.commits[at].hover);
  }

  // As many hashes as fit without touching: one takes about 80 pixels.
  const ticks = () => {
    const room = Math.max(2, Math.floor(place.clientWidth / 90));
    const step = Math.max(1, Math.ceil(data.commits.length / room));
    const at = data.commits.map((_, index) => index).filter((index) => index % step === 0);
    return { tickvals: at, ticktext: at.map((index) => data.commits[index].tick) };
  };

  const themed = () => ({
    "font.color": colour("--text"),
    "xaxis.gridcolor": colour("--line"),
    "yaxis.gridcolor": colour("--line"),
    "hoverlabel.bgcolor": colour("--raised"),
    "hoverlabel.bordercolor": colour("--line"),
    "hoverlabel.font.color": colour("--text"),
    "modebar.color": colour("--muted"),
    "modebar.bgcolor": "rgba(0,0,0,0)",
    "modebar.activecolor": colour("--text"),
  });

  const sized = () => {
    const { tickvals, ticktext } = ticks();
    return {
      "xaxis.tickvals": tickvals,
      "xaxis.ticktext": ticktext,
      "font.size": narrow() ? 11 : 12,
      height: narrow() ? 320 : 400,
      annotations: narrow() && labels.length > 2 ? [] : labels,
      // On a phone a finger that moves over the chart is meant to scroll the page.
      dragmode: matchMedia("(pointer: coarse)").matches || narrow() ? false : "zoom",
    };
  };

  // Three labels in a factor of ten (1, 2, 5): with more they cover each other.
  const scaled = (log) => (log
    ? { "yaxis.type": "log", "yaxis.tickmode": "linear", "yaxis.dtick": "D2" }
    : { "yaxis.type": "linear", "yaxis.tickmode": "auto", "yaxis.dtick": null });

  const shared = tbp.shared.layout;
  const labels = data.layout.annotations || [];
  const layout = {
    ...shared,
    ...data.layout,
    xaxis: { ...shared.xaxis, ...data.layout.xaxis },
    yaxis: { ...shared.yaxis, ...data.layout.yaxis, title: { ...shared.yaxis.title, ...data.layout.yaxis.title } },
    font: { family: getComputedStyle(document.body).fontFamily },
  };
  const config = { ...tbp.shared.config, displayModeBar: narrow() ? false : "hover" };

  Plotly.newPlot(place, data.traces, layout, config)
    .then(() => Plotly.relayout(place, { ...themed(), ...sized(), ...scaled(data.layout.yaxis.type === "log") }))
    .then(() => { place.dataset.ready = "yes"; });

  const repaint = () => Plotly.relayout(place, themed());
  document.addEventListener("tbp-theme", repaint);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
  // Paper is white, whatever the screen is.
  addEventListener("beforeprint", () => Plotly.relayout(place, { "font.color": "#17202a", "xaxis.gridcolor": "#dde2e7", "yaxis.gridcolor": "#dde2e7" }));
  addEventListener("afterprint", repaint);
  let width = place.clientWidth;
  addEventListener("resize", () => {
    if (place.clientWidth === width) return;
    width = place.clientWidth;
    Plotly.relayout(place, sized());
  });

  const log = document.getElementById("log");
  if (log) {
    log.addEventListener("change", () => Plotly.relayout(place, { ...scaled(log.checked), "yaxis.autorange": true }));
  }
  for (const box of document.querySelectorAll("input[data-series]")) {
    box.addEventListener("change", () =>
      Plotly.restyle(place, { visible: box.checked ? true : "legendonly" }, data.series[Number(box.dataset.series)]));
  }
};
