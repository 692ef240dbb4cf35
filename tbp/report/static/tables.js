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
    const names = [["Commit"], ["Date"], ["Value", 1], ["Quartiles", 1], ["Sessions", 1], ["Remark or subject"]];
    const heads = names.map(([name, number]) => tbp.make("th", { scope: "col", class: number ? "number" : null }, name));
    const body = tbp.make("tbody");
    for (let index = one.x.length - 1; index >= 0; index -= 1) body.append(row(one, index));
    const label = `Data of ${tbp.nameOf(one, data.dimensions, "the only series")}`;
    return tbp.make(
      "div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label },
      tbp.make("table", {}, tbp.make("thead", {}, tbp.make("tr", {}, ...heads)), body),
    );
  };

  for (const details of document.querySelectorAll("details[data-points]")) {
    const fill = () => {
      if (details.open && !details.querySelector("table")) details.append(table(byId.get(details.dataset.points)));
    };
    details.addEventListener("toggle", fill);
    fill();
  }
};
