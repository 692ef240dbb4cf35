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

tbp.svg = (tag, attributes) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
};

// A commit, with a link where there is one; the site writes none that is not http(s).
tbp.commitLink = ({ short, hash, href }) => (href
  ? tbp.make("a", { class: "commit", href, rel: "noreferrer" }, short)
  : tbp.make("span", { class: "commit", title: hash }, short));

tbp.tokens = (text) => text.toLowerCase().split(/\s+/).filter(Boolean);
