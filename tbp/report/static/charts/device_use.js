// written by tbp report
// Devices, ranks and memory of a series' traces (tbp/report/parts/device_use.py): a part is read when its fold is opened,
// from the file that holds the flame graphs of the series. Its HTML is made by the site, which escapes every name.
"use strict";

tbp.uses = { data: new Map(), waiting: new Map() };

tbp.deviceUse = (data) => {
  tbp.uses.data.set(data.id, data);
  const waiting = tbp.uses.waiting.get(data.id) || [];
  tbp.uses.waiting.delete(data.id);
  for (const fill of waiting) fill();
};

// The names of devices have the colours of their lines; a trace of the figure in two is a peak.
tbp.memoryChart = (fold, figure) => {
  const lines = figure.data.filter(({ mode }) => mode === "lines");
  fold.querySelectorAll(".growth li").forEach((line, at) => {
    if (lines[at]) line.prepend(tbp.key({ color: lines[at].line.color, symbol: figure.data[2 * at + 1].marker.symbol }));
  });
  tbp.figure(fold.querySelector(".memory-chart"), figure);
};

tbp.fillUse = (fold, { parts, figure }) => {
  const template = document.createElement("template");
  template.innerHTML = parts[fold.dataset.part];
  fold.append(template.content);
  tbp.withDownloads(fold);
  if (fold.querySelector(".memory-chart")) tbp.memoryChart(fold, figure);
  fold.dataset.ready = "yes";
};

tbp.additions.push((part) => {
  for (const fold of part.querySelectorAll(".device-use [data-part]")) {
    const { use: id, source } = fold.parentElement.dataset;
    const open = () => {
      const fill = () => tbp.fillUse(fold, tbp.uses.data.get(id));
      if (tbp.uses.data.has(id)) { fill(); return; }
      tbp.uses.waiting.set(id, [...(tbp.uses.waiting.get(id) || []), fill]);
      tbp.load(source, () => fold.append(tbp.make("p", {}, tbp.missing(source))));
    };
    tbp.onceOpen(fold, open);
  }
});
