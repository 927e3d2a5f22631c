// Turns the functions that a filter exports into what the host calls: verdicts out of what they return, texts out of what
// they throw.

import { started } from "./host.js";
import { describe } from "./problem.js";

const STARLING = __RIMWARD_ENGINE__ === "starling";

/** The host's entry to one phase. `settle` waits for promises, `verdict` reads what the function returned. */
export function entry(name, run, verdict, settle) {
  return (...args) => {
    started();
    try {
      const returned = run(...args);
      if (typeof returned?.then !== "function") return verdict(returned, name);
      if (STARLING) return returned.then((value) => verdict(value, name)).catch(fail);
      return verdict(settle(returned, name), name);
    } catch (error) {
      return fail(error);
    }
  };
}

// A thrown text is the one thing that all engines hand to the host as the phase's error.
function fail(error) {
  throw describe(error);
}

const NEXT = { tag: "next" };

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
