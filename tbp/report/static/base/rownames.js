// written by tbp report
// Names of many series in little room: what all have is left out, and what is cut is cut in the middle, since names
// differ at both ends. The whole name is the link's title and is said below the pointer.
"use strict";

// Characters of a name's end that stay when it is cut.
tbp.TAIL = 12;

// A name that gives way in its middle.
tbp.cut = (text, css) => {
  const at = Math.max(0, text.length - tbp.TAIL);
  // A pair of surrogates is one character.
  const split = at && text.charCodeAt(at) >= 0xdc00 && text.charCodeAt(at) < 0xe000 ? at - 1 : at;
  return tbp.make("bdi", { class: `cut ${css || ""}` }, tbp.make("span", { class: "head" }, text.slice(0, split)), tbp.make("span", {}, text.slice(split)));
};

// Each name by the fewest of its parts that no other one has all of: the rarest parts first, in the name's order.
tbp.told = (names) => {
  const parts = names.map((name) => [...new Set(name.split(/[-\s]+/))]);
  const number = new Map();
  for (const own of parts) for (const part of own) number.set(part, (number.get(part) || 0) + 1);
  return names.map((name, place) => {
    const rare = parts[place].filter((part) => number.get(part) < names.length).sort((a, b) => number.get(a) - number.get(b));
    const kept = new Set();
    const isTold = () => kept.size && !parts.some((other, at) => at !== place && [...kept].every((part) => other.includes(part)));
    for (const part of rare) {
      if (isTold()) break;
      kept.add(part);
    }
    return isTold() ? parts[place].filter((part) => kept.has(part)).join(" ") : name;
  });
};

// Parameters without the name of the only one: all series of the benchmark have it.
tbp.values = (rows) => {
  const keys = new Map();
  for (const { name, label } of rows) {
    const key = label.includes(", ") ? "" : label.slice(0, label.indexOf("=") + 1);
    keys.set(name, keys.has(name) && keys.get(name) !== key ? "" : key);
  }
  return ({ name, label }) => label.slice(keys.get(name).length);
};

// Benchmarks without the suite they stand under, and without the method where all have the same one.
tbp.benchmarkNames = (rows) => {
  const names = new Set(rows.map(({ name }) => name));
  const methods = new Set([...names].map((name) => name.slice(name.lastIndexOf("."))));
  const [method] = methods;
  const isSame = names.size > 1 && methods.size === 1 && method.length > 1;
  return ({ name, suite }) => {
    const own = name.slice(suite.length + 1) || name;
    return isSame && own.length > method.length && own.endsWith(method) ? own.slice(0, -method.length) : own;
  };
};
