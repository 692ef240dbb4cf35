// written by tbp report
// The environments of the machines that a reader chooses; and of what differs between environments the part that is
// between two of them. Without this script all is shown.
"use strict";

tbp.machines = (form) => {
  const facets = tbp.facets(form);
  const parts = [...document.querySelectorAll("#main [data-rigs]:is(tr, details)")];
  const environments = parts.filter((part) => part.matches("details"));
  const apply = () => {
    const rigs = facets.rigs();
    for (const part of parts) part.hidden = !tbp.hasRig(part, rigs);
    for (const machine of document.querySelectorAll(".machine")) machine.hidden = rigs !== null && !machine.querySelector(".one:not([hidden])");
    const shown = environments.filter((part) => !part.hidden).length;
    document.getElementById("shown").textContent = `${shown} of ${environments.length} environments shown`;
  };
  const read = () => { facets.read(tbp.state.read()); apply(); };
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", () => { apply(); tbp.state.keep(facets.pairs()); });
  addEventListener("hashchange", read);
  read();
};

tbp.ready(() => {
  const form = document.getElementById("machines-filter");
  if (form) tbp.machines(form);
});

tbp.ready(() => {
  const box = document.getElementById("inventory-choose");
  if (!box) return;
  const [one, other] = ["inventory-one", "inventory-other"].map((id) => document.getElementById(id));
  const partner = document.getElementById("inventory-with");
  const said = document.getElementById("inventory-said");
  const whole = [...said.childNodes].map((node) => node.cloneNode(true));
  const rows = [...document.querySelectorAll(".differing tr")];
  const text = (row, column) => row.cells[column + 1].textContent;

  const show = () => {
    const isAll = one.value === "";
    partner.hidden = isAll;
    const pair = [Number(one.value), Number(other.value)];
    let differing = 0;
    for (const row of rows) {
      [...row.cells].slice(1).forEach((cell, column) => { cell.hidden = !isAll && !pair.includes(column); });
      const isBody = row.parentNode.tagName === "TBODY";
      row.hidden = isBody && !isAll && text(row, pair[0]) === text(row, pair[1]);
      differing += isBody && !row.hidden;
    }
    const rest = rows.length - 1 - differing;
    const sentence = pair[0] === pair[1] ? "Both lists name the same environment."
      : `${differing} ${differing === 1 ? "fact differs" : "facts differ"} between these two${rest ? `, ${rest} more between other environments` : ""}.`;
    said.replaceChildren(...(isAll ? whole.map((node) => node.cloneNode(true)) : [sentence]));
  };

  one.addEventListener("change", () => {
    if (one.value !== "" && one.value === other.value) other.value = one.value === "0" ? "1" : "0";
    show();
  });
  other.addEventListener("change", show);
  other.value = "1";
  box.hidden = false;
  show();
});
