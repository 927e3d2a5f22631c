// Turns the functions that a filter exports into what the host calls: verdicts out of what they return, texts out of what
// they throw.

import { describe } from "./problem.js";

const STARLING = __RIMWARD_ENGINE__ === "starling";

/** What the host gets for a promise: `settle` waits for it, `verdict` reads what it gives. */
export function awaited(promise, verdict, name, settle) {
  return STARLING ? promise.then((value) => verdict(value, name)).catch(fail) : verdict(settle(promise, name), name);
}

/** A thrown text is the one thing that all engines hand to the host as the phase's error. */
export function fail(error) {
  throw describe(error);
}

export const NEXT = { tag: "next" };

/** What a phase of heads returned. */
export function headVerdict(returned, name) {
  if (returned === undefined || returned === null) return NEXT;
  if (returned.tag === "respond" || returned.tag === "replace-body") return returned;
  throw new TypeError(
    `\`${name}\` returned ${typeof returned === "object" ? "an object" : `a ${typeof returned}`}: return nothing to go on, ` +
      "or what `respond(…)`, `redirect(…)` or `replaceBody(…)` made",
  );
}

/** What a phase that can't decide anything returned. */
export const nothing = () => undefined;
