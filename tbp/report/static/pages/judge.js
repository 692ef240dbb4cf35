// written by tbp report
// Any two runs judged as `tbp compare` judges (tbp/comparison/{two_runs,judgements}.py, tbp/report/pages/compare/means.py),
// with numbers from rules.py; a test holds both against each other. Not here: how far the processes of one run disagree,
// which only makes a verdict less sure, and what runs older than the columns say.
"use strict";

// cell: (row, column) → its run there.
tbp.judging = (cell) => {
  const { MIN_OTHER_RUNS, WINDOW, MOST_FREEDOM, LEAST_ERROR, WITNESSES, LEAST_SHARE, LONE, EXACT_SHARE, MIN_EXACT_RUNS,
    QUANTILES, ALPHA, CONFIDENCE, TWO_COMMITS, EXCLUDED, LEAST_SHOWN, REACH, FOLLOWING, MOST_NAMED, NUMBER } = tbp.runs.rules;
  // Values are packed to 0.014 %; closer than this they are the same count.
  const SAME = 3e-4;

  // Two-sided p-value of Student's t: with t = √ν·tan θ its density is cos^(ν − 1) θ. Simpson's rule with 200 steps is
  // right to nine digits for 4 to 8 degrees of freedom.
  const tail = (from, power) => {
    const STEPS = 200, width = (Math.PI / 2 - from) / STEPS;
    let sum = 0;
    for (let step = 0; step < STEPS; step += 1) sum += (step === 0 ? 1 : step % 2 ? 4 : 2) * Math.cos(from + step * width) ** power;
    return (sum * width) / 3; // at the end of the last step the cosine is 0
  };
  const twoSided = (score, freedom) => tail(Math.atan(Math.abs(score) / Math.sqrt(freedom)), freedom - 1) / tail(0, freedom - 1);
  const reaches = new Map(REACH);

  const quantile = (sorted, share) => {
    const at = (sorted.length - 1) * share, under = Math.floor(at), next = Math.min(under + 1, sorted.length - 1);
    return sorted[under] + (at - under) * (sorted[next] - sorted[under]);
  };
  const median = (values) => quantile([...values].sort((a, b) => a - b), 0.5);
  const sigma = (steps) => {
    const sizes = steps.map(Math.abs).sort((a, b) => a - b);
    return Math.max(...QUANTILES.map(([share, normal]) => quantile(sizes, share) / normal));
  };

  const isShared = (logs, start, end, others) => {
    const step = logs[end] - logs[start];
    const before = logs.slice(Math.max(0, start - WITNESSES), start), after = logs.slice(end + 1, end + 1 + WITNESSES);
    if (!(before.length && after.length) && (others.length < LONE || Math.abs(step) <= Math.max(...others.map(Math.abs)))) return false;
    const seen = [...(before.length ? [logs[end] - median(before)] : []), ...(after.length ? [median(after) - logs[start]] : [])];
    return seen.every((own) => own * Math.sign(step) > LEAST_SHARE * Math.abs(step));
  };
  // What runs `first` and `second` of positive values say, in logarithms; null where too few others are there.
  const difference = (values, first, second) => {
    const [low, high] = [Math.min(first, second), Math.max(first, second)], begin = Math.max(0, low - WINDOW);
    const logs = values.slice(begin, high + 1 + WINDOW).map(Math.log), start = low - begin, end = high - begin;
    if (logs.length - 2 < MIN_OTHER_RUNS) return null;
    const step = logs[end] - logs[start], steps = logs.slice(1).map((one, i) => one - logs[i]);
    const inside = steps.slice(start, end).map((one) => one * Math.sign(step));
    const others = steps.filter((_, i) => i !== start + inside.indexOf(Math.max(...inside)));
    const error = Math.max(sigma(others), LEAST_ERROR), effect = first < second ? step : -step, freedom = Math.min(MOST_FREEDOM, others.length / 2);
    return { effect, error, freedom, isShared: isShared(logs, start, end, others), p: twoSided(effect / error, freedom) };
  };
  const interval = (effect, error, freedom) => {
    const far = reaches.get(freedom) * error;
    return { low: Math.expm1(Math.max(effect - far, -50)), high: Math.expm1(Math.min(effect + far, 50)) };
  };

  const same = (one, other) => Math.abs(one - other) <= SAME * Math.abs(other);
  const repeatsExactly = (values, first, second) => {
    const [start, end] = [Math.min(first, second), Math.max(first, second)];
    const others = values.map((_, i) => i).filter((i) => i !== first && i !== second);
    const steps = others.slice(1).map((next, i) => [others[i], next]).filter(([one, next]) => !same(values[one], values[next]));
    const isSeen = steps.some(([one, next]) => one < end && next > start) ? 1 : 0;
    return others.length >= MIN_EXACT_RUNS && steps.length - isSeen <= (1 - EXACT_SHARE) * (others.length - 1);
  };

  // The columns whose runs tell what two say, in their order, as tbp/project/lines.py: of one line, or of two each its own.
  const branch = { columns: tbp.runs.commits.map(({ column }) => column), origin: -1 };
  const lineOf = (column) => [branch, ...tbp.runs.lines].find((line) => line.columns.includes(column)) || { columns: [column], origin: -1 };
  const pathTo = (column) => {
    if (column < 0) return [];
    const { columns, origin } = lineOf(column);
    return [...pathTo(origin), ...columns.slice(0, columns.indexOf(column) + 1)];
  };
  const following = (column) => lineOf(column).columns.slice(lineOf(column).columns.indexOf(column) + 1);
  const ordered = (from, to) => {
    const old = pathTo(from), fresh = pathTo(to), behind = following(to);
    if (fresh.includes(from)) return [...fresh, ...behind];
    if (old.includes(to)) return [...old, ...following(from)];
    const side = old.length > 1 ? old : [...following(from).reverse(), ...old];
    return [...side, to, ...(behind.length ? behind : fresh.slice(0, -1).reverse().filter((column) => !old.includes(column)))];
  };
  const orders = new Map();
  const orderOf = (from, to) => {
    const key = `${from} ${to}`;
    if (!orders.has(key)) orders.set(key, ordered(from, to));
    return orders.get(key);
  };
  // The runs around two columns that can be compared with them: as many as are looked at, of a counter all.
  const around = (row, from, to, isCounter) => {
    const order = orderOf(from, to), ends = [order.indexOf(from), order.indexOf(to)], found = [], most = isCounter ? Infinity : WINDOW;
    const [start, end] = [Math.min(...ends), Math.max(...ends)];
    const take = (at, into) => {
      const column = order[at], { state, value } = cell(row, column);
      if (state === "measured" && (isCounter || value > 0)) into.push({ column, value });
    };
    const before = [];
    for (let at = start - 1; at >= 0 && before.length < most; at -= 1) take(at, before);
    for (let at = start; at <= end; at += 1) take(at, found);
    const after = [];
    for (let at = end + 1; at < order.length && after.length < most; at += 1) take(at, after);
    return [...before.reverse(), ...found, ...after];
  };

  const changed = (row, isUp) => (row.better ? (isUp === row.better > 0 ? "regression" : "improvement") : "changed");
  const tooFew = (isCounter, others) => {
    const least = isCounter ? `${MIN_EXACT_RUNS} (if they repeat exactly) or ${MIN_OTHER_RUNS}` : `${MIN_OTHER_RUNS}`;
    return "one stored run on each side cannot tell a change from the noise between runs: "
      + `${least} other runs would show the noise, and ${others || "none"} ${others === 1 ? "is" : "are"} stored`;
  };
  const compared = (own, from, to) => {
    const { row, before, after } = own, isCounter = row.isTrack && row.unit !== "seconds";
    if (from === to) return { ...own, state: "no_change" };
    let runs = around(row, from, to, isCounter);
    const at = (column) => runs.findIndex((run) => run.column === column);
    const exactly = () => ({ ...own, state: same(before, after) || Math.abs(own.ratio) < TWO_COMMITS ? "no_change" : changed(row, after > before) });
    if (isCounter && (same(after, before) || repeatsExactly(runs.map((run) => run.value), at(from), at(to)))) return exactly();
    if (before === after) {
      const all = around(row, from, to, true);
      if (all.length >= MIN_EXACT_RUNS && all.every((run) => run.value === before)) return exactly();
    }
    if (Math.min(before, after) <= 0) return { ...own, reason: "a value is zero or negative, so noise is no share of it" };
    runs = runs.filter((run) => run.value > 0);
    const found = difference(runs.map((run) => run.value), at(from), at(to));
    return found ? { ...own, found } : { ...own, reason: tooFew(isCounter, runs.length - 2) };
  };
  // Of two machines or environments: how much the runs of either differ from one to the next, and nobody's merit.
  const alone = (row, column) => {
    const logs = around(row, column, column, false).map((run) => Math.log(run.value));
    const steps = logs.slice(1).map((one, i) => one - logs[i]);
    return steps.length < MIN_OTHER_RUNS ? null : { error: sigma(steps) / Math.SQRT2, freedom: Math.min(MOST_FREEDOM, steps.length / 2) };
  };
  const elsewhere = (own, base, from, to) => {
    const { row, before, after } = own, one = { ...own, isElsewhere: true };
    if (before === after) return { ...one, state: "no_change" };
    if (Math.min(before, after) <= 0) return { ...one, reason: "a value is zero or negative, so noise is no share of it" };
    // The noise of a file from elsewhere is not known: the stored runs stand for it.
    const side = (run, column, other, place) => (run.own && !other.own ? alone(other, place) : alone(run, column));
    const sides = [side(base, from, row, to), side(row, to, base, from)];
    if (sides.includes(null)) return { ...one, reason: `one run on each side cannot tell a difference from noise, and one of them has fewer than ${MIN_OTHER_RUNS} others that would show it` };
    const error = Math.max(LEAST_ERROR, Math.hypot(...sides.map((side) => side.error)));
    const { low, high } = interval(Math.log(after / before), error, Math.min(...sides.map((side) => side.freedom)));
    const isSure = (low > 0 || high < 0) && Math.abs(own.ratio) >= TWO_COMMITS;
    return { ...one, low, high, state: isSure ? "elsewhere" : Math.max(-low, high) < EXCLUDED ? "no_change" : "undecided" };
  };

  const NONE = { state: "none", value: NaN };
  // One series in two columns; null where it is in neither.
  const judged = ({ row, base, from, to, names }) => {
    const old = base ? cell(base, from) : NONE, fresh = row ? cell(row, to) : NONE;
    if (old.state === "none" && fresh.state === "none") return null;
    const own = { row: row || base, state: "skipped", before: old.value, after: fresh.value, ratio: NaN, low: NaN, high: NaN, reason: "" };
    if (old.state === "none" || fresh.state === "none") return { ...own, reason: `not in ${names[old.state === "none" ? 0 : 1]}` };
    const [isOld, isFresh] = [Number.isFinite(old.value), Number.isFinite(fresh.value)];
    if (isOld && fresh.state === "failed") return { ...own, state: "failed", reason: `it failed in ${names[1]}, after ${tbp.quantity(old.value, row.scales)} in ${names[0]}` };
    if (!isOld || !isFresh) return { ...own, reason: `it ${(isOld ? fresh : old).state === "failed" ? "failed" : "was skipped"} in ${names[isOld ? 1 : 0]}` };
    own.ratio = old.value ? (fresh.value - old.value) / Math.abs(old.value) : fresh.value === old.value ? 0 : NaN;
    own.state = "undecided";
    const isApart = (old.state === "apart") || (fresh.state === "apart");
    if (isApart && !(row === base && from === to)) return { ...own, reason: "the two commits have different versions of the benchmark" };
    return row === base ? compared(own, from, to) : elsewhere(own, base, from, to);
  };

  // Thousands of pairs at once would let a key wait: those that a reader may ask for are judged when there is time.
  const known = new WeakMap();
  const judgedOnce = (pair) => {
    const { row, base } = pair, last = known.get(row || base);
    if (last && ["base", "from", "to"].every((part) => last[part] === pair[part]) && last.names.join() === pair.names.join()) return last.own;
    const own = judged(pair);
    if (row || base) known.set(row || base, { ...pair, own });
    return own;
  };
  tbp.judgeAhead = (pairs) => {
    const judgeSome = (time) => {
      while (pairs.length && time.timeRemaining() > 1) judgedOnce(pairs.pop());
      if (pairs.length) requestIdleCallback(judgeSome);
    };
    requestIdleCallback(judgeSome);
  };

  const decided = (own, p) => {
    const { found } = own, { low, high } = interval(found.effect, found.error, found.freedom), one = { ...own, low, high };
    const isChange = p <= ALPHA && found.p <= 1 - CONFIDENCE && Math.abs(own.ratio) >= TWO_COMMITS;
    if (isChange && found.isShared) return { ...one, state: changed(own.row, own.after > own.before) };
    if (Math.max(-low, high) < EXCLUDED) return { ...one, state: "no_change" };
    return { ...one, reason: isChange ? "the runs beside these two do not confirm the change: a single odd run would look the same"
      : `two runs of it differ by ${tbp.percent(Math.expm1(found.error))} or so without any change` };
  };
  // The circumstances of a run that no commit changes, as tbp/history/circumstances.py has them: values by their names.
  const { names: NAMES, table, stretches } = tbp.runs.circumstances;
  const last = (known, column) => known.findLast(([start]) => start <= column);
  const circumstances = (row, column) => {
    const stretch = last(stretches[row.measured] || [], column);
    const number = column < tbp.runs.commits.length ? last(row.numbers, column) : undefined; // of the branch alone
    return [number ? number[1] : "", ...(stretch ? table[stretch[1]] : [])];
  };
  // Undecided where the two were measured with something else that may have made the difference: see _put_down in
  // tbp/comparison/judgements.py, and not_refuted in tbp/history/explanations.py.
  const putDown = (own, { row, base, from, to }) => {
    if (!own || row !== base || own.state === "no_change" || Math.abs(own.ratio) < TWO_COMMITS) return own;
    if ([from, to].some((column) => cell(row, column).state !== "measured")) return own;
    const [old, fresh] = [from, to].map((column) => circumstances(row, column));
    const causes = [NUMBER, ...NAMES].map((name, at) => ({ name, at })).filter(({ at }) => old[at] && fresh[at] && old[at] !== fresh[at]);
    if (!causes.length) return own;
    const { before, after } = own, middle = before > 0 && after > 0 ? Math.sqrt(before * after) : (before + after) / 2;
    const order = orderOf(from, to), forward = order.indexOf(from) < order.indexOf(to) ? 1 : -1;
    const outside = around(row, from, to, true).map(({ column, value }) => {
      const at = order.indexOf(column), isBefore = (at - order.indexOf(from)) * forward <= 0;
      return { isBefore, isOutside: isBefore || (at - order.indexOf(to)) * forward >= 0, isAfter: after > before ? value > middle : value < middle, known: circumstances(row, column) };
    }).filter(({ isOutside }) => isOutside);
    const left = causes.filter(({ at }) => {
      const telling = outside.filter(({ isBefore, known }) => known[at] === (isBefore ? fresh : old)[at]);
      return telling.filter(({ isBefore, isAfter }) => isBefore === isAfter).length >= FOLLOWING * telling.length;
    });
    if (!left.length) return own;
    const named = left.slice(0, MOST_NAMED).map(({ name, at }) => `${name} ${old[at]} → ${fresh[at]}`), rest = left.length - MOST_NAMED;
    const reason = `measured with ${[...named, ...(rest > 0 ? [`${rest} more`] : [])].join(", ")}: not the code's doing alone`;
    return { ...own, state: "undecided", low: NaN, high: NaN, reason };
  };

  // Benjamini and Hochberg (1995), as tbp/detection/false_discovery.py.
  const corrected = (ps) => {
    const order = ps.map((_, i) => i).sort((a, b) => ps[b] - ps[a]), found = [];
    let least = 1;
    order.forEach((i, rank) => { least = Math.min(least, ps[i] * ps.length / (ps.length - rank)); found[i] = least; });
    return found;
  };

  // pairs: [{ row, base, from, to, names }] → a judgement for each, null where there is nothing to say.
  tbp.judgements = (pairs) => {
    const all = pairs.map(judgedOnce), open = all.filter((one) => one && one.found), ps = corrected(open.map((one) => one.found.p));
    let next = 0;
    return all.map((one, at) => putDown(one && one.found ? decided(one, ps[next++]) : one, pairs[at]));
  };

  // The geometric mean of judgements of one unit, no surer than they are.
  tbp.meanOf = (own) => {
    const mean = (logs) => Math.expm1(logs.reduce((all, one) => all + one, 0) / logs.length);
    const exact = (one) => one.state !== "undecided" && !Number.isFinite(one.low);
    const side = (name) => mean(own.map((one) => Math.log(exact(one) ? one.after / one.before : 1 + one[name])));
    const ratio = mean(own.map((one) => Math.log(one.after / one.before))), low = side("low"), high = side("high"), first = own[0];
    const result = (state) => ({ ratio, low, high, state, row: first.row, isElsewhere: first.isElsewhere, reason: "" });
    if (!Number.isFinite(low) || !Number.isFinite(high)) return { ...result("undecided"), low: NaN, high: NaN };
    const claimed = first.isElsewhere ? "elsewhere" : changed(first.row, ratio > 0);
    if ((low > 0 || high < 0) && Math.abs(ratio) >= TWO_COMMITS && own.some((one) => one.state === claimed)) return result(claimed);
    return result(Math.max(-low, high) < EXCLUDED ? "no_change" : "undecided");
  };

  // As tbp.wording.words.interval_of.
  tbp.interval = ({ low, high, before, row }) => {
    if (!Number.isFinite(low) || !Number.isFinite(high) || low >= high) return "";
    const [said, of, factor] = tbp.isPercentage(row.unit) ? [tbp.points, "points", Math.abs(before)] : [tbp.percent, "%", 1];
    let bounds = [low, high].map((bound) => said(factor * bound).replace(` ${of}`, ""));
    if (bounds[0] === bounds[1]) bounds = [low, high].map((bound) => tbp.fixed((of === "%" ? 100 : factor) * bound, 1).replace("-", "−"));
    return `99 % CI ${bounds[0]}${low >= 0 ? "–" : " to "}${bounds[1]} ${of}`;
  };

  // What a judgement says: "▲ +12 % slower", "undecided, +3.0 %".
  tbp.verdict = ({ state, ratio, before, after, row }) => {
    const word = tbp.runs.states.find(([name]) => name === state);
    // A mean over a suite has no values, and is of no percentages.
    const size = Number.isFinite(after - before) ? tbp.signedSize(before, after, row.unit) : tbp.signedPercent(ratio);
    if (["regression", "changed", "improvement", "elsewhere"].includes(state)) return tbp.effect(size, ratio > 0 || after > before, row);
    if (!Number.isFinite(ratio)) return word[2];
    if (Math.abs(ratio) >= LEAST_SHOWN) return `${word[2]}, ${size}`;
    return state === "no_change" ? word[2] : `${word[2]}, no difference`;
  };
};
