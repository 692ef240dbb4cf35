// written by tbp report
// The filter of the page of changes.
"use strict";

tbp.changes = (form) => {
  const rows = [...document.querySelectorAll("#changes > li")];
  const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase().replace(/\s+/g, " ")]));
  const sorts = [...form.querySelectorAll("input[name=sort]")];
  const facets = tbp.facets(form);

  const read = () => {
    const kept = tbp.state.read();
    form.elements.q.value = kept.get("q") || "";
    facets.read(kept);
    tbp.boxes.read(sorts, kept);
  };

  const keep = () => {
    tbp.state.keep([["q", form.elements.q.value], ...facets.pairs(), ...tbp.boxes.pairs(sorts)]);
  };

  const apply = () => {
    const wanted = tbp.tokens(form.elements.q.value);
    const rigs = facets.rigs();
    const on = new Set(sorts.filter((sort) => sort.checked).map((sort) => sort.value));
    tbp.boxes.press(form, sorts);
    let shown = 0;
    for (const row of rows) {
      const isOn = row.dataset.sorts.split(" ").some((sort) => on.has(sort));
      row.hidden = !isOn || !tbp.hasRig(row, rigs) || !wanted.every((word) => texts.get(row).includes(word));
      shown += row.hidden ? 0 : 1;
    }
    document.getElementById("shown").textContent = `${shown} of ${rows.length} events shown`;
    document.getElementById("nothing").hidden = shown > 0;
  };

  tbp.takeable(form.querySelector(".controls"), "events", () => {
    const shown = new Set(rows.filter((row) => !row.hidden).map((row) => row.id));
    return tbp.rowsOf("event-table", (whole, page) => whole.filter((event) => shown.has(event[page].split("#")[1])));
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  const changed = () => { apply(); keep(); };
  form.addEventListener("input", changed);
  tbp.boxes.buttons(form, sorts, changed);
  addEventListener("hashchange", () => { read(); apply(); });
  read();
  apply();
};

document.addEventListener("DOMContentLoaded", () => {
  const form = document.getElementById("changes-filter");
  if (form) tbp.changes(form);
});
