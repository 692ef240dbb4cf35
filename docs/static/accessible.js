// What furo leaves out for screen readers and keyboards, and axe finds: levels of headings, names of landmarks, and a stop
// of the Tab key at whatever scrolls.
for (const caption of document.querySelectorAll(".caption[role=heading]")) caption.setAttribute("aria-level", "2");
document.querySelector(".sidebar-drawer")?.setAttribute("aria-label", "Pages of the site");
document.querySelector(".toc-drawer")?.setAttribute("aria-label", "Parts of this page");
if (!document.querySelector("h1")) { // the page of the search, before anybody searched
  const title = Object.assign(document.createElement("h1"), { textContent: "Search" });
  document.querySelector("[role=main]")?.prepend(title);
}

function letTabReachWhatScrolls() {
  for (const box of document.querySelectorAll(".table-wrapper, pre, .sidebar-scroll, .toc-scroll")) {
    if (box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight) box.setAttribute("tabindex", "0");
  }
}
letTabReachWhatScrolls();
addEventListener("resize", letTabReachWhatScrolls);
