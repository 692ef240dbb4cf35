// written by tbp report
// An asv result file that a reader gives to the comparison, as from a colleague's machine: read in the page, sent
// nowhere. Takes its text, gives the commit, the place and the values of the series that the report has; whatever is
// wrong with a file is said in a sentence that names what to do.
"use strict";

tbp.foreign = {
  // More is no result file: the largest with all their samples have a tenth.
  MOST_BYTES: 64e6,
  MOST_CELLS: 1e5, // of one benchmark; the largest known has some thousand
  WHERE: "choose a result file of asv, such as .asv/results/MACHINE/COMMIT-ENVIRONMENT.json",
};

// asv writes NaN for skipped and Infinity, which JSON has not; texts stay as they are.
tbp.foreign.parsed = (text) => JSON.parse(text.replace(/"(?:[^"\\]+|\\.)*"|-?\b(?:NaN|Infinity)\b/g,
  (found) => (found.startsWith('"') ? found : found === "NaN" ? '"NaN"' : "null")));

// What a parameter's repr is shown as: 'sdpa' → sdpa.
tbp.foreign.plain = (repr) => {
  const found = /^(['"])([^\\]*)\1$/.exec(String(repr));
  return found && found[2].trim() ? found[2] : String(repr);
};

// Every combination of the parameters' values, the last one fastest, as asv stores them.
tbp.foreign.combinations = (params) => params.reduce(
  (all, values) => all.flatMap((one) => values.map((value) => [...one, tbp.foreign.plain(value)])), [[]]);

// Fits the label of the series with these values, in this order, whatever its parameters are called.
tbp.foreign.label = (values) => {
  const escaped = values.map((value) => value.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${escaped.map((value) => `[^=]*=${value}`).join(", ")}$`);
};

// One row of a file, by the names of the file's columns.
tbp.foreign.cells = (own, columns) => {
  const at = (name) => (Array.isArray(own) ? own[columns.indexOf(name)] : undefined);
  const params = at("params");
  const lists = Array.isArray(params) ? params.filter(Array.isArray) : [];
  if (lists.reduce((number, values) => number * values.length, 1) > tbp.foreign.MOST_CELLS) return [];
  const combinations = tbp.foreign.combinations(lists);
  const result = at("result");
  return combinations.map((values, index) => ({ values, value: Array.isArray(result) ? result[index] : null }))
    // A row may be too short: there was no run of the rest.
    .filter(({ value }) => value !== undefined);
};

// name: of the file. stored: benchmark → its series in the report.
tbp.foreign.read = (name, text, stored) => {
  const { WHERE } = tbp.foreign;
  let file;
  try { file = tbp.foreign.parsed(text); } catch { throw new Error(`${name} is no JSON: ${WHERE}.`); }
  const { results, result_columns: columns, commit_hash: hash, env_name: environment, params, date, version } = file || {};
  if (typeof results !== "object" || !results || typeof hash !== "string") throw new Error(`${name} is no asv result, it has no results of a commit: ${WHERE}.`);
  if (version !== 2 || !Array.isArray(columns)) throw new Error(`${name} is of another format of asv than 2: run asv update in its project, then choose it again.`);
  const runs = [];
  let unknown = 0;
  for (const [benchmark, own] of Object.entries(results)) {
    const rows = stored.get(benchmark) || [];
    if (!rows.length) unknown += 1;
    for (const { values, value } of rows.length ? tbp.foreign.cells(own, columns) : []) {
      const label = values.length ? tbp.foreign.label(values) : /^$/;
      const row = rows.find((one) => label.test(one.label));
      const state = value === "NaN" ? "skipped" : typeof value === "number" ? "measured" : "failed";
      if (row) runs.push({ row, state, value: state === "measured" ? value : NaN });
    }
  }
  if (!runs.length) throw new Error(`${name} has none of this report's series: choose a result of the same benchmarks.`);
  const when = new Date(date);
  return {
    runs, unknown,
    commit: { short: tbp.shortHash(hash), date: Number.isNaN(when.getTime()) ? "" : `${when.toISOString().slice(0, 16).replace("T", " ")} UTC`, subject: "", href: "" },
    machine: String(params?.machine ?? "unknown machine"), environment: String(environment ?? ""),
  };
};

// Files that a reader chooses or drops on the page: `add` takes a name and a text, and says what became of it.
tbp.foreign.listen = (form, add) => {
  const get = (id) => document.getElementById(id);
  const take = async (files) => {
    const said = [];
    for (const file of files) {
      try {
        if (file.size > tbp.foreign.MOST_BYTES) throw new Error(`${file.name} has more than 64 MB: ${tbp.foreign.WHERE}.`);
        said.push(add(file.name, await file.text()));
      } catch (error) {
        said.push(error.message);
      }
    }
    get("compare-read").replaceChildren(...said.map((text) => tbp.make("li", {}, tbp.make("bdi", {}, text))));
  };
  const chosen = get("compare-files");
  chosen.addEventListener("change", async () => { await take([...chosen.files]); chosen.value = ""; });
  // In a report of one file the form may be gone.
  const isFile = (event) => form.isConnected && [...event.dataTransfer.types].includes("Files");
  document.addEventListener("dragover", (event) => { if (isFile(event)) { event.preventDefault(); form.classList.add("dropping"); } });
  document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) form.classList.remove("dropping"); });
  document.addEventListener("drop", (event) => {
    if (!isFile(event)) return;
    event.preventDefault();
    form.classList.remove("dropping");
    take([...event.dataTransfer.files]);
  });
};
