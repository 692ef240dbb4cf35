// written by tbp report
// A report of one file: shows the pages that lie in its templates. The address is #/page#fragment; of the index, which
// is the document's own page, it is the fragment alone, as in a site. Scripts of pages need not know.
"use strict";

tbp.single = { index: "index.html", shown: "index.html", page: null };

tbp.single.address = () => {
  const found = /^#\/([^#]*)#?(.*)$/.exec(location.hash);
  return found ? { page: found[1], fragment: found[2] } : { page: tbp.single.index, fragment: location.hash.slice(1) };
};
tbp.single.hash = (page, fragment) => {
  if (page === tbp.single.index) return `#${fragment}`;
  return fragment ? `#/${page}#${fragment}` : `#/${page}`;
};

tbp.fragment = () => tbp.single.address().fragment;
tbp.setFragment = (text) => {
  if (text !== tbp.fragment()) history.replaceState(null, "", tbp.single.hash(tbp.single.shown, text));
};

// All pages are in this file: an address of one begins with a slash, wherever the reader is.
tbp.root = () => "/";

// A relative address on the page that is shown; what leads elsewhere stays as it is.
tbp.href = (address) => {
  const root = "https://site.invalid/";
  const to = new URL(address, root + tbp.single.shown);
  const page = to.pathname.slice(1);
  const known = page === tbp.single.index || tbp.single.templates.has(page);
  return to.href.startsWith(root) && known ? tbp.single.hash(page, to.hash.slice(1)) : address;
};

tbp.links = (part) => {
  for (const link of part.querySelectorAll("a[href]")) link.setAttribute("href", tbp.href(link.getAttribute("href")));
};

// A file of data is one block or several, each for one function of tbp.
tbp.single.call = (names) => {
  for (const name of names.split(" ").filter(Boolean)) {
    for (const block of document.querySelectorAll(`script[data-file="${CSS.escape(name)}"]`)) {
      const [, called] = block.dataset.call.split(".");
      tbp[called](JSON.parse(block.textContent));
    }
  }
};
tbp.load = (source) => tbp.single.call(source.replace(/^(\/|(\.\.\/)+)/, ""));

tbp.single.show = () => {
  const { page } = tbp.single.address();
  const { templates } = tbp.single;
  const main = document.getElementById("main");
  const known = templates.get(page) || templates.get(tbp.single.index);
  tbp.single.page?.abort();
  tbp.single.page = new AbortController();
  tbp.single.shown = known.page;
  main.replaceChildren(known.content.cloneNode(true));
  tbp.links(main);
  document.title = known.title;
  for (const entry of document.querySelectorAll("header .entry")) {
    if (entry.dataset.page === known.page) entry.setAttribute("aria-current", "page");
    else entry.removeAttribute("aria-current");
  }
  tbp.single.call(known.calls);
  const { signal } = tbp.single.page;
  tbp.arrived.then(() => {
    if (signal.aborted) return;
    tbp.start();
    if (!tbp.fragment()) scrollTo(0, 0);
  });
};

// What a page listens to on the window or the document is forgotten with it.
for (const target of [window, document]) {
  const add = target.addEventListener.bind(target);
  target.addEventListener = (event, heard, options) => {
    if (event === "DOMContentLoaded" && !tbp.single.page) {
      tbp.ready(heard);
      return;
    }
    const wanted = typeof options === "object" ? options : { capture: Boolean(options) };
    add(event, heard, tbp.single.page ? { ...wanted, signal: tbp.single.page.signal } : wanted);
  };
}

addEventListener("hashchange", () => {
  if (tbp.single.address().page !== tbp.single.shown) tbp.single.show();
});

// Instead of app.js's start, which is for a page of its own.
tbp.begin = () => {
  const { index } = tbp.single;
  const main = document.getElementById("main");
  const own = document.createElement("template");
  own.content.append(main.cloneNode(true));
  const content = document.createDocumentFragment();
  content.append(...own.content.firstElementChild.childNodes);
  tbp.single.templates = new Map([[index, { page: index, title: document.title, calls: document.body.dataset.calls, content }]]);
  for (const template of document.querySelectorAll("template[data-page]")) {
    const { page, title, calls } = template.dataset;
    tbp.single.templates.set(page, { page, title, calls, content: template.content });
  }
  for (const entry of document.querySelectorAll("header a, footer a")) entry.dataset.page = entry.getAttribute("href");
  for (const part of document.querySelectorAll("header, footer")) tbp.links(part);
  const skip = document.querySelector(".skip");
  skip.addEventListener("click", (event) => {
    event.preventDefault();
    main.tabIndex = -1;
    main.focus();
  });
  tbp.single.show();
};
