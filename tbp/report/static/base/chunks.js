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

// A list of chunked elements, `step` of them at once and more when `further` is called, for which there is a button.
// `listed` gives what fits: places of elements, and what `made` makes an element of; `cut` leaves what is shown of them,
// and `after` is told how many are left. Several lists of a page share its button, of which one is shown at a time.
tbp.paged = (box, kind, known, step, { listed, made = () => null, cut = (all, limit) => all.slice(0, limit), after }) => {
  const [nothing, more] = ["nothing", "more"].map((id) => document.getElementById(id));
  const elements = tbp.chunked(kind, known, (name) => {
    nothing.hidden = false;
    nothing.textContent = tbp.missing(name);
  });
  let limit = step, turn = 0;

  const show = (then = () => {}) => {
    const all = listed(), shown = cut(all, limit, elements.has), left = all.length - shown.length;
    turn += 1;
    const asked = turn;
    elements.whenThere(shown.filter(Number.isInteger), () => {
      if (asked !== turn) return;
      box.replaceChildren(...shown.map((one) => (Number.isInteger(one) ? elements.at(one) : made(one))));
      more.hidden = left <= 0;
      more.textContent = `Show ${Math.min(left, step).toLocaleString("en")} more of ${left.toLocaleString("en")}`;
      after(left);
      then();
    });
  };
  const further = () => {
    const first = box.children.length;
    limit += step;
    // The button may be gone: whoever came by keyboard goes on where the new elements begin.
    show(() => box.children[first]?.querySelector("a")?.focus());
  };
  return { show, further, restart: () => { limit = step; show(); }, load: elements.whenThere };
};
