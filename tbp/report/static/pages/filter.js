// written by tbp report
// Search, states, choices, the smallest change that counts, and whether series are rows or charts: the form of the index,
// kept in the address. It decides what is shown; what a series' verdict is was decided before.
"use strict";

// The smallest change that counts, in per cent: the control's value, read from and said in words.
tbp.threshold = (control) => {
  const output = document.getElementById("size-said");
  const own = {
    // As a ratio; 0 lets everything through.
    least: () => Number(control.value) / 100,
    kept: () => (control.value === "0" ? "" : control.value),
    say: () => {
      const text = control.value === "0" ? "any or none" : `at least ${control.value} %`;
      control.setAttribute("aria-valuetext", text);
      output.textContent = text;
    },
    // What is no number, as in an old link, counts as none.
    set: (text) => {
      const percent = Number(text);
      control.value = String(Number.isFinite(percent) ? Math.round(Math.max(0, Math.min(Number(control.max), percent))) : 0);
      own.say();
    },
  };
  control.addEventListener("input", own.say);
  return own;
};

// The form over `all` series. `changed` is called whenever other ones are to be shown.
tbp.filter = (form, all, changed) => {
  const states = [...form.querySelectorAll("input[name=state]")];
  const facets = tbp.facets(form);
  const choices = ["suite", "order"].filter((name) => form.elements[name]);
  const everything = document.getElementById("all");
  const filters = document.getElementById("more-filters");
  const wide = matchMedia("(min-width: 901px)");
  const threshold = tbp.threshold(form.elements.size);

  const read = () => {
    const kept = tbp.state.read();
    form.elements.q.value = kept.get("q") || "";
    for (const name of choices) tbp.choose(form.elements[name], kept.get(name));
    facets.read(kept);
    form.elements.view.value = kept.get("view") === "charts" ? "charts" : "";
    threshold.set(kept.get("size"));
    tbp.boxes.read(states, kept);
    // What narrows the series is not out of sight; where they are the first of the page, the filters leave them room.
    if (wide.matches && !document.querySelector("#all-series.first") || threshold.kept() || facets.rigs() || choices.some((name) => form.elements[name].value)) filters.open = true;
  };
  // Only what differs from the start is in the address.
  const keep = () => {
    const pairs = (...names) => names.filter((name) => form.elements[name]).map((name) => [name, form.elements[name].value]);
    tbp.state.keep([...tbp.boxes.pairs(states), ...pairs("q", "suite"), ...facets.pairs(), ["size", threshold.kept()], ...pairs("order", "view")]);
  };

  // A date's text is in the order of time.
  const newestFirst = (found) => found.toSorted((one, other) => {
    const [a, b] = [one, other].map((place) => all[place].commit?.date || "");
    return a < b ? 1 : a > b ? -1 : one - other;
  });

  // The places of those that fit, worst first, or as the order says.
  const fitting = () => {
    const wanted = tbp.tokens(form.elements.q.value);
    const hidden = new Set(states.filter((state) => !state.checked).map((state) => state.value));
    const rigs = facets.rigs(), suite = form.elements.suite?.value;
    const least = threshold.least();
    const found = [];
    all.forEach((row, place) => {
      if (hidden.has(row.state) || row.size < least) return;
      if (rigs && !rigs.has(row.rig) || suite && row.suite !== suite) return;
      if (wanted.every((word) => row.text.includes(word))) found.push(place);
    });
    return form.elements.order.value === "newest" ? newestFirst(found) : found;
  };

  // [benchmark, its places], by name; null where the largest change comes first.
  const groups = (found) => {
    if (form.elements.order.value !== "benchmark") return null;
    const own = new Map();
    for (const place of found) {
      const { name } = all[place];
      if (!own.has(name)) own.set(name, []);
      own.get(name).push(place);
    }
    return [...own].sort(([one], [other]) => one.localeCompare(other, "en", { numeric: true }));
  };

  // What is said of the number that fits.
  const say = (found) => {
    tbp.boxes.press(form, states);
    const number = (value) => value.toLocaleString("en");
    document.getElementById("shown").textContent = `${number(found.length)} of ${number(all.length)} series`;
    document.getElementById("nothing").hidden = found.length > 0;
    const isOfOthers = (name) => name === "view" || tbp.state.apart.includes(name) || tbp.state.everywhere.includes(name);
    everything.hidden = !facets.rigs() && [...tbp.state.read().keys()].every(isOfOthers);
  };

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", () => { keep(); changed(); });
  tbp.boxes.buttons(form, states, () => { keep(); changed(); });
  everything.addEventListener("click", () => {
    tbp.state.keep([["view", form.elements.view.value], ...facets.none()]);
    read();
    changed();
    form.elements.q.focus();
  });
  addEventListener("hashchange", () => { read(); changed(); });
  read();
  return { fitting, groups, say };
};
