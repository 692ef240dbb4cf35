// written by tbp report
// The pages' own behaviour: colours, the filter of the index, folding and copying. Everything works from a disk,
// and every page can be read without it.
"use strict";

const tbp = {};

// Storage can be forbidden, as it is for pages from a disk in some browsers: then the choice lasts for the page.
tbp.remember = (name, value) => { try { localStorage.setItem(name, value); } catch { /* not kept */ } };
tbp.recall = (name) => { try { return localStorage.getItem(name); } catch { return null; } };

tbp.themes = ["system", "light", "dark"];

tbp.setTheme = (theme) => {
  document.documentElement.dataset.theme = tbp.themes.includes(theme) ? theme : "system";
  document.dispatchEvent(new Event("tbp-theme"));
};

tbp.themeButton = (button) => {
  const name = () => {
    const theme = document.documentElement.dataset.theme;
    button.textContent = { system: "◐", light: "☀", dark: "☾" }[theme];
    button.title = `Colours: ${theme === "system" ? "as the system" : theme}`;
    button.setAttribute("aria-label", button.title);
  };
  button.addEventListener("click", () => {
    const next = (tbp.themes.indexOf(document.documentElement.dataset.theme) + 1) % tbp.themes.length;
    tbp.setTheme(tbp.themes[next]);
    tbp.remember("tbp-theme", tbp.themes[next]);
    name();
  });
  name();
};

// The filter's state is the address's fragment, so that a link keeps it; only what differs from the start is in it.
tbp.filter = (form) => {
  const body = document.querySelector("#series tbody");
  const rows = [...body.rows];
  const words = new Map(rows.map((row) => [row, row.textContent.toLowerCase().replace(/\s+/g, " ")]));
  const states = [...form.querySelectorAll("input[name=state]")];

  const read = () => {
    const kept = new URLSearchParams(location.hash.slice(1));
    const hidden = (kept.get("hide") || "").split(",");
    form.elements.q.value = kept.get("q") || "";
    form.elements.order.value = kept.get("order") === "benchmark" ? "benchmark" : "change";
    for (const state of states) state.checked = !hidden.includes(state.value);
  };

  const keep = () => {
    const kept = new URLSearchParams();
    const hidden = states.filter((state) => !state.checked).map((state) => state.value);
    if (form.elements.q.value) kept.set("q", form.elements.q.value);
    if (hidden.length) kept.set("hide", hidden.join(","));
    if (form.elements.order.value !== "change") kept.set("order", form.elements.order.value);
    const hash = kept.toString();
    if (hash !== location.hash.slice(1)) history.replaceState(null, "", hash ? `#${hash}` : "#");
  };

  const order = () => {
    const grouped = form.elements.order.value === "benchmark";
    for (const heading of body.querySelectorAll("tr.group")) heading.remove();
    if (!grouped) { body.append(...rows); return; }
    const groups = new Map();
    for (const row of rows) {
      const name = row.dataset.benchmark;
      if (!groups.has(name)) groups.set(name, []);
      groups.get(name).push(row);
    }
    const names = [...groups.keys()].sort();
    for (const name of names) {
      const shown = groups.get(name).filter((row) => !row.hidden);
      if (shown.length) {
        const heading = document.createElement("tr");
        const cell = document.createElement("th");
        heading.className = "group";
        heading.setAttribute("role", "row");
        cell.setAttribute("role", "rowheader");
        cell.colSpan = 6;
        cell.textContent = `${name} · ${shown.length}`;
        heading.append(cell);
        body.append(heading);
      }
      body.append(...groups.get(name));
    }
  };

  const apply = () => {
    const wanted = form.elements.q.value.toLowerCase().split(/\s+/).filter(Boolean);
    const on = new Set(states.filter((state) => state.checked).map((state) => state.value));
    let shown = 0;
    for (const row of rows) {
      row.hidden = !(on.has(row.dataset.state) && wanted.every((word) => words.get(row).includes(word)));
      shown += row.hidden ? 0 : 1;
    }
    order();
    document.getElementById("shown").textContent = `${shown} of ${rows.length} shown`;
    document.getElementById("nothing").hidden = shown > 0;
  };

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", () => { apply(); keep(); });
  addEventListener("hashchange", () => { read(); apply(); });
  read();
  apply();
};

// A link to a series opens it; behind an ampersand may follow what was chosen of the chart.
tbp.unfold = () => {
  const anchor = location.hash.slice(1).split("&")[0];
  const target = anchor && document.getElementById(anchor);
  if (target instanceof HTMLDetailsElement) {
    target.open = true;
    target.scrollIntoView();
  }
};

tbp.copy = async (button) => {
  const code = button.parentElement.querySelector("code");
  try {
    await navigator.clipboard.writeText(code.textContent);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(code);
    button.textContent = "Selected";
  }
  setTimeout(() => { button.textContent = "Copy"; }, 1500);
};

document.documentElement.classList.add("scripted");
tbp.setTheme(tbp.recall("tbp-theme"));
document.addEventListener("DOMContentLoaded", () => {
  tbp.themeButton(document.getElementById("theme"));
  const form = document.getElementById("filter");
  if (form) tbp.filter(form);
  for (const button of document.querySelectorAll("button.copy")) button.addEventListener("click", () => tbp.copy(button));
  addEventListener("hashchange", tbp.unfold);
  tbp.unfold();
});
// What is folded away on the screen belongs on paper.
addEventListener("beforeprint", () => { for (const one of document.querySelectorAll("details.one")) one.open = true; });
