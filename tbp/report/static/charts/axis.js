// written by tbp report
// The axis of a history chart: every commit as far from the next, or commits by their dates. Charts reckon in commits
// (0 is the oldest, 1.5 lies between two); the axis says where that is drawn, and back.
"use strict";

// A day in seconds; the steps between two ticks by date: days, months, years.
tbp.DAY = 86400;
tbp.STEPS = [["day", 1], ["day", 2], ["day", 7], ["day", 14], ["month", 1], ["month", 2], ["month", 3], ["month", 6], ["year", 1], ["year", 2], ["year", 5]];
tbp.STEP_DAYS = { day: 1, month: 30.4, year: 365.25 };
// Pixels that a label takes.
tbp.TICK = 88;

tbp.axis = (data, isByDate) => {
  const last = data.places.length - 1;
  // History need not follow the clock: a commit is never drawn before its parent.
  let latest = -Infinity;
  const seconds = data.places.map((place) => (latest = Math.max(latest, tbp.commitList.date[place])));
  const duration = seconds[last] - seconds[0];
  const byDate = isByDate() && duration > 0;
  const at = (time) => last * (time - seconds[0]) / duration;

  const to = (x) => {
    if (!byDate || x === null) return x;
    if (x <= 0 || x >= last) return x;
    const before = Math.floor(x);
    return at(seconds[before] + (x - before) * (seconds[before + 1] - seconds[before]));
  };
  const from = (position) => {
    if (!byDate || position <= 0 || position >= last) return position;
    let before = 0;
    while (before < last - 1 && at(seconds[before + 1]) <= position) before += 1;
    const [start, end] = [at(seconds[before]), at(seconds[before + 1])];
    return before + (end > start ? (position - start) / (end - start) : 0);
  };
  const day = (time) => new Date(time * 1000).toISOString().slice(0, 10);

  // Commits with their dates, as many as have room.
  const commitTicks = ([low, high], width) => {
    const [first, end] = [low, high].map((one) => Math.max(0, Math.min(last, Math.round(one))));
    const step = Math.max(1, Math.ceil((end - first + 1) / Math.max(2, Math.floor(width / tbp.TICK))));
    const found = [];
    for (let index = first; index <= end; index += step) found.push(index);
    return { tickvals: found, ticktext: found.map((index) => `${tbp.disarmed(tbp.commit(data.places[index]).short)}<br>${day(tbp.commitList.date[data.places[index]])}`) };
  };
  const dateTicks = ([low, high], width) => {
    const [first, end] = [low, high].map((position) => seconds[0] + position * duration / last);
    const days = (end - first) / tbp.DAY / Math.max(2, width / tbp.TICK);
    const [unit, number] = tbp.STEPS.find(([name, count]) => count * tbp.STEP_DAYS[name] >= days) || tbp.STEPS.at(-1);
    const start = new Date(first * 1000);
    const found = [];
    for (let count = 0; count < 100; count += 1) {
      const [year, month] = [start.getUTCFullYear(), start.getUTCMonth()];
      const time = {
        // Weeks begin on a Monday, as that of the fifth of January 1970.
        day: () => {
          const monday = number % 7 ? 0 : 4;
          return (Math.ceil((first / tbp.DAY - monday) / number) * number + monday + count * number) * tbp.DAY;
        },
        month: () => Date.UTC(year, month - (month % number) + count * number, 1) / 1000,
        year: () => Date.UTC(year - (year % number) + count * number, 0, 1) / 1000,
      }[unit]();
      if (time > end) break;
      if (time >= first) found.push(time);
    }
    return { tickvals: found.map(at), ticktext: found.map((time) => (unit === "day" ? day(time) : day(time).slice(0, unit === "year" ? 4 : 7))) };
  };

  return {
    to,
    from,
    // Its ends, for those in commits.
    range: (ends) => (byDate ? [to(ends[0] + 0.5) - 0.5, to(ends[1] - 0.5) + 0.5] : [...ends]),
    back: (ends) => (byDate ? ends.map(from) : ends),
    ticks: (range, width) => (byDate ? dateTicks(range, width) : commitTicks(range, width)),
    title: byDate ? "date, UTC" : "commit and its date, UTC",
    moved: (traces) => (byDate ? traces.map((trace) => ({ ...trace, x: trace.x.map(to) })) : traces),
    shapes: (lines) => lines.map((line) => ({ ...line, x0: to(line.x0), x1: to(line.x1) })),
    annotations: (labels) => labels.map((label) => ({ ...label, x: to(label.x) })),
  };
};

// What the axis of values says: of what, in which unit, and which direction is better where that is known. A phone has
// room for less.
tbp.axisTitle = (data, symbol, isRelative, isNarrow) => {
  const better = data.better ? `, ${data.better > 0 ? "lower" : "higher"} is better` : "";
  const what = { seconds: "time per call", bytes: "size" }[data.unit] || "value";
  if (isRelative) return `${isNarrow ? "change" : "change since the first level"}${better}`;
  if (!symbol) return `${isNarrow ? "value" : "value (no unit recorded)"}${better}`;
  return `${symbol.length > 12 || isNarrow ? symbol : `${what} in ${symbol}`}${better}`;
};
