// written by tbp report
// Fills a table of data when a reader opens it: with hundreds of series the tables would be most of the page.
"use strict";

tbp.tables = (data) => {
  const byId = new Map(data.series.map((one) => [one.id, one]));

  const row = (one, index) => {
    const commit = tbp.commit(data.places[one.x[index]]);
    const quantity = (value) => tbp.quantity(value, data.scales);
    const known = Number.isFinite(one.low[index]) && Number.isFinite(one.high[index]);
    const remark = [one.remarks.get(index), one.other.has(index) && "another benchmark version, not comparable"];
    const cell = (text, number) => tbp.make("td", number ? { class: "number" } : {}, text);
    return tbp.make(
      "tr", {},
      tbp.make("th", { scope: "row" }, tbp.commitLink(commit)),
      cell(commit.date),
      cell(quantity(one.values[index]), true),
      cell(known ? `${quantity(one.low[index])} – ${quantity(one.high[index])}` : tbp.UNKNOWN, true),
      cell(String(one.sessions[index] || tbp.UNKNOWN), true),
      cell(tbp.make("bdi", {}, remark.filter(Boolean).join(" ") || commit.subject)),
    );
  };

  const table = (one) => {
    const heads = [["Commit"], ["Date"], ["Value", "number"], ["Quartiles", "number"], ["Sessions", "number"], ["Remark or subject"]];
    const rows = one.x.map((_, index) => row(one, index)).reverse();
    return tbp.scrolled(`Data of ${tbp.nameOf(one, data.dimensions, "the only series")}`, tbp.tableOf({}, heads, rows));
  };

  // The same numbers, as they are.
  const toTake = (one) => ({
    columns: ["commit", "date", "value", "low", "high", "unit", "sessions", "comparable", "remark", "subject"],
    rows: one.x.map((x, index) => {
      const { hash, date, subject } = tbp.commit(data.places[x]);
      const numbers = [one.values[index], one.low[index], one.high[index]].map((value) => (Number.isFinite(value) ? Number(value.toPrecision(9)) : null));
      return [hash, date, ...numbers, data.unit, one.sessions[index] || null, !one.other.has(index), one.remarks.get(index) || "", subject];
    }).reverse(),
  });

  // Puts the table of a series into `place`, once; its data may have to be loaded first.
  const fill = (place, id) => {
    const one = byId.get(id);
    if (place.querySelector("table")) return;
    if (one.isAwaited) {
      data.whenWhole(() => fill(place, id), () => place.append(tbp.make("p", {}, tbp.missing(data.more))));
    } else {
      place.append(table(one), tbp.download(`${document.querySelector("h1").textContent}-${one.name}`, () => toTake(one)));
    }
  };

  // The table of a section, folded, and of a row of a series with nothing else to tell, below it.
  const inSection = (body) => {
    const { id } = body.parentElement;
    const { runs } = body.dataset;
    const summary = tbp.make("summary", {}, `Data: ${runs} run${runs === "1" ? "" : "s"}`);
    const details = tbp.make("details", { class: "data", "data-points": id }, summary);
    details.addEventListener("toggle", () => { if (details.open) fill(details, id); });
    body.append(details);
  };
  const belowRow = (row) => {
    const name = row.cells[0].textContent;
    const button = tbp.make("button", { type: "button", class: "small", "aria-expanded": "false", "aria-label": `Data of ${name}` }, "Data");
    row.cells[4].append(" ", button);
    button.addEventListener("click", () => {
      if (!row.below) {
        const cell = tbp.make("td", { colspan: 5, role: "cell" });
        row.below = tbp.make("tr", { class: "below", hidden: true, role: "row" }, cell);
        row.after(row.below);
      }
      row.below.hidden = !row.below.hidden;
      button.setAttribute("aria-expanded", String(!row.below.hidden));
      if (!row.below.hidden) fill(row.below.cells[0], row.id);
    });
  };
  tbp.withTables = (part) => {
    for (const body of part.querySelectorAll(".one > .body:not([data-waits])")) if (!body.querySelector(":scope > [data-points]")) inSection(body);
    const quiet = part.querySelector("#quiet");
    if (quiet) tbp.withRoles(quiet);
    const rows = part.matches("tr") ? [tbp.withRoles(part)] : quiet ? quiet.tBodies[0].rows : [];
    for (const row of rows) if (!row.querySelector("button")) belowRow(row);
  };
};

// Without the data of a chart there is no table.
tbp.additions.push((part) => tbp.withTables?.(part));
