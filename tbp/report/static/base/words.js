// written by tbp report
// Explains the words of the report where they stand: the first time that a page has a word of docs/glossary.md, it is a
// button with a dotted line; states are explained on their badges, too. By pointer, keyboard and touch, without requests.
"use strict";

tbp.words = {
  // Text that a reader reads on, where a button may be; names of the project and what is a link already are left alone.
  inside: ":is(p, h2, h3, h4, th, dt, li, figcaption)",
  never: "a, button, label, summary, code, pre, bdi, .badge, .chip, .tile, .words, [hidden], [aria-live], svg",
  states: ".badge, .chip, .tile",
  ambiguous: ["changed"], // a state on a badge, any difference in a sentence
  wait: 250, // ms that a pointer rests on a badge before it is explained
  meanings: new Map(),
};

tbp.glossary = (entries) => {
  tbp.words.meanings = new Map(entries.flatMap(([forms, meaning]) => forms.map((form) => [form.toLowerCase(), meaning])));
  tbp.words.mark(document.getElementById("main"));
};

// Folded, or the head of a table that a phone shows as cards.
tbp.words.isUnseen = (element) => element.checkVisibility?.() === false || element.closest("thead")?.getBoundingClientRect().width <= 1;

tbp.words.mark = (main) => {
  const { meanings, inside, never } = tbp.words;
  const left = new Map([...meanings].filter(([form]) => /^[a-z0-9]/.test(form) && !tbp.words.ambiguous.includes(form)));
  const pattern = () => new RegExp(`(?<![\\w-])(${[...left.keys()].sort((a, b) => b.length - a.length).map((form) => form.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|")})(?![\\w-])`, "i");
  let wanted = pattern();
  for (const element of main.querySelectorAll(inside)) {
    if (!left.size) return;
    if (element.closest(never) || tbp.words.isUnseen(element)) continue;
    for (const node of [...element.childNodes].flatMap((child) => (child.nodeType === Node.TEXT_NODE ? [child] : []))) {
      const found = wanted.exec(node.data);
      if (!found) continue;
      const word = node.splitText(found.index);
      word.splitText(found[0].length);
      const button = document.createElement("button");
      Object.assign(button, { type: "button", className: "term" });
      const dfn = document.createElement("dfn");
      word.replaceWith(dfn);
      button.append(word);
      dfn.append(button);
      const meaning = left.get(found[0].toLowerCase());
      for (const [form, other] of left) if (other === meaning) left.delete(form);
      wanted = pattern();
      if (!left.size) return;
    }
  }
};

// What an element means: the word on it, or the state that its class names.
tbp.words.of = (element) => {
  const { meanings } = tbp.words;
  if (element.matches(".term")) return [element.textContent, meanings.get(element.textContent.toLowerCase())];
  const state = [...element.classList].map((name) => name.replaceAll("_", " ")).find((name) => meanings.has(name));
  return [state, state && meanings.get(state)];
};

tbp.ready(() => {
  const { states, wait } = tbp.words;
  const main = document.getElementById("main");
  const root = tbp.root();
  const tip = document.createElement("div");
  Object.assign(tip, { id: "word-tip", className: "tip", hidden: true });
  tip.setAttribute("role", "tooltip");
  main.append(tip);
  let shown = null, described = null, timer = 0;

  const hide = () => {
    clearTimeout(timer);
    described?.removeAttribute("aria-describedby");
    shown = null;
    tip.hidden = true;
  };
  const show = (element) => {
    const [word, meaning] = tbp.words.of(element);
    if (!meaning || shown === element) return;
    hide();
    shown = element;
    const name = document.createElement("b"), all = document.createElement("a");
    name.textContent = word;
    Object.assign(all, { href: tbp.href(`${root}words.html`), textContent: "All words" });
    tip.replaceChildren(name, `: ${meaning}. `, all);
    tip.hidden = false;
    const at = element.getBoundingClientRect();
    const below = at.bottom + tip.offsetHeight + 8 < innerHeight;
    tip.style.left = `${Math.max(8, Math.min(at.left, document.documentElement.clientWidth - tip.offsetWidth - 8)) + scrollX}px`;
    tip.style.top = `${(below ? at.bottom + 4 : at.top - tip.offsetHeight - 4) + scrollY}px`;
    described = element.matches(".term") ? element : element.querySelector("input");
    described?.setAttribute("aria-describedby", tip.id);
  };
  const later = (then) => { clearTimeout(timer); timer = setTimeout(then, wait); };

  document.addEventListener("pointerover", (event) => {
    if (event.pointerType !== "mouse") return;
    const element = event.target.closest?.(`.term, ${states}`);
    if (element) later(() => show(element));
    else if (tip.contains(event.target)) clearTimeout(timer);
    else if (shown && document.activeElement !== shown) later(hide);
    else clearTimeout(timer);
  });
  document.addEventListener("focusin", (event) => {
    const element = event.target.closest?.(".term") || event.target.matches?.(".tile input") && event.target.closest(".tile");
    if (element) show(element);
    else if (!tip.contains(event.target)) hide();
  });
  // A finger, or a click: on what is no link or control of its own.
  document.addEventListener("click", (event) => {
    const word = event.target.closest?.(".term");
    const state = event.target.closest?.("a, button, label, summary") ? null : event.target.closest?.(states);
    if (word || state) show(word || state);
    else if (!tip.contains(event.target)) hide();
  });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
  addEventListener("resize", hide);
  requestIdleCallback(() => tbp.load(`${root}data/words.js`, () => {}));
});
