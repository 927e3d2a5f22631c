// What the log shows of an error: its name, its message and where it came from.

const LINES = 4;

/** One text for anything that can be thrown. */
export function describe(error) {
  if (!(error instanceof Error)) return typeof error === "string" ? error : `thrown: ${shown(error)}`;
  const head = `${error.name}: ${error.message}`;
  const frames = String(error.stack ?? "")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line && !head.startsWith(line) && !isOurs(line))
    .slice(0, LINES);
  const cause = error.cause === undefined ? [] : [`caused by ${describe(error.cause)}`];
  return [head, ...frames.map((line) => `    ${line}`), ...cause].join("\n");
}

const isOurs = (line) => /\b(ask|entry)\b|^\w+\.handle\b|\(native\)/.test(line);

function shown(value) {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}
