// written by tbp report
// The charts of the claims page (tbp/figures/claims.py, growth.py), in the order of the page.
"use strict";

tbp.claims = (figures) => {
  document.querySelectorAll(".claim-chart").forEach((place, index) => {
    const figure = figures[index];
    place.style.minHeight = `${figure.layout.height ?? 300}px`; // it is drawn when a reader comes near
    tbp.figure(place, figure);
    place.closest("figure").querySelectorAll(".growth li").forEach((line, at) => {
      if (figure.data[at]) line.prepend(tbp.key(figure.data[at].marker));
    });
  });
};
