// written by tbp report
// Makes values of packed data again: JSON, deflated, in base64 (see tbp/report/base/packing.py). The browser inflates it.
"use strict";

tbp.unpacked = (text) => {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).json();
};

// Browsers of before May 2023 may be without an inflater. Their reader sees the page as it is without its data, and why.
tbp.cannotUnpack = () => {
  if (document.getElementById("cannot-unpack")) return;
  const words = document.createElement("p");
  words.id = "cannot-unpack";
  words.className = "problems";
  words.setAttribute("role", "status");
  words.textContent = "This browser cannot unpack the data of this page, so charts and long lists are missing. Open it in Chrome 80, Firefox 113, Safari 16.4 or a newer one.";
  document.getElementById("main").prepend(words);
};

// Hands what a file of data holds to a function of tbp, in the order of the files, and before the page is started.
// In a report of one file a reader may be on another page by then.
tbp.packed = ([called, text]) => {
  if (!globalThis.DecompressionStream) { tbp.cannotUnpack(); return; }
  const before = tbp.arrived, page = tbp.single?.page, unpacked = tbp.unpacked(text);
  tbp.arrived = before.then(async () => {
    const value = await unpacked;
    if (tbp.single?.page === page) tbp[called.replace("tbp.", "")](value);
  }).catch((error) => { console.error(called, error); });
};
