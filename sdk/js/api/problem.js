// What the log shows of an error: its name, its message and where it came from.

const LINES = 5;
const PLACE = /([\w$.<> ]*?) ?[@(]?\(?(?:[\w:-]*\.js):(\d+)(?::\d+)?\)?$/;

/** One text for anything that can be thrown. */
export function describe(error) {
  if (!(error instanceof Error)) return typeof error === "string" ? error : `thrown: ${shown(error)}`;
  const places = String(error.stack ?? "").split("\n").map(placeOf).filter(Boolean).slice(0, LINES);
  const cause = error.cause === undefined ? [] : [`caused by ${describe(error.cause)}`];
  return [`${error.name}: ${error.message}`, ...places.map((place) => `    at ${place}`), ...cause].join("\n");
}

// A line of a stack by the author's file and line; what is not the author's is left out.
function placeOf(line) {
  const [, name, number] = PLACE.exec(line.trim().replace(/^at /, "")) ?? [];
  const { files, runs } = globalThis.__rimwardLines ?? { files: [], runs: [] };
  const run = runs.find(([at, , , count]) => number >= at && number < at + count);
  if (!run) return undefined;
  const [at, file, from] = run;
  const place = `${files[file]}:${from + Number(number) - at}`;
  return name && !name.startsWith("<") ? `${name} (${place})` : place;
}

function shown(value) {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}
