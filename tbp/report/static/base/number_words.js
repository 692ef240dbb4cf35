// written by tbp report
// Numbers in words, as tbp/wording/words.py writes them.
"use strict";

// 1,234.50: with so many digits behind the point. A formatter is kept, since to make one takes longer than to use it
// a hundred times, and a chart says thousands of numbers.
tbp.formats = new Map();
tbp.fixed = (value, digits) => {
  if (!tbp.formats.has(digits)) {
    tbp.formats.set(digits, new Intl.NumberFormat("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits }));
  }
  return tbp.formats.get(digits).format(value);
};

// Three significant digits without an exponent, larger numbers whole.
tbp.significant = (value) => {
  if (!Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const exponent = Number(Math.abs(value).toExponential(2).split("e")[1]);
  if (exponent < -6) return value.toExponential(2).replaceAll("-", "−").replace(/e−(\d)$/, "e−0$1");
  const digits = Math.max(0, 2 - exponent);
  return tbp.fixed(value, digits).replace("-", "−");
};

// scales: [[factor, symbol], …], smallest first.
tbp.quantity = (value, scales) => {
  if (!Number.isFinite(value)) return "–";
  const base = scales[0][1];
  let scale = value === 0 && base === "ns" ? scales[1] : scales[0];
  if (value !== 0) for (const one of scales) if (Math.abs(value) / one[0] >= 0.9995) scale = one;
  // A count is whole.
  const isCount = scale[0] === 1 && !["B", "ns"].includes(base) && Number.isInteger(value);
  const number = isCount ? value.toLocaleString("en-US").replace("-", "−") : tbp.significant(value / scale[0]);
  return `${number} ${scale[1]}`.trim();
};

tbp.percent = (ratio) => {
  if (!Number.isFinite(ratio)) return "–";
  const size = Math.abs(ratio) * 100;
  const digits = size > 0 && size < 9.95 ? 1 : 0;
  return `${ratio < 0 ? "−" : ""}${tbp.fixed(size, digits)} %`;
};

// What a value that went up (or down) did, as tbp.wording.words.direction says it. `better` is 1 where less is better,
// -1 where more is, and 0 where nobody knows.
tbp.direction = (isUp, { unit, better }) => {
  const lower = better > 0;
  if (lower && unit === "seconds") return isUp ? "slower" : "faster";
  const word = unit === "bytes" ? (isUp ? "larger" : "smaller") : (isUp ? "higher" : "lower");
  return !better || (lower && unit === "bytes") ? word : `${word} (${tbp.merit(isUp, { better })})`;
};
tbp.merit = (isUp, { better }) => (better ? (isUp === better > 0 ? "worse" : "better") : "");
tbp.effect = (size, isUp, of) => `${isUp ? "▲" : "▼"} ${size} ${tbp.direction(isUp, of)}`;

// How far a value moved from what it was: in per cent, a percentage in points, as tbp.wording.words.signed_size.
tbp.isPercentage = (unit) => ["%", "percent", "percentage", "pct"].includes(unit);
tbp.points = (moved) => {
  if (!Number.isFinite(moved)) return "–";
  const size = Math.abs(moved);
  const shown = size >= 9.95 ? tbp.fixed(size, 0) : size >= 0.095 ? size.toFixed(1) : `${Number(size.toPrecision(2))}`;
  return `${moved < 0 ? "−" : ""}${shown} points`;
};
tbp.signedSize = (before, after, unit) => {
  if (tbp.isPercentage(unit)) return (after > before ? "+" : "") + tbp.points(after - before);
  return before === 0 ? "from 0" : tbp.signedPercent((after - before) / Math.abs(before));
};

// Two values of one series: what they differ by, and whether that is more than `reach` times the noise between its runs.
tbp.distance = (before, after, of, reach) => {
  const ratio = (after - before) / Math.abs(before);
  if (before === after || Math.abs(ratio) < 0.0005) return { ratio, words: "the same", far: false };
  if (before === 0) return { ratio, words: `from 0, ${tbp.direction(after > 0, of)}`, far: true };
  const size = tbp.signedSize(before, after, of.unit), isUp = ratio > 0;
  if (!Number.isFinite(of.noise)) return { ratio, words: `${size}, noise unknown`, far: false };
  const far = Math.abs(after / before > 0 ? Math.log(after / before) : ratio) > reach * of.noise;
  const said = far ? `${tbp.effect(size, isUp, of)}, beyond noise` : `${size} ${tbp.direction(isUp, of)}, within noise`;
  return { ratio, words: said, far };
};

tbp.signedPercent = (ratio) => (ratio > 0 ? "+" : "") + tbp.percent(ratio);
