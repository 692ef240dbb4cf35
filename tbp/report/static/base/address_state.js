// written by tbp report
// The state of a page in the address: what a form chose, so that a link shows the same.
"use strict";

// State that differs from the start, as the address's fragment, so that a link keeps it.
tbp.state = {
  read: () => new URLSearchParams(tbp.fragment()),
  // What several parts of a page keep side by side: a part that does not name it leaves it alone, and so it leaves all
  // others alone that names nothing else.
  apart: ["since"],
  // The facets of tbp/report/parts/facets.py, which every page knows by these names: one that does not offer a facet
  // leaves it alone, so that it is still chosen on the next page.
  everywhere: ["machine", "environment", "os", "cpu", "gpu", "device"],
  keep: (pairs) => {
    const { apart, everywhere } = tbp.state, named = new Set(pairs.map(([name]) => name));
    const isOfApart = pairs.every(([name]) => apart.includes(name));
    const others = [...tbp.state.read()].filter(([name]) => !named.has(name) && (everywhere.includes(name) || apart.includes(name) !== isOfApart));
    const kept = new URLSearchParams([...others, ...pairs].filter(([, value]) => value !== ""));
    tbp.setFragment(kept.toString());
  },
};

// A choice that the page does not offer, as in an old link, counts as none.
tbp.choose = (select, value) => {
  select.value = value || "";
  if (select.selectedIndex < 0) select.value = "";
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
