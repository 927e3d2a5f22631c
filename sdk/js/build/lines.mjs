// Where the lines of a bundle come from, so that an error can name the author's file and line.

import { dirname, relative, resolve } from "node:path";

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/**
 * Runs of lines, as `[line of the bundle, file, line of the file, how many]`, of the files that are the author's own.
 * `map` is a source map whose sources are relative to the working directory.
 */
export function linesOf(map, source, authors) {
  const { sources, mappings } = JSON.parse(map);
  const names = sources.map((file) => (authors.includes(resolve(file)) ? relative(dirname(resolve(source)), resolve(file)) : undefined));
  const files = [...new Set(names.filter((name) => name !== undefined))];
  const runs = [];
  for (const [at, { file, line }] of firsts(mappings)) {
    if (names[file] === undefined) continue;
    const last = runs.at(-1);
    const index = files.indexOf(names[file]);
    if (last && last[1] === index && at === last[0] + last[3] && line === last[2] + last[3]) last[3]++;
    else runs.push([at, index, line, 1]);
  }
  return { files, runs };
}

/** What an engine said of a module that failed while it was loaded, by the author's files and lines. */
export function loadProblem(message, { files, runs }) {
  const stack = message.replace(/^.*(module evaluation: |top-level script\s)/s, "").trim().split("\n");
  const text = stack[0].replace(/^\S+\.js:[\d:]+ /, "");
  const places = stack.map((line) => {
    const number = Number(/\.js:(\d+)/.exec(line)?.[1]);
    const run = runs.find(([at, , , count]) => number >= at && number < at + count);
    return run && `    at ${files[run[1]]}:${run[2] + number - run[0]}`;
  });
  return [`the module fails when it is loaded: ${text}`, ...new Set(places.filter(Boolean))].join("\n");
}

// For each line of the bundle, the first place that something in it comes from.
function* firsts(mappings) {
  let [file, line] = [0, 0];
  for (const [index, group] of mappings.split(";").entries()) {
    let first;
    for (const segment of group.split(",").filter(Boolean)) {
      const [, files = 0, lines = 0] = numbers(segment);
      file += files;
      line += lines;
      first ??= { file, line: line + 1 };
    }
    if (first) yield [index + 1, first];
  }
}

// A segment of a source map: base 64, five bits a digit, the lowest first, the very lowest being the sign.
function numbers(segment) {
  const found = [];
  let [value, shift] = [0, 0];
  for (const digit of segment) {
    const bits = DIGITS.indexOf(digit);
    value |= (bits & 31) << shift;
    shift += 5;
    if (bits & 32) continue;
    found.push(value & 1 ? -(value >> 1) : value >> 1);
    [value, shift] = [0, 0];
  }
  return found;
}
