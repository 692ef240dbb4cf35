// written by tbp report
// Where series are measured: the machines, environments, systems, processors, GPUs and devices that a reader chooses by
// (tbp/report/parts/facets.py), and the links that take the choice to other pages of the site.
"use strict";

// The choices of a form that has any. A rig is a machine with an environment and a device: the box around the choices
// has the place of its value in each of them.
tbp.facets = (form) => {
  const box = form.querySelector("[data-rigs]");
  const selects = box ? [...box.querySelectorAll("select")] : [];
  const all = box ? box.dataset.rigs.split(" ").map((rig) => rig.split(".").map(Number)) : [];
  return {
    read: (kept) => { for (const select of selects) tbp.choose(select, kept.get(select.name)); },
    pairs: () => selects.map((select) => [select.name, select.value]),
    none: () => selects.map((select) => [select.name, ""]),
    // The rigs that fit; null where nothing is chosen.
    rigs: () => {
      const chosen = selects.flatMap((select, at) => (select.value ? [[at, select.selectedIndex]] : []));
      return chosen.length ? new Set([...all.keys()].filter((rig) => chosen.every(([at, value]) => all[rig][at] === value))) : null;
    },
  };
};

// True where some of the rigs of an element, a bit each in hexadecimal digits, are among these.
tbp.hasRig = (element, rigs) => {
  const { rigs: bits = "" } = element.dataset;
  return !rigs || [...rigs].some((rig) => parseInt(bits.at(-1 - (rig >> 2)) || "0", 16) >> (rig & 3) & 1);
};

// A link to another page of the site takes along what is chosen on this one.
tbp.carried = (href) => {
  const [, page, fragment] = /^(#?[^#]*)#?(.*)$/.exec(href);
  const { everywhere } = tbp.state;
  const other = fragment.split("&").filter((part) => part && !everywhere.includes(part.split("=")[0]));
  const kept = new URLSearchParams([...tbp.state.read()].filter(([name, value]) => everywhere.includes(name) && value));
  const text = [...other, kept.toString()].filter(Boolean).join("&");
  return page === "#" ? `#${text}` : text ? `${page}#${text}` : page;
};

// Set when a pointer or the keyboard comes to a link: what is chosen by then is known.
for (const event of ["pointerover", "focusin", "click"]) {
  document.addEventListener(event, ({ target }) => {
    const link = target.closest?.("header :is(.home, .entry), .crumbs a, main a[href*='benchmarks/']");
    if (!link) return;
    link.dataset.plain ??= link.getAttribute("href");
    link.setAttribute("href", tbp.carried(link.dataset.plain));
  }, true);
}
