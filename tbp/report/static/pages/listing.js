// written by tbp report
// The series of a benchmark below its chart: which are shown, and what the page does not hold of them: HTML in
// data/*.part-*.js (see tbp/report/pages/benchmark/listing.py), put in when a reader opens it.
"use strict";

// HTML of this site, in which every foreign text is escaped.
tbp.fragmentOf = (html) => {
  const template = document.createElement("template");
  template.innerHTML = html;
  tbp.links(template.content);
  return template.content;
};

// The series of the page that are chosen, by their ids.
tbp.takeSeries = (box, chosen) => tbp.takeable(box, `${document.querySelector("h1").textContent}-series`, () => {
  const shown = new Set(chosen());
  return tbp.rowsOf("table", (whole, page) => whole.filter((row) => shown.has(row[page].split("#")[1])));
});

tbp.listing = (data) => {
  const { listing } = data;
  if (!listing) {
    tbp.takeSeries(document.getElementById("findings"), () => data.series.map((one) => one.id));
    return;
  }
  const { order, states, part, sections: heads, step } = listing;
  const form = document.getElementById("series-filter");
  const names = order.map((place) => data.series[place].name.toLowerCase());
  const pieces = new Map();
  const waiting = [];

  // The files of data: [place, HTML of what is not in the page, evidence, strips of the evidence].
  tbp.part = ([, several]) => {
    for (const [place, html, body, strips] of several) pieces.set(place, { html, body, strips });
    const ready = waiting.filter(({ places }) => places.every((place) => pieces.has(place)));
    for (const one of ready) { waiting.splice(waiting.indexOf(one), 1); one.then(); }
  };
  const whenThere = (places, then) => {
    const lacking = places.filter((place) => part[place] >= 0 && !pieces.has(place));
    if (!lacking.length) { then(); return; }
    waiting.push({ places: lacking, then });
    for (const number of new Set(lacking.map((place) => part[place]))) {
      const file = listing.file.replace("*", number);
      tbp.load(`../${file}`, () => {
        for (const one of document.querySelectorAll("[data-waits] > p, [data-later] > p")) one.textContent = tbp.missing(file);
      });
    }
  };

  // Both lists: their elements by place, of which the page has the first.
  const list = (box, first, end, most, more) => ({ box, first, end, more, limit: most, most, elements: box ? [...box.children] : [] });
  const lists = [
    list(document.getElementById("sections"), 0, heads, step[0], document.getElementById("more-sections")),
    list(document.querySelector("#quiet tbody"), heads, order.length, step[1], document.getElementById("more-rows")),
  ];
  const listOf = (place) => lists[place < heads ? 0 : 1];
  const element = (place) => {
    const { elements, first } = listOf(place);
    if (!elements[place - first]) {
      const made = tbp.fragmentOf(pieces.get(place).html).firstElementChild;
      elements[place - first] = made;
      tbp.enrich(made);
    }
    return elements[place - first];
  };
  const isInPage = (place) => Boolean(listOf(place).elements[place - listOf(place).first]);

  // Puts the evidence of a section in, or into its folded tables.
  const fill = (place) => {
    const body = element(place).querySelector(":scope > .body");
    const piece = pieces.get(place);
    if (!piece || !body.matches("[data-waits]") && !body.querySelector("[data-later]")) return;
    const content = tbp.fragmentOf(piece.body);
    if (body.matches("[data-waits]")) {
      tbp.strips(piece.strips, content);
      body.replaceChildren(content);
      delete body.dataset.waits;
      tbp.enrich(body.parentElement);
      return;
    }
    const whole = content.querySelectorAll("details.data");
    body.querySelectorAll("details.data:not([data-points])").forEach((details, at) => {
      if (!("later" in details.dataset)) return;
      details.replaceChildren(...whole[at].childNodes);
      tbp.withDownloads(details);
      delete details.dataset.later;
    });
  };
  const placeOf = (one) => lists[0].elements.indexOf(one.closest(".one"));
  const withEvidence = ({ target }) => {
    if (!target.open || !target.closest("#sections") || !target.matches("[data-later], .one:has(> [data-waits])")) return;
    const place = placeOf(target);
    whenThere([place], () => fill(place));
  };
  document.addEventListener("toggle", withEvidence, true);
  for (const target of document.querySelectorAll("#sections details[open]")) withEvidence({ target }); // opened before

  const boxes = form ? [...form.querySelectorAll("input[name=state]")] : [];
  const everything = document.getElementById("every-series");
  const KEPT = ["q", "only", "hide"];
  let pinned = null; // a series that an address leads to is shown wherever it is in its list
  const read = () => {
    if (!form) return;
    const { chosen } = tbp.choices();
    form.elements.q.value = chosen.get("q") || "";
    tbp.boxes.read(boxes, chosen);
  };
  const keep = () => {
    const { chosen } = tbp.choices();
    for (const name of KEPT) chosen.delete(name);
    for (const [name, value] of [...tbp.boxes.pairs(boxes), ["q", form.elements.q.value]]) if (value) chosen.set(name, value);
    tbp.keepChoices(chosen);
  };
  const fitting = () => {
    if (!form) return [...order.keys()];
    const wanted = tbp.tokens(form.elements.q.value);
    const hidden = new Set(boxes.filter((box) => !box.checked).map((box) => box.value));
    return [...order.keys()].filter((place) => !hidden.has(states[place]) && data.isChosen(data.series[order[place]]) && wanted.every((word) => names[place].includes(word)));
  };

  let turn = 0;
  const show = (then = () => {}) => {
    const all = fitting();
    const asked = (turn += 1);
    const shown = lists.map(({ first, end, limit }) => {
      const own = all.filter((place) => place >= first && place < end);
      const cut = own.slice(0, limit);
      if (pinned !== null && own.includes(pinned) && !cut.includes(pinned)) cut.unshift(pinned);
      return { cut, left: own.length - cut.length };
    });
    whenThere(shown.flatMap(({ cut }) => cut).filter((place) => !isInPage(place)), () => {
      if (asked !== turn) return;
      lists.forEach(({ box, more, most }, which) => {
        if (!box) return;
        const { cut, left } = shown[which];
        box.replaceChildren(...cut.flatMap((place) => [element(place), ...(element(place).below ? [element(place).below] : [])]));
        more.hidden = left <= 0;
        more.textContent = `Show ${Math.min(left, most).toLocaleString("en")} more of ${left.toLocaleString("en")}`;
      });
      const part = document.getElementById("quiet-part");
      if (part) part.hidden = !shown[1].cut.length;
      if (form) {
        tbp.boxes.press(form, boxes);
        document.getElementById("series-shown").textContent = `${all.length.toLocaleString("en")} of ${order.length.toLocaleString("en")} series${data.isNarrowed() ? ", as chosen for the chart" : ""}`;
        document.getElementById("nothing").hidden = all.length > 0;
        everything.hidden = all.length === order.length;
      }
      then();
    });
  };
  for (const one of lists) {
    one.more?.addEventListener("click", () => {
      const first = one.box.children.length;
      one.limit += one.most;
      // The button may be gone: whoever came by keyboard goes on where the new ones begin.
      show(() => one.box.children[first]?.querySelector("summary, button")?.focus());
    });
  }
  const restart = () => {
    for (const one of lists) one.limit = one.most;
    show();
  };
  tbp.takeSeries(form?.querySelector(".controls") || document.getElementById("findings"), () => fitting().map((place) => data.series[order[place]].id));
  const showAll = () => {
    form.elements.q.value = "";
    for (const box of boxes) box.checked = true;
    keep();
    data.chooseAll();
  };
  if (form) {
    data.listed = () => { pinned = null; restart(); };
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", () => { pinned = null; keep(); restart(); });
    tbp.boxes.buttons(form, boxes, () => { keep(); restart(); });
    everything.addEventListener("click", () => { showAll(); restart(); form.elements.q.focus(); });
    addEventListener("hashchange", () => { read(); show(); });
  }

  // A series, or a part of its evidence (m-<series>-<change>), that an address leads to and that is not in the page.
  tbp.reach = (anchor) => {
    const evidence = /^m-(\d+)-\d+$/.exec(anchor);
    const series = evidence ? Number(evidence[1]) : data.series.findIndex((one) => one.id === anchor);
    const place = order.indexOf(series);
    if (place < 0) return;
    if (form && !fitting().includes(place)) showAll();
    pinned = place;
    show(() => whenThere([place], () => {
      if (place < heads) fill(place);
      if (document.getElementById(anchor)) tbp.unfold();
    }));
  };

  read();
  const isWhole = part.every((number) => number < 0);
  if (form && (form.elements.q.value || boxes.some((box) => !box.checked)) || !isWhole) show();
  else if (form) restart();
  // A printer waits for nothing: what its paper needs is loaded when there is time, and put in then.
  const printed = () => lists[0].elements.flatMap((one, place) => (one.isConnected ? [place] : []));
  const sections = document.getElementById("sections"); // of this page: a reader of one file may be on another one by then
  if (!isWhole) requestIdleCallback(() => whenThere(printed(), () => { sections.dataset.ready = ""; }));
  document.addEventListener("tbp-paper", () => { if (tbp.isPaper) for (const place of printed()) fill(place); });
};
