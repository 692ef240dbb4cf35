// written by tbp report
// Two free cursors on a history chart: any two commits, A and B, and what each drawn series did from one to the other,
// beside its noise. Chosen by two lists or on the chart itself; the address keeps them as a= and b=.
"use strict";

tbp.cursors = (data, chooser, place) => {
  const box = document.getElementById("cursors");
  const names = ["A", "B"];
  const last = data.places.length - 1;
  let opened = ","; // the cursors that it was opened for: a reader may close it
  let picking = -1; // which of the two the next click on the chart sets

  const line = (x) => {
    const { short, date, subject } = tbp.commit(data.places[x]);
    return [short, date, subject.slice(0, 50)].filter(Boolean).join(" · ");
  };
  const selects = names.map((name, which) => {
    const select = tbp.make("select", {}, tbp.make("option", { value: "" }, "choose a commit"));
    select.addEventListener("change", () => {
      const chosen = select.value === "" ? null : Number(select.value);
      picking = -1;
      set(which, chosen);
    });
    return select;
  });
  // A thousand commits are two thousand elements: made when somebody looks.
  const fill = () => {
    for (const select of selects) {
      if (select.options.length > 1) continue;
      for (let x = last; x >= 0; x -= 1) select.append(tbp.make("option", { value: String(x) }, line(x)));
    }
  };

  const pick = tbp.button(() => { if (picking >= 0) stop(); else { picking = 0; show(); } }, {}, "Choose on the chart");
  const swap = tbp.button(() => { chooser.cursors.reverse(); chooser.changed(); }, {}, "Swap");
  const remove = tbp.button(() => { picking = -1; chooser.cursors = [null, null]; chooser.changed(); selects[0].focus(); }, {}, "Remove both");
  const says = tbp.make("p", { class: "muted", "aria-live": "polite" });
  const list = tbp.make("ul", { class: "between", "aria-label": "From A to B" });
  const labels = names.map((name, which) => tbp.make("label", {}, tbp.make("strong", {}, name), " ", selects[which]));
  box.append(tbp.make("div", { class: "cursor-tools" }, ...labels, pick, swap, remove), says, list);

  const stop = () => { picking = -1; show(); };
  const set = (which, x) => { chooser.cursors[which] = x; chooser.changed(); };

  // What a series did between the two; in words where it cannot be said.
  const between = (one, [from, to]) => {
    if (one.isAwaited) return { words: "being loaded" };
    const [before, after] = [from, to].map((x) => one.x.indexOf(x));
    const missing = names.filter((_, which) => !Number.isFinite(one.values[[before, after][which]]));
    if (missing.length) return { words: `no value at ${missing.join(" and at ")}` };
    const values = [one.values[before], one.values[after]];
    const levels = values.map((value) => tbp.quantity(value, data.scales)).join(" → ");
    const crossed = one.breaks.some((x) => x > Math.min(from, to) && x <= Math.max(from, to));
    if (crossed || one.other.has(before) || one.other.has(after)) return { words: `${levels}, not comparable: the version of the benchmark changed between them` };
    const { noise } = one;
    const found = tbp.distance(...values, { unit: data.unit, better: data.better, noise }, data.reach);
    const inside = one.changes.filter(({ x, confirmed }) => confirmed && x > Math.min(from, to) && x <= Math.max(from, to));
    const judged = inside.length ? `; confirmed between them: ${inside.map(({ move, said }) => `${move} ${said}`).join(", ")}` : "";
    const chance = noise > 0 ? `; by noise alone two runs of the series differ by up to ${tbp.percent(Math.expm1(data.reach * noise))}` : "";
    return { words: `${levels}, ${found.words}${chance}${judged}`, tone: found.far ? tbp.merit(found.ratio > 0, data) : "" };
  };

  const item = (one) => {
    const { words, tone } = between(one, chooser.cursors);
    return tbp.make("li", {}, ...tbp.keyOf(one), " ", tbp.make("bdi", {}, one.name), ": ", tbp.make("span", { class: tone || null }, words));
  };

  const show = () => {
    const [from, to] = chooser.cursors;
    const isSet = chooser.cursors.map((x) => x !== null);
    const key = String(chooser.cursors);
    if (key !== opened && isSet.some(Boolean)) box.open = true;
    opened = key;
    if (box.open) fill();
    selects.forEach((select, which) => { select.value = isSet[which] ? String(chooser.cursors[which]) : ""; });
    pick.setAttribute("aria-pressed", String(picking >= 0));
    pick.textContent = picking < 0 ? "Choose on the chart" : `Click on the chart for ${names[picking]}`;
    place.classList.toggle("picking", picking >= 0);
    swap.hidden = !isSet.every(Boolean);
    remove.hidden = !isSet.some(Boolean);
    const apart = Math.abs(to - from);
    const sides = () => names.map((name, which) => `${name}, ${tbp.commit(data.places[chooser.cursors[which]]).short}`).join(" → ");
    says.textContent = isSet.every(Boolean)
      ? `${sides()}: ${apart === 1 ? "the next commit" : `${apart.toLocaleString("en")} commits apart`}. Each value is a single run: the findings below say whether the code changed.`
      : "Choose two commits to read what every drawn series did between them.";
    list.replaceChildren(...(isSet.every(Boolean) ? chooser.shown().map(item) : []));
  };

  // A press that does not move is a click; plotly swallows the event of that name.
  let pressed = null;
  place.addEventListener("pointerdown", (event) => { pressed = picking >= 0 ? [event.clientX, event.clientY] : null; }, { capture: true });
  document.addEventListener("pointerup", (event) => {
    if (!pressed || Math.hypot(event.clientX - pressed[0], event.clientY - pressed[1]) > 4) return;
    const area = place.querySelector(".nsewdrag").getBoundingClientRect();
    const across = (event.clientX - area.left) / area.width;
    if (across < 0 || across > 1) return;
    const [low, high] = place.layout.xaxis.range;
    const which = picking;
    picking = which ? -1 : 1;
    // What plotly makes of the same press comes first: it must not open a commit.
    setTimeout(() => { pressed = null; set(which, Math.max(0, Math.min(last, Math.round(data.indexAt(low + across * (high - low)))))); });
  }, { capture: true });

  box.addEventListener("toggle", show);
  return {
    show,
    isPicking: () => Boolean(pressed),
    // Lines on the chart, told apart by their letter and their dashes.
    marks: () => {
      const at = chooser.cursors.map((x, which) => [x, which]).filter(([x]) => x !== null);
      const colour = tbp.css("--text");
      return {
        lines: at.map(([x, which]) => ({ ...tbp.upright(x, { color: colour, width: 1.5, dash: which ? "longdash" : "solid" }), layer: "above" })),
        labels: at.map(([x, which]) => ({
          text: `<b>${names[which]}</b>`, font: { color: tbp.css("--page"), size: 11 }, bgcolor: colour, borderpad: 2,
          x, y: 1, yref: "paper", yanchor: "top", xanchor: x > last / 2 ? "right" : "left", showarrow: false,
        })),
      };
    },
  };
};
