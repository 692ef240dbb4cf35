// written by tbp report
// Makes values of the numbers in data/*.js again: the counterpart of tbp/report/data/history_chart.py.
"use strict";

tbp.layout = (shared) => { tbp.shared = shared; };
tbp.commits = (list) => {
  tbp.digits = new Map([...list.letters].map((letter, index) => [letter, index]));
  tbp.commitList = { ...list, date: tbp.sums(tbp.unpacked(list.date)) };
};

// Letters → whole numbers, and null for what is missing: the counterpart of tbp/report/parts/packing.py.
tbp.unpacked = (text = "") => {
  const base = tbp.digits.size >> 1;
  const found = [];
  let number = 0, unit = 1, isGap = false;
  for (const letter of text) {
    if (letter === "~") { isGap = true; continue; }
    const digit = tbp.digits.get(letter);
    number += (digit % base) * unit;
    unit *= base;
    if (digit >= base) continue;
    const value = number % 2 ? (1 - number) / 2 : number / 2;
    if (isGap) for (let missing = 0; missing < value; missing += 1) found.push(null); else found.push(value);
    number = 0; unit = 1; isGap = false;
  }
  return found;
};

// Differences → numbers; null stays null.
tbp.sums = (differences) => {
  let last = 0;
  return differences.map((one) => (one === null ? null : (last += one)));
};

// How many are left out, how many follow each other, and so on → places; with `more`, numbers said of each stretch.
tbp.places = (text, more = 0) => {
  const numbers = tbp.unpacked(text);
  const found = [];
  let free = 0;
  for (let at = 0; at < numbers.length; at += 2 + more) {
    free += numbers[at];
    for (let count = 0; count < numbers[at + 1]; count += 1, free += 1) found.push(more ? [free, numbers[at + 2]] : free);
  }
  return found;
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

// A benchmark's series with x, values and quartiles of each point. Those whose data lies in a file of its own wait for
// it without any; `whenWhole` loads it, once, and then goes on.
tbp.decoded = (data) => {
  const places = tbp.places(data.commits);
  const xs = data.xs.map((x) => tbp.places(x));
  const series = data.series.map((one) => (one.v === undefined ? { ...one, isAwaited: true, ...tbp.NOTHING } : tbp.decodedSeries(one, data, xs)));
  const waiting = [];
  tbp.more = (rest) => {
    const awaited = series.filter((one) => one.isAwaited);
    rest.series.forEach((one, index) => Object.assign(awaited[index] || {}, tbp.decodedSeries(one, data, xs), { isAwaited: false }));
    for (const then of waiting.splice(0)) then();
  };
  const whenWhole = (then, missing) => {
    if (!series.some((one) => one.isAwaited)) { then(); return; }
    waiting.push(then);
    tbp.load(`../${data.more}`, missing);
  };
  return { ...data, places, series, whenWhole };
};

tbp.NOTHING = { x: [], values: [], low: [], high: [], sessions: [], other: new Set(), remarks: new Map(), levels: [], changes: [], breaks: [] };

tbp.decodedSeries = (one, data, xs) => {
  // Letter → thousandths of the value.
  const parts = tbp.commitList.offsets;
  const x = xs[one.x];
  const values = tbp.sums(tbp.unpacked(one.v)).map((value) => (value === null ? NaN : value * one.step));
  const sessions = typeof one.sessions === "string" ? tbp.unpacked(one.sessions) : null;
  const offset = (letters = "", sign) => values.map((value, index) => {
    const part = tbp.digits.get(letters[index]);
    return part === undefined ? NaN : value + sign * Math.abs(value) / 1000 * parts[part];
  });
  return {
    ...one,
    x,
    values,
    low: offset(one.low, -1),
    high: offset(one.high, 1),
    sessions: x.map((_, index) => (sessions ? sessions[index] : one.sessions || 0)),
    other: new Set(tbp.places(one.other)),
    remarks: new Map(tbp.places(one.remarks, 1).map(([index, remark]) => [index, data.remarks[remark]])),
    levels: one.levels.map(([first, last, level, noise]) => [x[first], x[last], level * one.step, noise * one.step]),
    changes: (one.changes || []).map(([index, before, after, merit, confirmed, move, said]) => (
      { index, x: x[index], before: before * one.step, after: after * one.step, merit, confirmed: !!confirmed, move, said })),
    breaks: (one.breaks || []).map((index) => x[index]),
  };
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
