// written by tbp report
// Flame graphs: draws what tbp/report/parts/flame.py hands over in data/*.flame.js, once it comes into view. Names arrive as
// plain text and only ever become text; widths are whole nanoseconds, so that what is below a frame never outgrows it.
"use strict";

tbp.flames = { data: new Map(), waiting: new Map(), row: 22, narrowest: 1, most: 4000 };

tbp.flame = (data) => {
  tbp.flames.data.set(data.id, data);
  const draw = tbp.flames.waiting.get(data.id);
  tbp.flames.waiting.delete(data.id);
  if (draw) draw();
};

// Times are in ns; in words as everywhere.
tbp.flames.units = [[1, "ns"], [1e3, "µs"], [1e6, "ms"], [1e9, "s"]];
tbp.flames.time = (ns) => tbp.quantity(ns, tbp.flames.units);
tbp.flames.signedTime = (ns) => (ns > 0 ? `+${tbp.flames.time(ns)}` : tbp.flames.time(ns));
tbp.flames.calls = (number) => {
  const words = Number.isInteger(number) ? number.toLocaleString("en-US") : tbp.significant(number);
  return `${words} ${number === 1 ? "call" : "calls"}`;
};

// One clock's figures of a tree. Row 0 is the step, all others are the data's, one further down.
tbp.flameTree = (data, clock, gone) => {
  const size = data.parent.length + 1;
  const parent = [-1, ...data.parent.map((row) => row + 1)];
  const zeros = new Array(size).fill(0);
  const ownTimes = (side) => (side[clock].length ? [0, ...side[clock]] : [...zeros]); // none where all are 0
  const sums = (side) => {
    const total = ownTimes(side);
    for (let row = size - 1; row > 0; row -= 1) total[parent[row]] += total[row];
    return total;
  };
  const own = ownTimes(data);
  const total = sums(data);
  const before = data.before ? sums(data.before) : null;
  const marks = `.${data.marks ? data.marks[clock] : ".".repeat(size - 1)}`;
  const width = [...zeros];
  for (let row = size - 1; row >= 0; row -= 1) {
    const isGone = gone && marks[row].toLowerCase() === "g";
    width[row] = isGone ? Math.max(before[row], width[row]) : width[row] + Math.max(own[row], 0);
    if (row > 0) width[parent[row]] += width[row];
  }
  // Below what is gone all is gone: only the outermost are counted.
  const isOutermost = (row) => marks[row].toLowerCase() === "g" && marks[parent[row]].toLowerCase() !== "g";
  let goneTime = 0;
  for (let row = 1; row < size; row += 1) if (isOutermost(row)) goneTime += before[row];
  const inside = total[0];
  if (clock === "host") {
    width[0] = Math.max(width[0], data.step);
    total[0] = Math.max(total[0], data.step);
    if (before) before[0] = Math.max(before[0], data.before.step);
  }
  const children = Array.from({ length: size }, () => []);
  const depth = [...zeros];
  for (let row = 1; row < size; row += 1) {
    depth[row] = depth[parent[row]] + 1;
    if (width[row] > 0) children[parent[row]].push(row);
  }
  return { parent, children, depth, total, before, width, marks, own, inside, gone: goneTime };
};

tbp.flameGraph = (box, data) => {
  const part = (name) => box.querySelector(`.flame-${name}`);
  const graph = part("graph"), status = part("status"), search = part("search"), found = part("found"), back = part("back");
  const whole = data.step ? "the step" : "the trace"; // some mark no steps
  const names = [whole, ...data.name.map((place) => data.names[place])];
  const kinds = `s${data.kind}`;
  const glyphs = { n: "+", g: "−", s: "▲", f: "▼" };
  const classes = { n: "new", g: "gone", s: "slower", f: "faster" };
  const lower = names.map((name) => name.toLowerCase());
  const tint = new Map();
  let clock = data.clock, tree, zoomed = 0, current = 0, elements = new Map();

  const count = (row, side) => (row ? side.calls[row - 1] : 1);
  const mark = (row) => tree.marks[row].toLowerCase();
  const certain = (row) => tree.marks[row] !== mark(row);

  const words = (row) => {
    const { total, before } = tree;
    const share = row && total[0] ? `${tbp.percent(total[row] / total[0])} of ${clock === "host" ? whole : "kernel time"}` : "";
    const rest = !row && total[0] > tree.inside ? `${tbp.flames.time(total[0] - tree.inside)} outside operators` : "";
    const own = row && tree.own[row] > 0 && tree.own[row] < total[row] ? `self ${tbp.flames.time(tree.own[row])}` : "";
    if (!row && clock === "device" && !before) return `${names[0]}: ${tbp.flames.time(total[0])} of kernel time`;
    if (!before) {
      const calls = row && kinds[row] !== "m" ? tbp.flames.calls(count(row, data)) : "";
      return [`${names[row]}: ${tbp.flames.time(total[row])}`, share, own, calls, rest].filter(Boolean).join(", ");
    }
    const [old, now] = row ? [count(row, data.before), count(row, data)] : [1, 1];
    const calls = !row || kinds[row] === "m" ? "" : old === now ? tbp.flames.calls(now) : `${tbp.flames.calls(old).split(" ")[0]} → ${tbp.flames.calls(now)}`;
    const delta = total[row] - before[row];
    const moved = {
      n: `new, ${tbp.flames.signedTime(total[row])}`,
      g: `gone, ${tbp.flames.signedTime(-before[row])}`,
    }[mark(row)] || `${delta ? tbp.flames.signedTime(delta) : "no change"} (${tbp.flames.time(before[row])} → ${tbp.flames.time(total[row])})${!row && clock === "device" ? " of kernel time" : ""}`;
    const freed = delta && clock === data.judged && before[row] && total[row] && Math.abs(data.factor - 1) >= 0.05
      ? `${tbp.flames.signedTime(total[row] / data.factor - before[row])} had the machine kept its speed` : "";
    const doubt = mark(row) === "." ? "" : certain(row) ? "certain" : "not certain, it may be noise";
    const glyph = glyphs[mark(row)] ? `${glyphs[mark(row)]} ` : "";
    return [`${glyph}${names[row]}: ${moved}`, calls, freed, mark(row) === "g" ? "" : share, rest, doubt].filter(Boolean).join(", ");
  };

  const look = (row) => {
    if (row === 0) return "step";
    const kind = { m: "smaller", d: "device", x: "device", a: "annotation", p: "python", l: "annotation" }[kinds[row]] || "";
    if (data.before) return `${kind} ${classes[mark(row)] || "same"} ${mark(row) === "." || certain(row) ? "" : "unsure"}`;
    if (!tint.has(names[row])) {
      let hash = 0;
      for (const character of names[row]) hash = (hash * 31 + character.codePointAt(0)) >>> 0;
      tint.set(names[row], hash % 6);
    }
    return `${kind} tint${tint.get(names[row])}`;
  };

  // What is drawn: the zoomed frame over the whole width, what is around it above, what is in it below.
  const placed = () => {
    const least = tbp.flames.narrowest / Math.max(graph.clientWidth, 1);
    const boxes = [];
    for (let row = zoomed; row >= 0; row = tree.parent[row]) boxes.unshift([row, 0, 1]);
    const waiting = [[zoomed, 0, 1]];
    while (waiting.length && boxes.length < tbp.flames.most) {
      const [row, left, wide] = waiting.shift();
      let at = left;
      for (const child of tree.children[row]) {
        const own = wide * (tree.width[child] / tree.width[row]);
        if (own >= least) { boxes.push([child, at, own]); waiting.push([child, at, own]); }
        at += own;
      }
    }
    return boxes;
  };

  const draw = () => {
    const had = graph.contains(document.activeElement);
    const piece = document.createDocumentFragment();
    const wanted = search.value.trim().toLowerCase();
    elements = new Map();
    let deepest = 0;
    for (const [row, left, wide] of tree.width[0] > 0 ? placed() : [[0, 0, 1]]) {
      const one = document.createElement("div");
      const glyph = glyphs[mark(row)] || "";
      one.className = `frame ${look(row)}${row !== zoomed && wide === 1 && tree.depth[row] < tree.depth[zoomed] ? " around" : ""}`;
      one.style.left = `${left * 100}%`;
      one.style.width = `${wide * 100}%`;
      one.style.top = `${tree.depth[row] * tbp.flames.row}px`;
      if (wide * graph.clientWidth >= 24) one.textContent = `${glyph && `${glyph} `}${names[row]}`;
      if (wanted && lower[row].includes(wanted)) one.classList.add("hit");
      one.setAttribute("role", "treeitem");
      one.setAttribute("aria-level", tree.depth[row] + 1);
      one.setAttribute("aria-label", words(row));
      one.tabIndex = -1;
      one.dataset.row = row;
      elements.set(row, one);
      deepest = Math.max(deepest, tree.depth[row]);
      piece.append(one);
    }
    graph.replaceChildren(piece);
    graph.style.height = `${(deepest + 1) * tbp.flames.row}px`;
    graph.classList.toggle("searching", Boolean(wanted));
    back.disabled = zoomed === 0 && !wanted;
    if (!elements.has(current)) current = zoomed;
    elements.get(current).tabIndex = 0;
    if (had) elements.get(current).focus();
    status.textContent = words(current);
  };

  const turn = (row) => {
    elements.get(current).tabIndex = -1;
    current = row;
    elements.get(row).tabIndex = 0;
    elements.get(row).focus();
  };

  const zoom = (row) => { zoomed = row; current = row; draw(); };

  // Of nested matches the outer one is counted: time that matches, once.
  const tell = () => {
    const wanted = search.value.trim().toLowerCase();
    if (!wanted) { found.textContent = ""; return; }
    let frames = 0, sum = 0;
    const waiting = [[0, false]];
    while (waiting.length) {
      const [row, inside] = waiting.pop();
      const hit = row > 0 && lower[row].includes(wanted);
      if (hit) frames += 1;
      if (hit && !inside) sum += tree.width[row];
      for (const child of tree.children[row]) waiting.push([child, inside || hit]);
    }
    found.textContent = frames
      ? `${tbp.percent(sum / tree.width[0])} of what is shown, ${tbp.flames.time(sum)} in ${frames} ${frames === 1 ? "frame" : "frames"}`
      : "no frame has this name";
  };

  const build = () => {
    const kept = tree ? zoomed : 0;
    tree = tbp.flameTree(data, clock, Boolean(part("gone") && part("gone").checked));
    zoomed = tree.width[kept] > 0 ? kept : 0;
    if (part("was")) part("was").textContent = `(${tbp.flames.time(tree.gone)})`;
    draw();
    tell();
  };

  const along = (step) => {
    const row = [...elements].filter(([other]) => tree.depth[other] === tree.depth[current])
      .sort((one, two) => parseFloat(one[1].style.left) - parseFloat(two[1].style.left)).map(([other]) => other);
    return row[row.indexOf(current) + step];
  };
  const moves = {
    ArrowUp: () => (tree.parent[current] >= 0 ? tree.parent[current] : undefined),
    ArrowDown: () => tree.children[current].filter((row) => elements.has(row)).sort((one, two) => tree.width[two] - tree.width[one])[0],
    ArrowLeft: () => along(-1),
    ArrowRight: () => along(1),
    Home: () => 0,
  };

  graph.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "Enter" || event.key === " ") zoom(current);
    else if (event.key === "Escape" && zoomed) { const was = current; zoom(0); if (elements.has(was)) turn(was); }
    else if (moves[event.key]) { const row = moves[event.key](); if (row !== undefined) turn(row); }
    else return;
    event.preventDefault();
  });
  const rowAt = (event) => { const one = event.target.closest(".frame"); return one ? Number(one.dataset.row) : undefined; };
  graph.addEventListener("click", (event) => {
    const row = rowAt(event);
    if (row === undefined) return;
    zoom(row);
    elements.get(row).focus({ preventScroll: true });
  });
  graph.addEventListener("pointerover", (event) => { const row = rowAt(event); if (row !== undefined) status.textContent = words(row); });
  graph.addEventListener("pointerleave", () => { status.textContent = words(current); });
  graph.addEventListener("focusin", (event) => {
    const row = rowAt(event);
    if (row === undefined) return;
    current = row;
    status.textContent = words(row);
  });
  // The graph as it is drawn, as a picture. A page of flame graphs alone (tbp hotspots) saves none.
  const picture = () => {
    const { clientWidth: width, clientHeight: height } = graph;
    const svg = tbp.svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, "font-family": "monospace", "font-size": 12 });
    svg.append(tbp.svg("rect", { width, height, fill: getComputedStyle(document.body).backgroundColor }));
    for (const [row, one] of elements) {
      const { backgroundColor: fill, color } = getComputedStyle(one);
      const [frame, title, text] = [tbp.svg("svg", { x: one.offsetLeft, y: one.offsetTop, width: one.offsetWidth, height: one.offsetHeight }), tbp.svg("title", {}), tbp.svg("text", { x: 4, y: 14, fill: color })];
      // Two characters that no XML may hold.
      [title.textContent, text.textContent] = [words(row), one.textContent].map((own) => own.replace(/[\ufffe\uffff]/g, "\ufffd"));
      frame.append(title, tbp.svg("rect", { width: Math.max(1, one.offsetWidth - 1), height: Math.max(1, one.offsetHeight - 1), fill }), text);
      svg.append(frame);
    }
    return new XMLSerializer().serializeToString(svg);
  };
  if (tbp.save) {
    const name = `${document.querySelector("h1").textContent}-flame`;
    part("controls").append(tbp.button(() => tbp.save(`${tbp.fileName(name)}.svg`, "image/svg+xml", picture()), { class: "small", "aria-label": "Save the flame graph as SVG" }, "SVG"));
  }
  search.addEventListener("input", () => { draw(); tell(); });
  back.addEventListener("click", () => { search.value = ""; zoom(0); tell(); });
  for (const choice of box.querySelectorAll("input[type=radio]")) {
    choice.checked = choice.value === clock;
    choice.addEventListener("change", () => { clock = choice.value; build(); });
  }
  if (part("gone")) part("gone").addEventListener("change", build);
  let width = graph.clientWidth;
  new ResizeObserver(() => {
    if (graph.clientWidth === width || !graph.clientWidth) return;
    width = graph.clientWidth;
    draw();
  }).observe(graph);
  build();
  box.dataset.ready = "yes";
};

// The data of a series is read when one of its graphs comes into view: most readers look at one of many.
tbp.flameBox = (box) => {
  const { flame: id, source } = box.dataset;
  const draw = () => tbp.flameGraph(box, tbp.flames.data.get(id));
  if (tbp.flames.data.has(id)) { draw(); return; }
  tbp.flames.waiting.set(id, draw);
  tbp.load(source, () => { box.querySelector(".flame-status").textContent = tbp.missing(source); });
};

// Draws a graph once it comes near.
tbp.flameSeen = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    tbp.flameSeen.unobserve(entry.target);
    tbp.flameBox(entry.target);
  }
}, { rootMargin: "300px" });
tbp.additions.push((part) => { for (const box of part.querySelectorAll(".flame-box")) tbp.flameSeen.observe(box); });
// On paper the table stands for what was not drawn.
addEventListener("beforeprint", () => {
  for (const box of document.querySelectorAll(".flame-box:not([data-ready]) ~ .flame-top")) box.open = true;
});
