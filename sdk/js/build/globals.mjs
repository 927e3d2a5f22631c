// Which of the globals that the engines lack, or have wrong, a filter's code names. Only those get into its component.

import { readFile } from "node:fs/promises";

const GLOBALS = [
  { file: "random.js", names: /\brandom\b|\bcrypto\b/, engines: ["qjs", "starling"] },
  { file: "date.js", names: /\bDate\b|\bperformance\b/, engines: ["qjs", "starling"] },
  { file: "console.js", names: /\bconsole\b/, engines: ["qjs", "starling"] },
  { file: "absent.js", names: /\b(set|clear)(Timeout|Interval|Immediate)\b|\bfetch\b/, engines: ["qjs", "starling"] },
  { file: "promise.js", names: /\b(async|await|Promise|queueMicrotask)\b|\bimport\s*\(/, engines: ["qjs"] },
  { file: "text.js", names: /\bText(En|De)coder\b/, engines: ["qjs"] },
  { file: "url.js", names: /\bURL(SearchParams)?\b/, engines: ["qjs"] },
  { file: "headers.js", names: /\bHeaders\b/, engines: ["qjs"] },
  { file: "clone.js", names: /\bstructuredClone\b/, engines: ["qjs"] },
];

/** The files of `globals/` that code made of these source files needs. */
export async function globalsFor(sources, engine) {
  const texts = await Promise.all(sources.map((source) => readFile(source, "utf8")));
  return GLOBALS.filter(({ names, engines }) => engines.includes(engine) && texts.some((text) => names.test(text))).map(({ file }) => file);
}
