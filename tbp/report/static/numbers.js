// written by tbp report
// Makes values of the numbers in data/*.js again: the counterpart of chart_data.py. Also keeps what a reader chose in
// the address, so that a link shows the same.
"use strict";

tbp.layout = (shared) => { tbp.shared = shared; };
tbp.commits = (list) => { tbp.commitList = { ...list, date: tbp.sums(list.date) }; };

// Differences → numbers; null stays null.
tbp.sums = (differences) => {
  let last = 0;
  return differences.map((one) => (one === null ? null : (last += one)));
};

tbp.UNKNOWN = "–";

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

// What the address keeps: `#s-1234abcd&scale=log`. What has no "=" is the series to open; the rest was chosen.
tbp.choices = () => {
  const parts = tbp.fragment().split("&");
  return {
    anchor: parts.find((part) => part && !part.includes("=")) || "",
    chosen: new URLSearchParams(parts.filter((part) => part.includes("=")).join("&")),
  };
};
tbp.keepChoices = (chosen) => tbp.setFragment([tbp.choices().anchor, chosen.toString()].filter(Boolean).join("&"));
