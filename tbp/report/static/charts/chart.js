// written by tbp report
// Draws the history chart of a benchmark page: its traces are those of tbp/figures/series_traces.py; which series, which
// commits, which axis is the reader's choice.
// Texts of data are disarmed for plotly where they enter a trace, and nowhere else are they markup.
"use strict";

// Outlines of plotly's symbols around (12, 5), for the page's own legend.
tbp.OUTLINES = {
  circle: "M8 5a4 4 0 1 1 8 0a4 4 0 1 1-8 0z",
  square: "M8.5 1.5h7v7h-7z",
  diamond: "M12 0l5 5-5 5-5-5z",
  cross: "M10.5 0h3v3.5h3.5v3h-3.5v3.5h-3v-3.5h-3.5v-3h3.5z",
  x: "M9 0l3 3 3-3 2 2-3 3 3 3-2 2-3-3-3 3-2-2 3-3-3-3z",
  hexagon: "M12 0l4.3 2.5v5l-4.3 2.5-4.3-2.5v-5z",
  pentagon: "M12 0l4.8 3.5-1.9 5.6h-5.8l-1.9-5.6z",
  hourglass: "M8 0h8l-8 10h8z",
};
tbp.WORSE = "#d6402b";
tbp.BETTER = "#2f7fd6";
tbp.NEUTRAL = "#8a8a8a"; // not the code's doing
// The look of a trace as a small picture beside a name.
tbp.key = ({ color, symbol }) => {
  const svg = tbp.svg("svg", { class: "key", viewBox: "0 0 24 10", width: 24, height: 10, "aria-hidden": "true" });
  svg.append(tbp.svg("path", { d: `M0 4h24v2h-24z${tbp.OUTLINES[symbol]}`, fill: color }));
  return svg;
};
tbp.meritColour = (merit) => (merit > 0 ? tbp.WORSE : merit < 0 ? tbp.BETTER : tbp.NEUTRAL);

// With more series than these their noise bands are paler, or they would hide the points.
tbp.CROWDED = 3;
tbp.PALE = 0.3;
// With more labelled changes the labels cover each other; the marks have the same words.
tbp.LABELLED = 5;

tbp.css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
tbp.themed = () => ({
  font: { color: tbp.css("--text"), family: getComputedStyle(document.body).fontFamily },
  grid: tbp.css("--line"),
  hoverlabel: { ...tbp.shared.layout.hoverlabel, bgcolor: tbp.css("--raised"), bordercolor: tbp.css("--line"), font: { color: tbp.css("--text") } },
  modebar: { color: tbp.css("--muted"), bgcolor: "rgba(0,0,0,0)", activecolor: tbp.css("--text") },
});
// Pixels beside the axis for labels of such values: about three digits of the difference are told apart.
tbp.labelRoom = ([low, high]) => {
  const digits = Math.max(0, 1 - Math.floor(Math.log10(high - low || 1)));
  const widest = Math.max(...[low, high].map((end) => end.toLocaleString("en-US", { maximumFractionDigits: Math.min(20, digits) }).length));
  return Math.min(150, 40 + 7 * Math.max(3, widest));
};
// Pixels of the sign and of " %".
tbp.PER_CENT_ROOM = 18;
// Three labels in a factor of ten (1, 2, 5), one with more than four of them: else they cover each other.
tbp.scaled = (log, tens = 1) => (log ? { type: "log", tickmode: "linear", dtick: tens > 4 ? 1 : "D2" } : { type: "linear" });
// The width of a chart on paper: A4 and Letter between usual margins; before it is printed, a page has the screen's.
tbp.PAPER_WIDTH = 700;
tbp.widthOf = (place) => (tbp.isPaper ? tbp.PAPER_WIDTH : place.clientWidth);
// Draws again when colours or the width change, and for paper (see app.js).
tbp.redrawn = (place, always) => {
  // In a report of one file a page may be gone.
  const draw = () => { if (place.isConnected) always(); };
  document.addEventListener("tbp-theme", () => draw());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw());
  let width = place.clientWidth;
  addEventListener("resize", () => {
    if (place.clientWidth === width) return;
    width = place.clientWidth;
    draw();
  });
};

// The traces of one series as the reader chose to see them. `scale` makes what is drawn of a value of the trace.
tbp.traces = (one, data, scale, isCrowded) => {
  const name = tbp.disarmed(one.name.length > 80 ? `${one.name.slice(0, 79)}…` : one.name);
  const quantity = (value) => tbp.disarmed(tbp.quantity(value, data.scales));
  const part = Math.abs(scale(1) - scale(0));
  const scaled = (values, by) => values.map((value) => (typeof value === "number" ? by(value) : null));
  const runs = new Map(one.x.map((x, index) => [x, index]));
  const said = (x, isOther) => {
    const index = runs.get(x);
    return [
      quantity(one.values[index]),
      Number.isFinite(one.low[index]) && `quartiles ${quantity(one.low[index])} – ${quantity(one.high[index])}`,
      isOther && "another benchmark version, not comparable",
      ...data.said(x),
    ].filter(Boolean).join("<br>");
  };
  return one.traces.filter((trace) => trace.meta !== "other version" || !data.relative).map((trace) => {
    const drawn = { ...trace, name, legendgroup: one.id, y: scaled(trace.y, scale) };
    if (trace.meta === "band" && isCrowded) drawn.opacity = tbp.PALE;
    if (trace.error_y) {
      const { array, arrayminus } = trace.error_y;
      drawn.error_y = { ...trace.error_y, array: scaled(array, (size) => size * part), arrayminus: scaled(arrayminus, (size) => size * part) };
    }
    if (trace.meta === "points" || trace.meta === "other version") drawn.text = trace.x.map((x) => said(x, trace.meta !== "points"));
    if (trace.meta === "changes") drawn.text = trace.text.map((text, at) => [text, ...data.said(trace.x[at])].join("<br>"));
    return drawn;
  });
};

// A line from the foot to the head of a chart.
tbp.upright = (x, line) => ({ type: "line", x0: x, x1: x, y0: 0, y1: 1, yref: "paper", layer: "below", line });

// Lines before each commit with a confirmed change, where another version begins, and at tags; with their words.
tbp.marks = (shown, data, narrow) => {
  const line = (x, color, dash) => tbp.upright(x, { color, width: 1.5, dash });
  const found = new Map();
  for (const one of shown) {
    for (const change of one.changes.filter((own) => own.confirmed)) {
      if (!found.has(change.x)) found.set(change.x, []);
      found.get(change.x).push(change);
    }
  }
  const breaks = new Set(shown.flatMap((one) => one.breaks));
  const lines = [...breaks].map((x) => line(x - 0.5, tbp.NEUTRAL, "dash"));
  const labels = [];
  for (const [x, changes] of [...found].sort((a, b) => a[0] - b[0])) {
    const worst = Math.max(...changes.map((change) => (change.merit < 0 ? 0.5 : change.merit)));
    const colour = tbp.meritColour(worst === 0.5 ? -1 : worst);
    const arrows = [...new Set(changes.map((change) => change.move[0]))].sort().join("");
    const move = changes.length === 1 ? changes[0].move : `${arrows} ${changes.length} series`;
    lines.push(line(x - 0.5, colour, "dot"));
    labels.push({
      text: `<b>${tbp.disarmed(move)}</b> ${tbp.disarmed(tbp.commit(data.places[x]).short)}`,
      font: { color: colour, size: 11 },
      x: x - 0.5,
      xanchor: x < data.places.length / 2 ? "left" : "right",
      y: 1,
      yref: "paper",
      yanchor: "bottom",
      // Neighbours are on different heights, so that they do not cover each other.
      yshift: 13 * (labels.length % 2),
      showarrow: false,
    });
  }
  const most = narrow ? 2 : tbp.LABELLED;
  return { lines, labels: labels.length <= most ? labels : [] };
};

// Tags as thin lines; their names stand upright at the foot, as many as have room.
tbp.tagMarks = (data, [from, to], [low, high], width, drawnAt) => {
  const inside = data.tagged.filter(([x]) => x >= from && x <= to);
  const room = 14 * (high - low) / Math.max(1, width);
  let last = -Infinity;
  const labels = inside.filter(([x]) => (drawnAt(x) - last >= room ? (last = drawnAt(x), true) : false)).map(([x, names]) => ({
    text: tbp.disarmed(names.length > 24 ? `${names.slice(0, 23)}…` : names),
    font: { color: tbp.css("--muted"), size: 10 },
    x, xanchor: "right", y: 0, yref: "paper", yanchor: "bottom", textangle: -90, showarrow: false,
  }));
  const lines = inside.map(([x]) => ({ ...tbp.upright(x, { color: tbp.css("--muted"), width: 1, dash: "solid" }), opacity: 0.45 }));
  return { lines, labels };
};

tbp.chart = (encoded) => {
  const place = document.getElementById("chart");
  tbp.strips(encoded.strips || []);
  const data = tbp.decoded(encoded);
  const last = data.places.length - 1;
  const title = place.dataset.name;
  data.series.forEach((one) => { one.name = tbp.nameOf(one, data.dimensions, title); });
  // Tags of one commit share a mark; one of a commit without a result lies before the next one that has it.
  const tagged = new Map();
  for (const [x, name, exact] of data.tags || []) {
    const at = exact ? x : x - 0.5;
    tagged.set(at, tagged.has(at) ? `${tagged.get(at)}, ${name}` : name);
  }
  data.tagged = [...tagged].sort((a, b) => a[0] - b[0]);
  data.said = (x) => {
    const commit = tbp.commit(data.places[x]);
    const tags = tagged.has(x) && `tag ${tagged.get(x)}`;
    return [`${commit.short} · ${commit.date}`, commit.subject, tags].filter(Boolean).map(tbp.disarmed);
  };

  const chooser = tbp.chooser(data, () => { draw(); });
  const cursors = tbp.cursors(data, chooser, place);
  const narrow = () => tbp.widthOf(place) < 560;
  // From the first commit that a drawn series has a value of, unless a reader chose otherwise.
  let first = 0;
  const fitStart = (shown) => {
    const isDrawn = (one) => (value, index) => Number.isFinite(value) && !(chooser.scale === "relative" && one.other.has(index));
    const starts = shown.map((one) => one.x[one.values.findIndex(isDrawn(one))]).filter((start) => start !== undefined);
    first = starts.length ? Math.min(...starts) : 0;
  };
  const x = () => chooser.range || [first - 0.7, last + 0.7];
  let axis = tbp.axis(data, () => chooser.axis === "date");
  data.indexAt = (position) => axis.from(position);

  // The unit of the axis: that of the middle one of the levels drawn.
  let [factor, symbol] = data.scales[0];
  const fitUnit = (shown) => {
    const sizes = shown.flatMap((one) => one.levels.map(Math.abs)).sort((a, b) => a - b);
    const middle = sizes.length ? sizes[sizes.length >> 1] : 1;
    [factor, symbol] = data.scales.findLast((scale) => middle / scale[0] >= 0.9995) || data.scales[0];
  };

  // What is drawn of a value of a series: in the axis' unit, or in per cent more than its first level.
  const scaleOf = (one) => {
    if (chooser.scale !== "relative") return (value) => value / factor;
    const base = one.levels.length ? one.levels[0] : NaN;
    return (value) => (base ? 100 * (value - base) / Math.abs(base) : NaN);
  };

  // What is inside the chosen commits fills the height, but 5 % of the value beyond it: noise of 1 % does not.
  const y = (shown) => {
    const isLog = chooser.scale === "log";
    const toAxis = (end) => (chooser.scale === "relative" ? end : end / factor);
    if (chooser.height) return chooser.height.map((end) => (isLog ? Math.log10(toAxis(end)) : toAxis(end)));
    const [from, to] = x();
    let low = Infinity;
    let high = -Infinity;
    let [lowest, highest] = [Infinity, -Infinity];
    for (const one of shown) {
      const scale = scaleOf(one);
      one.values.forEach((value, index) => {
        const drawn = scale(value);
        if (!Number.isFinite(drawn) || one.x[index] < from || one.x[index] > to || (isLog && drawn <= 0)) return;
        low = Math.min(low, drawn);
        high = Math.max(high, drawn);
        for (const end of [scale(one.low[index]), scale(one.high[index])]) {
          if (!Number.isFinite(end) || (isLog && end <= 0)) continue;
          lowest = Math.min(lowest, end);
          highest = Math.max(highest, end);
        }
      });
    }
    if (low > high) return [0, 1];
    // Bars whole, as long as they leave the values half of the height.
    const spare = (high - low) / 2 || Math.abs(high) / 2;
    [low, high] = [Math.max(Math.min(low, lowest), isLog ? low / 2 : low - spare), Math.min(Math.max(high, highest), isLog ? high * 2 : high + spare)];
    if (isLog) {
      const ends = [Math.log10(low * 0.9), Math.log10(high * 1.1)];
      const more = 0.04 * (ends[1] - ends[0]);
      return [ends[0] - more, ends[1] + more];
    }
    const room = chooser.scale === "relative" ? Math.max(5, 0.05 * (high - low)) : 0.05 * Math.max(Math.abs(low), Math.abs(high)) || 0.5;
    return [low >= 0 && chooser.scale !== "relative" ? Math.max(0, low - room) : low - room, high + room];
  };

  const layout = (shown) => {
    const { layout: shared } = tbp.shared;
    const theme = tbp.themed();
    const marks = tbp.marks(shown, data, narrow());
    const range = axis.range(x());
    const width = tbp.widthOf(place) - 80;
    const tags = tbp.tagMarks(data, x(), range, width, axis.to);
    const [bottom, top] = y(shown);
    const two = cursors.marks();
    return {
      ...shared,
      font: { ...theme.font, size: narrow() ? 11 : 12 },
      hoverlabel: theme.hoverlabel,
      modebar: theme.modebar,
      height: narrow() ? 320 : 400,
      ...(tbp.isPaper ? { width: tbp.PAPER_WIDTH, autosize: false } : { autosize: true }),
      // Room for the labels, reckoned: plotly's automargin draws everything twice.
      margin: { ...shared.margin, l: tbp.labelRoom(chooser.scale === "log" ? [10 ** bottom, 10 ** top] : [bottom, top]) + (chooser.scale === "relative" ? tbp.PER_CENT_ROOM : 0) },
      xaxis: { ...shared.xaxis, ...axis.ticks(range, width), automargin: false, gridcolor: theme.grid, range, title: { ...shared.xaxis.title, text: axis.title } },
      yaxis: {
        ...shared.yaxis, automargin: false, ...tbp.scaled(chooser.scale === "log", top - bottom), gridcolor: theme.grid, range: [bottom, top],
        ...(chooser.scale === "relative" ? { tickformat: "+~r", ticksuffix: " %" } : {}),
        // A drag chooses commits; the height follows what they hold.
        fixedrange: true,
        title: { ...shared.yaxis.title, text: tbp.disarmed(tbp.axisTitle(data, symbol, chooser.scale === "relative", narrow())) },
      },
      shapes: axis.shapes([...tags.lines, ...marks.lines, ...two.lines]),
      annotations: axis.annotations([...tags.labels, ...marks.labels, ...two.labels]),
      // On a phone a finger that moves over the chart is meant to scroll the page.
      dragmode: matchMedia("(pointer: coarse)").matches || narrow() ? false : "zoom",
    };
  };

  // Bands lie under all lines and points.
  const traces = (shown) => {
    data.relative = chooser.scale === "relative";
    // The worst one last, so that it lies on top.
    const drawn = [...shown].reverse().flatMap((one) => tbp.traces(one, data, (value) => scaleOf(one)(value * data.factor), shown.length > tbp.CROWDED));
    return drawn.sort((a, b) => Number(b.meta === "band") - Number(a.meta === "band"));
  };

  const missing = () => {
    document.getElementById("drawn").textContent = tbp.missing(data.more);
  };

  const draw = () => {
    const shown = chooser.shown();
    if (shown.some((one) => one.isAwaited)) data.whenWhole(draw, missing);
    fitUnit(shown);
    fitStart(shown);
    axis = tbp.axis(data, () => chooser.axis === "date");
    cursors.show();
    const config = { ...tbp.shared.config, displayModeBar: narrow() ? false : "hover" };
    return Plotly.react(place, axis.moved(traces(shown)), layout(shown), config);
  };

  const zoomed = (event) => {
    const ends = [event["xaxis.range[0]"], event["xaxis.range[1]"]];
    if (!ends.every((end) => typeof end === "number")) return;
    chooser.range = axis.back(ends);
    chooser.height = null;
    chooser.changed();
  };

  const picked = (event) => {
    const { x, data: trace } = event.points[0];
    const one = data.series.find((series) => series.id === trace.legendgroup);
    if (!one || cursors.isPicking()) return;
    const at = Math.round(axis.from(x));
    const commit = tbp.commit(data.places[at]);
    const said = ` ${commit.date} ${commit.subject} · ${tbp.quantity(one.values[one.x.indexOf(at)], data.scales)} `;
    const link = tbp.make("a", { href: tbp.href(`#${one.id}`) }, one.name);
    document.getElementById("picked").replaceChildren(tbp.commitLink(commit), tbp.make("bdi", {}, said), link);
    // With a finger the first touch is what shows the hover.
    if (commit.href && !matchMedia("(pointer: coarse)").matches) open(commit.href, "_blank", "noopener,noreferrer");
  };

  draw().then(() => {
    place.dataset.ready = "yes";
    place.on("plotly_relayout", zoomed);
    place.on("plotly_click", picked);
    place.on("plotly_doubleclick", chooser.reset);
  });
  tbp.redrawn(place, draw);
  tbp.pictures(place, document.querySelector(".chart-tools"), title, ({ meta }) => meta === "points");
  tbp.tables(data);
  tbp.listing(data);
  tbp.growth?.(data.growth || []);
};
