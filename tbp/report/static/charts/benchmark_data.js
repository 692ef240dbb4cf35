// written by tbp report
// The data of a benchmark's page: the layout of all charts, the commits of the site, and the series with their traces
// (see tbp/report/data/history_chart.py). Also keeps what a reader chose in the address, so that a link shows the same.
"use strict";

tbp.layout = (shared) => { tbp.shared = shared; };
tbp.commits = (list) => { tbp.commitList = list; };

tbp.UNKNOWN = "–";

// plotly reads a small HTML and %{…} of its own in texts: everything foreign is disarmed.
tbp.disarmed = (text) => text
  .replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/%\{/g, "&#37;{");

// One commit of the site by its place.
tbp.commit = (place) => {
  const { url, hash, date, subject } = tbp.commitList;
  return {
    hash: hash[place],
    short: tbp.shortHash(hash[place]),
    date: `${new Date(date[place] * 1000).toISOString().slice(0, 16).replace("T", " ")} UTC`,
    subject: subject[place],
    // The site writes no url that is not http(s); the hash cannot leave its place in it.
    href: url && url + encodeURIComponent(hash[place].toWellFormed ? hash[place].toWellFormed() : hash[place]),
  };
};

// A benchmark's series with the values of each run. Those whose data lies in a file of its own wait for it without any;
// `whenWhole` loads it, once, and then goes on.
tbp.decoded = (data) => {
  const series = data.series.map((one) => (one.traces ? tbp.decodedSeries(one, data) : { ...one, isAwaited: true, ...tbp.NOTHING }));
  const waiting = [];
  tbp.more = (rest) => {
    const awaited = series.filter((one) => one.isAwaited);
    rest.series.forEach((one, index) => Object.assign(awaited[index] || {}, tbp.decodedSeries(one, data), { isAwaited: false }));
    for (const then of waiting.splice(0)) then();
  };
  const whenWhole = (then, missing) => {
    if (!series.some((one) => one.isAwaited)) { then(); return; }
    waiting.push(then);
    tbp.load(`../${data.more}`, missing);
  };
  return { ...data, places: data.commits, series, whenWhole };
};

tbp.NOTHING = { traces: [], x: [], values: [], low: [], high: [], sessions: [], other: new Set(), remarks: new Map(), levels: [], changes: [], breaks: [] };

// A trace of runs with their commits, which are shipped as the steps from one to the next.
tbp.withCommits = ({ steps, ...trace }) => {
  let at = 0;
  return steps ? { ...trace, x: steps.map((step) => (at += step)) } : trace;
};

// Beside its traces, what tables, cursors and the axis ask of a series: a list entry for each run, in the series' unit.
tbp.decodedSeries = (shipped, data) => {
  const one = { ...shipped, traces: shipped.traces.map(tbp.withCommits) };
  const part = (name) => one.traces.find((trace) => trace.meta === name);
  const value = (drawn) => (typeof drawn === "number" ? drawn * data.factor : NaN);
  const runs = [];
  for (const name of ["points", "other version"]) {
    const trace = part(name) || { x: [], y: [] };
    const bars = trace.error_y || { array: [], arrayminus: [] };
    trace.x.forEach((x, at) => runs.push({
      x, value: value(trace.y[at]), low: value(trace.y[at]) - value(bars.arrayminus[at]), high: value(trace.y[at]) + value(bars.array[at]),
      isOther: name !== "points",
    }));
  }
  for (const [remark, xs] of Object.entries(one.remarks || {})) {
    for (const x of xs) runs.push({ x, value: NaN, low: NaN, high: NaN, remark });
  }
  runs.sort((a, b) => a.x - b.x);
  const changes = part("changes");
  const indexes = [...runs.keys()];
  return {
    ...one,
    x: runs.map((run) => run.x),
    values: runs.map((run) => run.value),
    low: runs.map((run) => run.low),
    high: runs.map((run) => run.high),
    sessions: runs.map((_, index) => (Array.isArray(one.sessions) ? one.sessions[index] : one.sessions)),
    other: new Set(indexes.filter((index) => runs[index].isOther)),
    remarks: new Map(indexes.filter((index) => runs[index].remark).map((index) => [index, runs[index].remark])),
    levels: (part("level") || { y: [] }).y.filter((_, at) => at % 3 === 0).map(value),
    changes: changes ? changes.customdata.map(([before, after, merit, confirmed, move, said], at) => (
      { x: changes.x[at], before, after, merit, confirmed: !!confirmed, move, said })) : [],
    breaks: one.breaks || [],
  };
};

// The look of a series, for a legend; it has none before its data is there.
tbp.keyOf = (one) => {
  const points = one.traces.find((trace) => trace.meta === "points");
  return points ? [tbp.key(points.marker)] : [];
};

// What a series is called: its values of what the series differ in.
tbp.nameOf = (one, dimensions, otherwise) => {
  const parts = dimensions.map(([name, values, isPlace], place) => (
    one.in[place] < 0 ? null : { text: isPlace ? values[one.in[place]] : `${name}=${values[one.in[place]]}`, isPlace }));
  const own = parts.filter((part) => part && !part.isPlace).map((part) => part.text).join(", ");
  const places = parts.filter((part) => part && part.isPlace).map((part) => part.text);
  return [own, ...places].filter(Boolean).join(" · ") || otherwise;
};

// What the address keeps: `#s-1234abcd&scale=log`. What has no "=" is the series to open; the rest was chosen.
tbp.choices = () => {
  const parts = tbp.fragment().split("&");
  return {
    anchor: parts.find((part) => part && !part.includes("=")) || "",
    chosen: new URLSearchParams(parts.filter((part) => part.includes("=")).join("&")),
  };
};
tbp.keepChoices = (chosen) => tbp.setFragment([tbp.choices().anchor, chosen.toString()].filter(Boolean).join("&"));
