// written by tbp report
// What else differs between two of the places that a reader compares, and what nobody recorded (tbp/report/parts/setups.py).
"use strict";

tbp.setups = ({ names, hardware, unrecorded, places }) => {
  const EXPECTED = ["python", "processor", "system", "installed packages"], MOST_NAMED = 4;
  // What holds at a column: the last that began by then, or the first that is known.
  const at = ({ commit, place }) => (places[place] || []).reduce((last, [column, own]) => (last === null || column <= commit ? own : last), null);

  // differing: [name, value of one, value of the other]; unknown: names that one of them does not say.
  const apart = (one, other) => {
    const sides = [at(one), at(other)];
    const pairs = names.map((name, index) => [name, ...sides.map((own) => own?.[index] || "")]);
    const isEmpty = sides.some((own) => own === null);
    return {
      differing: pairs.filter(([, from, to]) => from && to && from !== to),
      unknown: isEmpty ? EXPECTED : [...unrecorded, ...pairs.filter(([name, from, to]) => (!from || !to) && (from || to || EXPECTED.includes(name))).map(([name]) => name)],
    };
  };
  const named = (list) => (list.length > MOST_NAMED ? [...list.slice(0, MOST_NAMED), `${list.length - MOST_NAMED} more`] : list).join(", ");
  const isOfMachine = (name) => hardware.includes(name);
  return { apart, named, isOfMachine };
};
