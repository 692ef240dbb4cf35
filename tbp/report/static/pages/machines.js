// written by tbp report
// Narrows the table of what differs between environments to two of them; without this script it shows all.
"use strict";

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
