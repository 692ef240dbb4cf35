// written by tbp report
// What a reader chooses of a history chart: values of each dimension, single series, commits, the axis. It is kept in
// the address: only.<dimension>=value for each one left, off=series, all=1, from= and to= (commits), low= and high=, scale=,
// a= and b= (the cursors' commits).
"use strict";

// Series drawn before a reader asks for more, and at most: beyond these plotly takes seconds.
tbp.FIRST_DRAWN = 8;
tbp.MOST_DRAWN = 48;
// Values of a dimension that are boxes at once; of more a reader types a part.
tbp.MOST_VALUES = 40;

tbp.chooser = (data, redraw) => {
  const last = data.places.length - 1;
  const commits = data.places.map((place) => tbp.commit(place).short);
  // What series differ in: their dimensions, and facts of their machines. Those that are a facet of all pages have its
  // name in the address where one value is left, so that other pages choose the same.
  const number = new Map(data.series.map((one, at) => [one, at])), facets = data.facets || [];
  const dimensions = data.dimensions.map(([name, values, isPlace], place) => {
    const [facet, , ids] = facets.find((one) => one[1] === place) || [];
    return { name, values, key: `${isPlace ? "at" : "only"}.${name}`, facet, ids, of: (one) => one.in[place] };
  });
  for (const [facet, name, values, of] of facets.filter((one) => one.length > 3)) {
    dimensions.push({ name, values, key: `at.${facet}`, facet, ids: values, of: (one) => of[number.get(one)] });
  }
  // What other pages have and these series do not is left alone.
  const isOfOthers = (chosen) => (name) => !dimensions.some(({ facet, ids }) => facet === name && ids.includes(chosen.get(name)));
  const legend = document.getElementById("legend");
  const box = document.getElementById("choose");
  const scale = document.getElementById("scale");
  const axis = document.getElementById("axis");
  axis.append(...[["commit", "every commit"], ["date", "by date"]].map(([value, text]) => tbp.make("option", { value }, text)));
  const whole = document.getElementById("whole");
  const span = document.getElementById("span");
  const said = document.getElementById("drawn");
  const state = { range: null, height: null, scale: data.scale, axis: "commit", hidden: dimensions.map(() => new Set()), off: new Set(), all: false, cursors: [null, null] };

  const fits = (one) => dimensions.every(({ of }, place) => !state.hidden[place].has(of(one)));
  const matching = () => data.series.filter(fits);
  const limit = () => (state.all ? tbp.MOST_DRAWN : tbp.FIRST_DRAWN);
  state.shown = () => matching().slice(0, limit()).filter((one) => !state.off.has(one.id));

  const write = () => {
    const { chosen: known } = tbp.choices();
    const chosen = new URLSearchParams(["q", "only", "hide", ...tbp.state.everywhere.filter(isOfOthers(known))].flatMap((name) => known.getAll(name).map((value) => [name, value])));
    dimensions.forEach(({ values, key, facet, ids }, place) => {
      if (!state.hidden[place].size) return;
      const left = [...values.keys()].filter((value) => !state.hidden[place].has(value));
      if (facet && left.length === 1) chosen.append(facet, ids[left[0]]);
      else for (const value of left.length ? left : [-1]) chosen.append(key, values[value] ?? "");
    });
    for (const id of state.off) chosen.append("off", id);
    if (state.all) chosen.set("all", "1");
    if (state.range) {
      const inside = state.range.map((end, side) => Math.max(0, Math.min(last, side ? Math.floor(end) : Math.ceil(end))));
      chosen.set("from", commits[Math.min(...inside)]);
      chosen.set("to", commits[Math.max(...inside)]);
    }
    if (state.height) {
      chosen.set("low", Number(state.height[0].toPrecision(6)));
      chosen.set("high", Number(state.height[1].toPrecision(6)));
    }
    if (state.scale !== data.scale) chosen.set("scale", state.scale);
    if (state.axis !== "commit") chosen.set("axis", state.axis);
    ["a", "b"].forEach((name, which) => { if (state.cursors[which] !== null) chosen.set(name, commits[state.cursors[which]]); });
    tbp.keepChoices(chosen);
  };

  const read = () => {
    const { chosen } = tbp.choices();
    dimensions.forEach(({ values, key, facet, ids }, place) => {
      const left = chosen.getAll(key);
      if (facet && !left.length && ids.includes(chosen.get(facet))) left.push(values[ids.indexOf(chosen.get(facet))]);
      state.hidden[place] = new Set(left.length ? values.map((_, value) => value).filter((value) => !left.includes(values[value])) : []);
    });
    state.off = new Set(chosen.getAll("off"));
    state.cursors = ["a", "b"].map((name) => (commits.includes(chosen.get(name)) ? commits.indexOf(chosen.get(name)) : null));
    state.all = chosen.get("all") === "1";
    state.scale = [...scale.options].some((one) => one.value === chosen.get("scale")) ? chosen.get("scale") : data.scale;
    state.axis = chosen.get("axis") === "date" ? "date" : "commit";
    const ends = [chosen.get("from"), chosen.get("to")].map((commit) => (commit === null ? -1 : commits.indexOf(commit)));
    state.range = ends.every((end) => end >= 0) ? [Math.min(...ends) - 0.5, Math.max(...ends) + 0.5] : null;
    const heights = [chosen.get("low"), chosen.get("high")].map((end) => (end === null ? NaN : Number(end)));
    const usable = heights.every(Number.isFinite) && heights[0] < heights[1] && (state.scale !== "log" || heights[0] > 0);
    state.height = usable ? heights : null;
  };

  // Which values there are to choose from: a group of boxes for each dimension.
  const groups = dimensions.map(({ name, values }, place) => {
    const indexes = [...values.keys()];
    const made = new Map();
    const box = (index) => {
      const input = tbp.make("input", { type: "checkbox", name });
      input.value = values[index];
      input.addEventListener("change", () => {
        if (input.checked) state.hidden[place].delete(index); else state.hidden[place].add(index);
        state.changed();
      });
      const one = { index, input, label: tbp.make("label", {}, input, " ", tbp.make("bdi", {}, values[index])) };
      made.set(index, one);
      return one;
    };
    const leave = (left) => { state.hidden[place] = new Set(indexes.filter((index) => !left.includes(index))); state.changed(); };
    const all = tbp.button(() => { state.hidden[place].clear(); state.changed(); }, { class: "small" }, "all");
    // A double click on a value leaves it alone.
    const only = (event) => {
      const chosen = [...made.values()].find((one) => one.label.contains(event.target));
      if (chosen) leave([chosen.index]);
    };
    const group = tbp.make("fieldset", { class: "dimension" }, tbp.make("legend", {}, tbp.make("bdi", {}, name), " ", all));
    group.addEventListener("dblclick", only);
    const labels = (some) => some.map((index) => (made.get(index) || box(index)).label);
    if (values.length <= tbp.MOST_VALUES) {
      group.append(...labels(indexes));
    } else {
      const part = tbp.make("input", { type: "search", class: "part", autocomplete: "off", spellcheck: "false", "aria-label": `Find a value of ${name}`, placeholder: "part of a value" });
      const these = tbp.button(() => leave(found()), { class: "small" }, "only these");
      const rest = tbp.make("span", { class: "muted" });
      const found = () => indexes.filter((index) => values[index].toLowerCase().includes(part.value.trim().toLowerCase()));
      const list = () => {
        const fitting = found(), shown = fitting.slice(0, tbp.MOST_VALUES), left = fitting.length - shown.length;
        rest.textContent = left ? `and ${left.toLocaleString("en")} more` : "";
        these.hidden = !part.value.trim() || !fitting.length;
        group.replaceChildren(group.firstChild, part, these, ...labels(shown), rest);
        tick();
      };
      part.addEventListener("input", () => { const { activeElement } = document; list(); activeElement.focus(); });
      queueMicrotask(list);
    }
    const tick = () => { for (const { index, input } of made.values()) input.checked = !state.hidden[place].has(index); };
    return { group, tick, all };
  });
  box.append(...groups.map((one) => one.group));
  box.hidden = !groups.length;

  const listed = (one) => {
    const input = tbp.make("input", { type: "checkbox", name: "series", "data-series": one.id });
    input.value = one.id;
    input.checked = !state.off.has(one.id);
    input.addEventListener("change", () => {
      if (input.checked) state.off.delete(one.id); else state.off.add(one.id);
      state.changed();
    });
    const name = tbp.make("bdi", {}, one.name);
    return tbp.make("li", {}, tbp.make("label", {}, input, ...tbp.keyOf(one), " ", name));
  };

  const more = tbp.button(() => { state.all = !state.all; state.changed(); }, { class: "small" });

  const show = () => {
    groups.forEach(({ tick, all }, place) => {
      tick();
      all.hidden = !state.hidden[place].size;
    });
    const fitting = matching();
    const focused = document.activeElement && document.activeElement.dataset.series;
    legend.replaceChildren(...(data.series.length > 1 ? fitting.slice(0, limit()).map(listed) : []));
    if (focused) { const again = legend.querySelector(`[data-series="${focused}"]`); if (again) again.focus(); }
    legend.hidden = !legend.children.length;
    const number = state.shown().length;
    const most = Math.min(fitting.length, tbp.MOST_DRAWN);
    more.textContent = state.all ? `draw ${tbp.FIRST_DRAWN} only` : `draw ${most === fitting.length ? "all" : "the first"} ${most}`;
    const words = data.series.length > 1 ? `${number} of ${data.series.length} series drawn${fitting.length > number ? ", the worst first" : ""} ` : "";
    said.replaceChildren(words, ...(fitting.length > tbp.FIRST_DRAWN ? [more] : []));
    scale.value = state.scale;
    axis.value = state.axis;
    whole.hidden = !state.range && !state.height;
    const newest = state.range && Math.abs(state.range[1] - last - 0.5) < 0.01 && !state.height ? last - state.range[0] + 0.5 : 0;
    span.value = !state.range && !state.height ? "all" : [...span.options].some((one) => one.value === String(newest)) ? String(newest) : "own";
  };

  state.changed = () => { write(); show(); redraw(); data.listed?.(); };
  // The list of series below the chart has those of the machines that are chosen here.
  data.isNarrowed = () => dimensions.some(({ facet }, place) => facet && state.hidden[place].size);
  data.isChosen = (one) => dimensions.every(({ facet, of }, place) => !facet || !state.hidden[place].has(of(one)));
  data.chooseAll = () => {
    if (!data.isNarrowed()) return;
    dimensions.forEach(({ facet }, place) => { if (facet) state.hidden[place].clear(); });
    state.changed();
  };
  state.reset = () => { state.range = null; state.height = null; state.changed(); };

  axis.addEventListener("change", () => { state.axis = axis.value; state.changed(); });
  scale.addEventListener("change", () => { state.scale = scale.value; state.height = null; state.changed(); });
  whole.addEventListener("click", () => { state.reset(); span.focus(); });
  for (const number of [100, 30, 10].filter((one) => one <= last)) {
    span.append(tbp.make("option", { value: String(number) }, `the newest ${number}`));
  }
  span.addEventListener("change", () => {
    state.height = null;
    state.range = span.value === "all" ? null : [last - Number(span.value) + 0.5, last + 0.5];
    state.changed();
  });
  addEventListener("hashchange", () => { read(); show(); redraw(); });
  read();
  show();
  return state;
};
