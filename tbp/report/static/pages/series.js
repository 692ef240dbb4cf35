// written by tbp report
// The series of data/index.js, worst first: what the filter and the order look at. Their rows and cards are HTML in
// files of their own (see base/chunks.js).
"use strict";

tbp.index = (data) => {
  const commits = [null, ...data.commits.map(([hash, date, subject]) => ({ hash, short: hash.slice(0, 8), date, subject }))];
  tbp.chunkSize = data.chunk;
  tbp.series = data.texts.map((text, place) => {
    const name = data.benchmarks[data.benchmark_at[place]];
    const [machine, environment] = [data.machines[data.machine_at[place]], data.environments[data.environment_at[place]]];
    const commit = commits[data.commit_at[place]];
    const words = [name, machine, environment, text, ...(commit ? [commit.hash, commit.date, commit.subject] : [])];
    return {
      name, machine, environment, commit, suite: name.split(".")[0], device: data.devices[data.device_at[place]],
      state: data.states[data.state_at[place]], size: data.sizes[place], text: words.join(" ").toLowerCase(),
    };
  });
};
