// written by tbp report
// Makes values of the numbers in data/*.js again, and words of values: the counterpart of chart_data.py and words.py.
// Also keeps what a reader chose in the address, so that a link shows the same.
"use strict";

tbp.layout = (shared) => { tbp.shared = shared; };
tbp.commits = (list) => { tbp.commitList = { ...list, date: tbp.sums(list.date) }; };

// Differences → numbers; null stays null.
tbp.sums = (differences) => {
  let last = 0;
  return differences.map((one) => (one === null ? null : (last += one)));
};

tbp.UNKNOWN = "–";
tbp.minus = (text) => text.replace("-", "−");

// Three significant digits, larger numbers whole: words.significant.
tbp.significant = (value) => {
  if (!Number.isFinite(value)) return tbp.UNKNOWN;
  if (value === 0) return "0";
  const exponent = Number(value.toExponential(2).split("e")[1]);
  if (exponent < -6) return tbp.minus(value.toExponential(2));
  const digits = Math.max(0, 2 - exponent);
  return tbp.minus(value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits }));
};

// A value with the unit in which it is at least one: words.quantity.
tbp.quantity = (value, scales) => {
  if (!Number.isFinite(value)) return tbp.UNKNOWN;
  let scale = value ? scales[0] : scales[Math.min(1, scales.length - 1)];
  if (value) for (const one of scales) if (Math.abs(value) / one[0] >= 0.9995) scale = one;
  return `${tbp.significant(value / scale[0])} ${scale[1]}`.trim();
};

// plotly reads a small HTML and %{…} of its own in texts: everything foreign is disarmed.
tbp.disarmed = (text) => text
  .replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/%\{/g, "&#37;{");

// One commit of the site by its place.
tbp.commit = (place) => {
  const { url, hash, date, subject } = tbp.commitList;
  return {
    hash: hash[place],
    short: hash[place].slice(0, 8),
    date: `${new Date(date[place] * 1000).toISOString().slice(0, 16).replace("T", " ")} UTC`,
    subject: subject[place],
    // The site writes no url that is not http(s); the hash cannot leave its place in it.
    href: url && url + encodeURIComponent(hash[place].toWellFormed ? hash[place].toWellFormed() : hash[place]),
  };
};

// A benchmark's series with x, values and quartiles of each point.
tbp.decoded = (data) => {
  const places = tbp.sums(data.commits);
  const xs = data.xs.map((x) => (typeof x === "number" ? Array.from({ length: x }, (_, index) => index) : tbp.sums(x)));
  // Letter → thousandths of the value.
  const parts = new Map([...data.letters].map((letter, index) => [letter, data.offsets[index]]));
  const series = data.series.map((one) => {
    const x = xs[one.x];
    const values = tbp.sums(one.v).map((value) => (value === null ? NaN : value * one.step));
    const offset = (letters = "", sign) => values.map((value, index) => (
      value + sign * Math.abs(value) / 1000 * (parts.has(letters[index]) ? parts.get(letters[index]) : NaN)));
    return {
      ...one,
      x,
      values,
      low: offset(one.low, -1),
      high: offset(one.high, 1),
      sessions: x.map((_, index) => (Array.isArray(one.sessions) ? one.sessions[index] : one.sessions || 0)),
      other: new Set(one.other || []),
      remarks: new Map((one.remarks || []).map(([index, remark]) => [index, data.remarks[remark]])),
      levels: one.levels.map(([first, last, level, noise]) => [x[first], x[last], level * one.step, noise * one.step]),
      changes: (one.changes || []).map(([index, before, after, merit, confirmed, move, said]) => (
        { index, x: x[index], before: before * one.step, after: after * one.step, merit, confirmed: !!confirmed, move, said })),
      breaks: (one.breaks || []).map((index) => x[index]),
    };
  });
  return { ...data, places, series };
};

// What a series is called: its values of what the series differ in.
tbp.nameOf = (one, dimensions, otherwise) => {
  const parts = dimensions.map(([name, values, isPlace], place) => (
    one.in[place] < 0 ? null : { text: isPlace ? values[one.in[place]] : `${name}=${values[one.in[place]]}`, isPlace }));
  const own = parts.filter((part) => part && !part.isPlace).map((part) => part.text).join(", ");
  const places = parts.filter((part) => part && part.isPlace).map((part) => part.text);
  return [own, ...places].filter(Boolean).join(" · ") || otherwise;
};

// The address' fragment: `#s-1234abcd&log=1`. What has no "=" is the series to open; the rest is what was chosen.
tbp.fragment = () => {
  const parts = location.hash.slice(1).split("&");
  return {
    anchor: parts.find((part) => part && !part.includes("=")) || "",
    chosen: new URLSearchParams(parts.filter((part) => part.includes("=")).join("&")),
  };
};
tbp.keep = (chosen) => {
  const hash = [tbp.fragment().anchor, chosen.toString()].filter(Boolean).join("&");
  if (hash !== location.hash.slice(1)) history.replaceState(null, "", `#${hash}`);
};

// An element with attributes and children; texts are always texts.
tbp.element = (name, attributes = {}, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== undefined && value !== "") made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
};

tbp.commitElement = (commit) => (commit.href
  ? tbp.element("a", { class: "commit", href: commit.href, rel: "noreferrer" }, commit.short)
  : tbp.element("span", { class: "commit", title: commit.hash }, commit.short));
