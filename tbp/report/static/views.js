// written by tbp report
// What pages share: their state in the address, numbers in words (as tbp/wording/words.py says them), elements made
// without any markup.
"use strict";

// State that differs from the start, as the address's fragment, so that a link keeps it.
tbp.state = {
  read: () => new URLSearchParams(tbp.fragment()),
  keep: (pairs) => {
    const kept = new URLSearchParams(pairs.filter(([, value]) => value !== ""));
    tbp.setFragment(kept.toString());
  },
};

// Boxes of which some are off, as the address says it: the one that is on alone, or those that are off.
tbp.boxes = {
  read: (boxes, kept) => {
    const alone = boxes.some((box) => box.value === kept.get("only")) ? kept.get("only") : "";
    const hidden = (kept.get("hide") || "").split(",");
    for (const box of boxes) box.checked = alone ? box.value === alone : !hidden.includes(box.value);
  },
  pairs: (boxes) => {
    const on = boxes.filter((box) => box.checked).map((box) => box.value);
    if (on.length === 1 && boxes.length > 1) return [["only", on[0]]];
    return [["hide", boxes.filter((box) => !box.checked).map((box) => box.value).join(",")]];
  },
  // The buttons that leave one box on, and all of them when pressed again.
  buttons: (form, boxes, changed) => {
    for (const button of form.querySelectorAll("button.only")) {
      button.addEventListener("click", () => {
        const isAlone = button.getAttribute("aria-pressed") === "true";
        for (const box of boxes) box.checked = isAlone || box.value === button.value;
        changed();
      });
    }
  },
  press: (form, boxes) => {
    const on = boxes.filter((box) => box.checked);
    for (const button of form.querySelectorAll("button.only")) {
      const isAlone = on.length === 1 && boxes.length > 1 && on[0].value === button.value;
      button.setAttribute("aria-pressed", String(isAlone));
      button.textContent = isAlone ? "all" : "only";
    }
  },
};

tbp.make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
};

tbp.svg = (tag, attributes) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
};

// A commit, with a link where there is one; the site writes none that is not http(s).
tbp.commitLink = ({ short, hash, href }) => (href
  ? tbp.make("a", { class: "commit", href, rel: "noreferrer" }, short)
  : tbp.make("span", { class: "commit", title: hash }, short));

tbp.tokens = (text) => text.toLowerCase().split(/\s+/).filter(Boolean);

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
