// written by tbp report
// Elements that are too many for a page, such as the rows of the index: they are HTML in files of so many each
// (data/rows-3.js) and are loaded when they are asked for.
"use strict";

tbp.chunkSets = {};

tbp.chunk = ({ kind, number, html }) => { tbp.chunkSets[kind]?.take(number, html); };

// The elements of a kind by their places; `known` are those that the page has, and `missing` is called with the name of
// a file that is not there.
tbp.chunked = (kind, known, missing) => {
  const elements = known;
  let waiting = [];
  const file = (place) => `data/${kind}-${Math.floor(place / tbp.chunkSize)}.js`;
  const has = (place) => elements[place] !== undefined;

  const set = {
    // HTML of this site, in which every foreign text is escaped.
    take: (number, html) => {
      const template = document.createElement("template");
      template.innerHTML = html;
      tbp.links(template.content);
      [...template.content.children].forEach((element, at) => { elements[number * tbp.chunkSize + at] ||= element; });
      const ready = waiting.filter(({ places }) => places.every(has));
      waiting = waiting.filter((one) => !ready.includes(one));
      for (const { then } of ready) then();
    },
    has,
    at: (place) => elements[place],
    // Goes on with `then` once all of these are there: at once if they are.
    whenThere: (places, then) => {
      const lacking = places.filter((place) => !has(place));
      if (!lacking.length) { then(); return; }
      waiting.push({ places: lacking, then });
      for (const name of new Set(lacking.map(file))) tbp.load(name, () => missing(name));
    },
  };
  tbp.chunkSets[kind] = set;
  return set;
};
