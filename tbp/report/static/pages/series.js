// written by tbp report
// The series of data/index.js, worst first: what the filter and the order look at. Their rows and cards are HTML in
// files of their own (see base/chunks.js).
"use strict";

tbp.index = ({ chunk, rows, events }) => {
  tbp.chunkSize = chunk;
  tbp.series = rows.map(([name, machine, environment, text, rig, state, size, [hash, date, subject]]) => ({
    name, rig, state, size, suite: name.split(".")[0],
    commit: hash ? { hash, short: tbp.shortHash(hash), date, subject } : null,
    text: [name, machine, environment, text, hash, date, subject].join(" ").toLowerCase(),
  }));
  // The events with changes that stand, newest first; `regressions` and `changed` are places of rows.
  tbp.events = events.map(([anchor, moment, regressions, changed]) => ({ anchor, moment, regressions, changed }));
};
