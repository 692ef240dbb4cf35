// written by tbp report
// The pages' own behaviour: colours, addresses, folding and copying. Everything works from a disk,
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
    button.textContent = { system: "◐ Auto", light: "☀ Light", dark: "☾ Dark" }[theme];
    button.title = `Colours: ${theme === "system" ? "as the system" : theme}`;
    // The words on it come first, for whoever speaks to it.
    button.setAttribute("aria-label", `${button.textContent.slice(2)}: colours of the page`);
  };
  button.addEventListener("click", () => {
    const next = (tbp.themes.indexOf(document.documentElement.dataset.theme) + 1) % tbp.themes.length;
    tbp.setTheme(tbp.themes[next]);
    tbp.remember("tbp-theme", tbp.themes[next]);
    name();
  });
  name();
};

// What a page keeps in its address: the part after #. In a report of one file that part names the page, too.
tbp.fragment = () => location.hash.slice(1);
tbp.setFragment = (text) => {
  if (text !== tbp.fragment()) history.replaceState(null, "", text ? `#${text}` : "#");
};

// From this page to the site's folder: "" or "../".
tbp.root = () => document.querySelector(".home").getAttribute("href").replace("index.html", "");

// Where a page of the site is, and the links of a part of a page made to lead there.
tbp.href = (address) => address;
tbp.links = () => {};

// Run a file of data, once.
tbp.load = (source, missing) => {
  if (document.querySelector(`script[data-source="${CSS.escape(source)}"]`)) return;
  const script = document.createElement("script");
  script.dataset.source = source;
  script.src = source;
  script.addEventListener("error", missing);
  document.head.append(script);
};

// Functions to run once the page is there; in a report of one file, whenever a page is shown.
tbp.starts = [];
tbp.ready = (start) => { tbp.starts.push(start); };
// Settled once the packed data of the page is there (see unpacking.js).
tbp.arrived = Promise.resolve();
tbp.start = () => { for (const start of tbp.starts) start(); };
tbp.begin = tbp.start;

// What scripts add to a part of a page: to all of it once it is there, then to whatever comes later.
tbp.additions = [];
tbp.enrich = (part) => { for (const add of tbp.additions) add(part); };

// Once a fold is open: a reader may have opened it before the packed data of the page was there.
tbp.onceOpen = (fold, then) => { if (fold.open) then(); else fold.addEventListener("toggle", then, { once: true }); };

tbp.missing = (file) => `The file ${file} is missing. Run tbp report again.`;

// Brings a place into the page that is not in it yet (see listing.js).
tbp.reach = () => {};

// A link to a series, or to a place in one, opens it; behind an ampersand may follow what was chosen of the chart.
tbp.unfold = () => {
  const [anchor] = tbp.fragment().split("&");
  const target = anchor && document.getElementById(anchor);
  if (!target) { if (anchor) tbp.reach(anchor); return; }
  for (let one = target.closest("details"); one; one = one.parentElement.closest("details")) one.open = true;
  target.scrollIntoView();
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

// How old a date of the page is: the site itself knows no clock, so that the same results give the same bytes.
tbp.age = (text, now) => {
  const days = Math.floor((now - Date.parse(text.replace(" UTC", "Z").replace(" ", "T"))) / 86_400_000);
  if (!Number.isFinite(days) || days < 0) return "";
  return days === 0 ? "today" : days === 1 ? "1 day ago" : `${days.toLocaleString("en")} days ago`;
};

// A button beside a command, once.
tbp.copyable = (command) => {
  if (command.querySelector(".copy")) return;
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "copy", textContent: "Copy" });
  button.addEventListener("click", () => tbp.copy(button));
  command.append(button);
};

tbp.additions.push((part) => { for (const command of part.querySelectorAll(".command")) tbp.copyable(command); });
document.documentElement.classList.add("scripted");
tbp.setTheme(tbp.recall("tbp-theme"));
tbp.ready(() => {
  const newest = document.querySelector(".dated");
  const age = newest && tbp.age(newest.textContent.slice(0, 20), Date.now());
  if (age) for (const one of document.querySelectorAll(".age, .dated")) one.textContent = `${one === newest ? newest.textContent.slice(0, 20) : ""} (${age})`;
  tbp.enrich(document.getElementById("main"));
  addEventListener("hashchange", tbp.unfold);
  tbp.unfold();
});
document.addEventListener("DOMContentLoaded", () => {
  tbp.themeButton(document.getElementById("theme"));
  tbp.arrived.then(() => tbp.begin());
});

// On paper: light colours whatever the screen has, what is folded away open (not the tables of data, which have
// hundreds of rows, nor the list of all benchmarks), and "tbp-paper" tells the page to draw what fits it.
tbp.isPaper = false;
tbp.unfolded = [];
tbp.paper = (isPaper) => {
  if (tbp.isPaper === isPaper) return;
  tbp.isPaper = isPaper;
  if (isPaper) {
    tbp.unfolded = [...document.querySelectorAll("main details:not([open], .data, .family, .cursors, .flame-top, .take)")];
    tbp.screenTheme = document.documentElement.dataset.theme;
  }
  for (const one of tbp.unfolded) one.open = isPaper;
  document.dispatchEvent(new Event("tbp-paper"));
  tbp.setTheme(isPaper ? "light" : tbp.screenTheme);
};
addEventListener("beforeprint", () => tbp.paper(true));
addEventListener("afterprint", () => tbp.paper(false));
matchMedia("print").addEventListener("change", (event) => tbp.paper(event.matches));
