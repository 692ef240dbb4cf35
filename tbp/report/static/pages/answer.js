// written by tbp report
// The first screen of the index: which events are called new, since when. The sentences are in the page; only that on the
// reader's own last visit is made here, since only the browser knows of it.
"use strict";

// Cards put into the page at once.
tbp.CARDS = 8;

tbp.plural = (number, one, several = `${one}s`) => `${number.toLocaleString("en")} ${number === 1 ? one : several}`;

// The report that the reader saw before this one: its events and when. A reload is the same visit, as is a second look
// at the same report. Null where there was none, or the browser keeps nothing.
tbp.lastVisit = (project, id, events) => {
  const name = `tbp-visit ${project}`;
  let seen = {};
  try { seen = JSON.parse(tbp.recall(name)) || {}; } catch { /* not ours */ }
  if (seen.now?.id !== id) {
    seen = { before: seen.now, now: { id, day: new Date().toISOString().slice(0, 10), anchors: events.map(({ anchor }) => anchor).join(" ") } };
    tbp.remember(name, JSON.stringify(seen));
  }
  const { anchors, day } = seen.before || {};
  return typeof anchors === "string" && /^\d{4}-\d\d-\d\d$/.test(day) ? { day, anchors: new Set(anchors.split(" ")) } : null;
};

// As ``tbp.report.parts.answer``: series that one of the events made so, each once.
tbp.answerSentence = (events, when, { standing: numbers, silent }) => {
  const [standing, standingFrom] = numbers.split(" ").map(Number);
  const worse = new Set(events.flatMap(({ regressions }) => regressions)).size;
  const other = new Set(events.flatMap(({ changed }) => changed)).size;
  const commits = events.filter(({ regressions }) => regressions.length).length;
  const first = worse ? tbp.plural(worse, "new regression") : "No new regression";
  const from = commits ? `, from ${tbp.plural(commits, "commit")}` : "";
  const stillFrom = [0, standing, commits].includes(standingFrom) ? "" : `, from ${tbp.plural(standingFrom, "commit")}`;
  const still = standing ? `${standing.toLocaleString("en")} ${standing === 1 ? "stands" : "stand"}${stillFrom}` : "none stands";
  const changed = other ? `; ${tbp.plural(other, "series", "series")} newly changed, for better or worse` : "";
  return `${first} ${when}${from}; ${still}${changed}${silent}.`;
};

tbp.answer = (group, box) => {
  const events = tbp.events;
  const title = document.getElementById("answer");
  const more = document.getElementById("more-events");
  const known = [...box.children];
  const cards = tbp.chunked("events", known, (name) => { box.append(tbp.make("p", {}, tbp.missing(name))); });
  const folds = [...document.querySelectorAll("#events .older:not(.better-events)")];
  const { project, id } = group.dataset;
  const visit = tbp.lastVisit(project, id, events);
  let limit = tbp.CARDS, turn = 0;

  if (visit) {
    const fresh = events.filter(({ anchor }) => !visit.anchors.has(anchor));
    const sentence = tbp.answerSentence(fresh, `since your last visit on ${visit.day}`, title.dataset);
    const button = tbp.make("button", { type: "button", value: "visit", "data-sentence": group.dataset.base + (group.dataset.base ? sentence[0].toLowerCase() + sentence.slice(1) : sentence) }, "Last visit");
    group.prepend(button);
  }
  const buttons = [...group.querySelectorAll("button")];
  const usual = buttons.find((button) => button.value === "visit") || buttons.find((button) => button.hasAttribute("data-usual"));
  document.getElementById("rest-events")?.remove();

  // A copy of a card has buttons that nobody hears.
  const dressed = (card) => {
    for (const button of card.querySelectorAll(".copy, .take-row")) button.remove();
    for (const command of card.querySelectorAll(".command")) tbp.copyable(command);
    tbp.takeEvent(card);
    return card;
  };
  const show = (then = () => {}) => {
    const wanted = tbp.state.read().get("since");
    const chosen = buttons.find((button) => button.value === wanted) || usual;
    for (const button of buttons) button.setAttribute("aria-pressed", String(button === chosen));
    const isNew = ({ anchor, moment }) => (chosen.value === "visit" ? !visit.anchors.has(anchor) : moment > chosen.dataset.since);
    const found = [...events.keys()].filter((place) => isNew(events[place]));
    title.textContent = chosen.dataset.sentence;
    const better = document.getElementById("better-new");
    if (better) better.textContent = chosen.dataset.better ? `; ${chosen.dataset.better}` : "";
    const shown = found.slice(0, limit), left = found.length - shown.length;
    turn += 1;
    const asked = turn;
    for (const fold of folds) {
      const lines = [...fold.querySelectorAll("[data-event]")];
      for (const line of lines) line.hidden = isNew(events[Number(line.dataset.event)]);
      const number = lines.filter((line) => !line.hidden).length;
      fold.hidden = !number;
      fold.querySelector(".count").textContent = tbp.plural(number, "event");
    }
    cards.whenThere(shown, () => {
      if (asked !== turn) return;
      box.replaceChildren(...shown.map((place) => dressed(cards.at(place))));
      more.hidden = left <= 0;
      more.textContent = `Show ${Math.min(left, tbp.CARDS).toLocaleString("en")} more of ${left.toLocaleString("en")}`;
      then();
    });
  };

  group.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    limit = tbp.CARDS;
    tbp.state.keep([["since", button === usual ? "" : button.value]]);
    show();
  });
  more.addEventListener("click", () => {
    const first = box.children.length;
    limit += tbp.CARDS;
    show(() => box.children[first]?.querySelector("a")?.focus());
  });
  // A card below its line, once the line is opened.
  const withCard = ({ target }) => {
    const line = target.closest("[data-event]");
    const place = Number(line?.dataset.event);
    if (!line || !target.open || line.querySelector(".event-card")) return;
    cards.whenThere([place], () => target.lastElementChild.replaceWith(dressed(cards.at(place).cloneNode(true))));
  };
  for (const fold of folds) {
    fold.addEventListener("toggle", withCard, true);
    for (const target of fold.querySelectorAll("details[open]")) withCard({ target }); // opened before this script began
  }
  addEventListener("hashchange", () => show());
  show();
  group.dataset.ready = "";
};

tbp.ready(() => {
  const group = document.getElementById("windows");
  const box = document.getElementById("new-events");
  if (group && box && tbp.events) tbp.answer(group, box);
});
