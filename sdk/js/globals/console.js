// `console`, which writes to the edge's log. What is written while the module is loaded goes nowhere: nobody is there yet.

import { enabled, write } from "rimward:filter/log";

import { running } from "../api/host.js";
import { describe } from "../api/problem.js";
import { define } from "./define.js";

function logger(level) {
  return (...values) => {
    if (running && enabled(level)) write(level, format(values));
  };
}

function format([first, ...rest]) {
  if (typeof first !== "string" || !first.includes("%")) return [first, ...rest].map(shown).join(" ");
  const text = first.replace(/%[sdifjoO%]/g, (place) => {
    if (place === "%%") return "%";
    if (rest.length === 0) return place;
    const value = rest.shift();
    if (place === "%s") return typeof value === "string" ? value : shown(value);
    if (place === "%d" || place === "%f") return String(Number(value));
    if (place === "%i") return String(Math.trunc(Number(value)));
    return shown(value);
  });
  return [text, ...rest.map(shown)].join(" ");
}

function shown(value) {
  if (typeof value === "string") return value;
  if (value instanceof Error) return describe(value);
  if (typeof value === "function") return `[function ${value.name || "without a name"}]`;
  if (typeof value !== "object" || value === null) return String(value);
  try {
    return JSON.stringify(value, plain);
  } catch {
    return String(value);
  }
}

function plain(_, value) {
  if (typeof value === "bigint") return `${value}n`;
  if (value instanceof Map) return Object.fromEntries(value);
  if (value instanceof Set) return [...value];
  if (value instanceof Error) return describe(value);
  if (ArrayBuffer.isView(value)) return `[${value.constructor.name} of ${value.byteLength} bytes]`;
  return value;
}

const info = logger("info");
const error = logger("error");

define("console", {
  trace: logger("trace"),
  debug: logger("debug"),
  log: info,
  info,
  warn: logger("warn"),
  error,
  dir: info,
  assert: (holds, ...values) => holds || error("assertion failed:", ...values),
});
