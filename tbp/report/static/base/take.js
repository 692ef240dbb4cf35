// written by tbp report
// What a reader takes along: a table as CSV, JSON or Markdown, an event in words, the address of what is shown. A table
// is { columns, rows }: names, and lists of cells, which are texts, numbers, or null where nothing is known.
"use strict";

// Rows in Markdown: an issue takes some 65,000 characters.
tbp.MARKDOWN_ROWS = 200;

// Characters that act without being seen, as tbp/system/foreign_text.py has them.
tbp.plainLine = (text) => text.replace(/[\s\u2028\u2029]+/g, " ").trim().toWellFormed()
  .replace(/[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/gu, "\ufffd");

// A cell that is no text: empty where nothing is known.
tbp.plainCell = (value) => (typeof value === "boolean" || Number.isFinite(value) ? String(value) : "");

// RFC 4180. A text that a spreadsheet would take for a formula gets an apostrophe, as in tbp/wording/csv_cells.py.
tbp.csv = ({ columns, rows }) => {
  const cell = (value) => {
    if (typeof value !== "string") return tbp.plainCell(value);
    const line = tbp.plainLine(value);
    const isNumber = /^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/.test(line);
    const text = isNumber ? line : line.replace(/(^|;)([ \xa0]*)(?=[-=+@\uff1d\uff0b\uff0d\uff20])/g, "$1$2'");
    return /[",;]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [columns, ...rows].map((row) => `${row.map(cell).join(",")}\r\n`).join("");
};

// A list of objects, one a line. Written by hand, since an object would put names of digits first.
tbp.json = ({ columns, rows }) => {
  const object = (row) => `{${columns.map((name, at) => `${JSON.stringify(name)}: ${JSON.stringify(row[at] ?? null)}`).join(", ")}}`;
  return `[\n${rows.map(object).join(",\n")}\n]\n`;
};

// Numbers for what Markdown, its tables, HTML, a mention or a link begin with: CommonMark takes no structure from them.
// A "_" inside of a word is harmless, and so names of code can be read.
tbp.markdownText = (text) => tbp.plainLine(text).replace(
  /&(?=#?\w+;)|<(?=[a-z/!?])|^>|[|\x60*[\]\\~$#@]|(?<![^\W_])_|_(?![^\W_])|:(?=\/\/)|(?<=\bwww)\.|^[-+=](?=[ =-]|$)|(?<=^\d+)[.)](?= |$)/gi,
  (mark) => `&#${mark.charCodeAt(0)};`,
);
tbp.markdown = ({ columns, rows }) => {
  const cell = (value) => (typeof value === "string" ? tbp.markdownText(value) : tbp.plainCell(value));
  const line = (cells) => `| ${cells.join(" | ")} |\n`;
  const isNumber = (at) => rows.some((row) => typeof row[at] === "number");
  const left = rows.length - tbp.MARKDOWN_ROWS;
  return [
    line(columns.map(cell)), line(columns.map((_, at) => (isNumber(at) ? "---:" : "---"))),
    ...rows.slice(0, tbp.MARKDOWN_ROWS).map((row) => line(row.map(cell))),
    ...(left > 0 ? [`\n… and ${left.toLocaleString("en")} more rows.\n`] : []),
  ].join("");
};

// "transformer-parts-series-2026-11-30": the project, the table and the day of the newest result.
tbp.fileName = (name) => {
  const day = /\d{4}-\d\d-\d\d/.exec(document.querySelector(".dated")?.textContent || "");
  const parts = [document.querySelector(".project").textContent, name].map((text) => tbp.plainLine(text).replace(/[^\p{L}\p{N}_]+/gu, "-").replace(/^-+|-+$/g, "").slice(0, 60));
  return [...parts, day && day[0]].filter(Boolean).join("-");
};
tbp.save = (name, type, text) => {
  const href = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  const link = tbp.make("a", { href, download: name, hidden: true });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
};

// Without a clipboard, as on a page over plain http, the text is there to be copied by hand.
tbp.copyText = async (button, text) => {
  const before = button.textContent;
  let isCopied = true;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = tbp.make("textarea", { class: "taken", readonly: true, rows: 4, "aria-label": "Text to copy" });
    area.value = text;
    button.after(area);
    area.select();
    isCopied = document.execCommand("copy");
    if (isCopied) { area.remove(); button.focus(); } else area.addEventListener("blur", () => area.remove());
  }
  button.textContent = isCopied ? "Copied" : "Selected";
  setTimeout(() => { button.textContent = before; }, 1500);
};

// The address of what is shown, or of a part of the page.
tbp.address = (fragment = tbp.fragment()) => {
  const hash = tbp.single ? tbp.single.hash(tbp.single.shown, fragment) : fragment && `#${fragment}`;
  return location.href.split("#")[0] + (hash === "#" ? "" : hash);
};
tbp.copyLink = (address = tbp.address) => tbp.button(({ target }) => tbp.copyText(target, address()), { class: "small" }, "Copy link");

// The forms of a table in a fold, which are made when it is opened. `content` gives the table, or a promise of it.
tbp.download = (name, content) => {
  const FORMS = [["CSV", "csv", "text/csv", tbp.csv], ["JSON", "json", "application/json", tbp.json], ["Markdown", "md", "text/markdown", tbp.markdown]];
  const said = tbp.make("span", { role: "status", class: "muted" });
  const withTable = (act) => async ({ target }) => {
    said.textContent = "";
    try { act(await content(), target); } catch (error) { said.textContent = error.message; }
  };
  const fold = tbp.make("details", { class: "take" }, tbp.make("summary", {}, "Download", tbp.make("span", { class: "unseen" }, ` ${name.replaceAll("-", " ")}`)));
  fold.addEventListener("toggle", () => fold.append(
    ...FORMS.map(([label, end, type, made]) => tbp.button(withTable((table) => tbp.save(`${tbp.fileName(name)}.${end}`, type, made(table))), { class: "small" }, label)),
    tbp.button(withTable((table, button) => tbp.copyText(button, tbp.markdown(table))), { class: "small" }, "Copy as Markdown"), said,
  ), { once: true });
  return fold;
};
tbp.takeable = (box, name, content) => {
  if (!box.querySelector(":scope > .take-row")) box.append(tbp.make("span", { class: "take-row" }, tbp.copyLink(), tbp.download(name, content)));
};

// The whole tables (tbp/report/data/tables_to_take.py) lie in files of their own.
tbp.wholeTables = new Map();
tbp.taken = ({ name, ...table }) => {
  const waiting = tbp.wholeTables.get(name);
  if (waiting) Object.assign(waiting, { isThere: true }).resolve(table);
};
tbp.wholeTable = (name) => {
  const known = tbp.wholeTables.get(name), file = `data/${name}.js`;
  // In a report of one file data that comes when its page is gone is lost.
  if (known && (known.isThere || known.page === tbp.single?.page)) return known.promise;
  const waiting = { ...Promise.withResolvers(), page: tbp.single?.page };
  tbp.wholeTables.set(name, waiting);
  tbp.load(tbp.root() + file, () => { tbp.wholeTables.delete(name); waiting.reject(new Error(tbp.missing(file))); });
  return waiting.promise;
};

// Some of its rows. Addresses of pages are whole where the site is on a server: a path on a disk is nobody else's.
tbp.rowsOf = async (name, chosen) => {
  const { columns, rows } = await tbp.wholeTable(name);
  const page = columns.indexOf("page"), here = location.href.split("#")[0];
  const site = !location.protocol.startsWith("http") ? "" : tbp.single ? `${here}#/` : new URL(tbp.root() || ".", here).href;
  return { columns, rows: chosen(rows, page).map((row) => row.with(page, site + row[page])) };
};

// A table of the page as it is shown: what is hidden in it is left out.
tbp.shownTable = (...tables) => {
  const [heads] = tables[0].tHead.rows;
  const shown = [...heads.cells].map((cell) => !cell.hidden);
  const text = (cell) => tbp.plainLine(cell.innerText);
  const cells = (row) => [...row.cells].flatMap((cell) => [text(cell), ...Array(cell.colSpan - 1).fill("")]).filter((_, at) => shown[at]);
  const columns = cells(heads).map((name, at, all) => (name && all.indexOf(name) === at ? name : `${name || "column"} ${at + 1}`));
  const rows = tables.flatMap((table) => [...table.tBodies[0].rows]).filter((row) => !row.hidden && !row.matches(".below"));
  return { columns, rows: rows.map(cells) };
};

// A part of the page in Markdown: its sentences and commands, without what is folded, a table, drawn or for a mouse.
tbp.inWords = (part) => {
  const LEFT_OUT = "details, button, svg, nav, textarea, table, .strips, .flame, .raw-traces, .halves, .take-row, [hidden], h4, h4 ~ :is(p:not(.label), ul)";
  const LINE = "h1, h2, h3, p, li";
  const said = (element) => {
    if (element.matches(LEFT_OUT)) return [];
    if (element.matches(".command")) return [tbp.fenced(element.querySelector("code").textContent)];
    if (!element.matches(LINE) || element.querySelector(LINE)) return [...element.children].flatMap(said);
    const quoted = [...element.querySelectorAll("q")].reduce((text, one) => text.replace(one.innerText, (own) => `“${own}”`), element.innerText);
    const text = tbp.markdownText(quoted);
    if (!text) return [];
    return [element.matches("p, li") ? `${element.matches("li") ? "- " : ""}${text}\n\n` : `**${text}**\n\n`];
  };
  return said(part).join("");
};
// A command, which is one line and no fence.
tbp.fenced = (command) => `~~~~sh\n${tbp.plainLine(command)}\n~~~~\n\n`;

// An event in words to paste, with what the page itself does not say of it; `where` are the names above it.
tbp.eventWords = async (part, { where = "", address, anchor = "", commit = "" }) => {
  const { columns, rows } = await tbp.wholeTable("event-table").catch(() => ({ columns: [], rows: [] }));
  const of = (row, name) => row[columns.indexOf(name)] ?? "";
  const event = anchor || commit ? rows.find((row) => of(row, "page").endsWith(`#${anchor}`)) || rows.find((row) => commit && of(row, "commit").startsWith(commit)) : null;
  const facts = event ? [["Author", of(event, "author")], ["Seen on", of(event, "machines")]].filter(([, text]) => text).map(([name, text]) => `${name}: ${tbp.markdownText(text)}\n\n`) : [];
  const words = tbp.inWords(part), next = event && !words.includes("~~~~sh") && of(event, "next");
  return [
    where && `**${tbp.markdownText(where)}**\n\n`, words, ...facts, next ? `Next:\n\n${tbp.fenced(next)}` : "", `<${address}>\n`,
  ].join("");
};

// What parts of pages get: rows of buttons, and the tables of these classes a download.
tbp.TAKEN = { operators: "operators", environments: "environments", differing: "differences", variants: "variants", means: "suites", runs: "last-runs" };
tbp.withWords = (part, box, address, facts = {}) => {
  if (part.querySelector(":scope > .take-row, :scope > .next > .take-row")) return;
  const copy = ({ target }) => tbp.eventWords(part, { address: address(), ...facts }).then((text) => tbp.copyText(target, text));
  const link = part.closest(".one") ? [] : [tbp.copyLink(address), " "]; // a section has its own
  box.append(tbp.make("p", { class: "take-row" }, ...link, tbp.button(copy, { class: "small" }, "Copy as Markdown")));
};
tbp.withDownloads = (part) => {
  for (const [css, name] of Object.entries(tbp.TAKEN)) {
    for (const table of part.querySelectorAll(`table.${css}`)) {
      const place = table.closest(".scroll") || table;
      if (!place.nextElementSibling?.matches(".take")) place.after(tbp.download(name, () => tbp.shownTable(table)));
    }
  }
};
tbp.takeEvent = (card) => tbp.withWords(card, card.querySelector(".next"), () => card.querySelector("h2 a").href);
tbp.additions.push((part) => {
  for (const card of part.querySelectorAll(".event-card")) tbp.takeEvent(card);
  for (const row of part.querySelectorAll("#changes > li")) tbp.withWords(row, row, () => tbp.address(row.id), { anchor: row.id });
  const name = document.querySelector("h1").textContent;
  for (const body of part.querySelectorAll(".one > .body:not([data-waits])")) {
    if (!body.querySelector(":scope > .take-row")) body.prepend(tbp.make("p", { class: "take-row" }, tbp.copyLink(() => tbp.address(body.parentElement.id))));
  }
  for (const block of part.querySelectorAll(".moved-block")) {
    const one = block.closest(".one"), link = block.querySelector("a[href*='changes.html#']");
    const where = [name, one?.querySelector("summary .title").textContent].filter(Boolean).join(" · ");
    const [, anchor = ""] = /changes\.html#(.*)/.exec(link?.getAttribute("href") || "") || [];
    tbp.withWords(block, block, () => tbp.address((one || block).id), { where, anchor, commit: block.querySelector(".commit")?.textContent });
  }
  tbp.withDownloads(part);
});
