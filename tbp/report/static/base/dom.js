// written by tbp report
// Elements made without any markup, so that no text of a project can become one.
"use strict";

tbp.make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
};

tbp.button = (act, attributes, ...children) => {
  const button = tbp.make("button", { type: "button", ...attributes }, ...children);
  button.addEventListener("click", act);
  return button;
};

tbp.svg = (tag, attributes) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
};

// As many digits of a hash as everywhere (SHORT_DIGITS of tbp/model/series.py).
tbp.shortHash = (hash) => hash.slice(0, 8);

// A commit, with a link where there is one; the site writes none that is not http(s).
tbp.commitLink = ({ short, hash, href }) => (href
  ? tbp.make("a", { class: "commit", href, rel: "noreferrer" }, short)
  : tbp.make("span", { class: "commit", title: hash }, short));

// A table; `heads` are [name, class].
tbp.tableOf = (attributes, heads, rows) => tbp.make(
  "table", attributes,
  tbp.make("thead", {}, tbp.make("tr", {}, ...heads.map(([name, css]) => tbp.make("th", { scope: "col", class: css }, name)))),
  tbp.make("tbody", {}, ...rows),
);

// A phone shows the rows of some tables as cards, which would make them rows no more.
tbp.withRoles = (table) => {
  const roles = { TABLE: "table", THEAD: "rowgroup", TBODY: "rowgroup", TR: "row", TD: "cell" };
  for (const part of [table, ...table.querySelectorAll("*")]) {
    const role = part.tagName === "TH" ? (part.scope === "col" ? "columnheader" : "rowheader") : roles[part.tagName];
    if (role) part.setAttribute("role", role);
  }
  return table;
};

// What is wider than the page is scrolled by itself.
tbp.scrolled = (label, table) => tbp.make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label }, table);

tbp.tokens = (text) => text.toLowerCase().split(/\s+/).filter(Boolean);
