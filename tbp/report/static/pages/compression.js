// written by tbp report
// The charts of the compression page (tbp/figures/compression.py), in the order of the page.
"use strict";

tbp.compression = (figures) => {
  document.querySelectorAll(".scatter > div").forEach((place, index) => tbp.figure(place, figures[index]));
};
