// The phases that a filter may implement: what its functions are called, which interface of the ABI each is, and what each gets:
// what the host gives, if it gives anything, and then views on what it has. `verdict` reads what it returned, `silent` stands for nothing.

const headers = (wit, args) => ({ wit, member: "handle", args, verdict: "headVerdict", silent: "NEXT" });
const body = (wit, args) => ({ wit, member: "handle", args, verdict: "chunkVerdict", silent: "PASS" });

export const PHASES = {
  request: headers("on-request", ["request"]),
  originRequest: headers("on-origin-request", ["request"]),
  originResponse: headers("on-origin-response", ["response", "request"]),
  response: headers("on-response", ["response", "request"]),
  requestBody: body("on-request-body", ["chunk", "request"]),
  originResponseBody: body("on-origin-response-body", ["chunk", "response", "request"]),
  responseBody: body("on-response-body", ["chunk", "response", "request"]),
  log: { wit: "on-log", member: "handle", args: ["request"], given: "given", verdict: "nothing", silent: "undefined" },
  configure: { wit: "lifecycle", member: "configure", args: [], given: "JSON.parse(given)", verdict: "nothing", silent: "undefined" },
};

/** The phases among a module's exports. */
export function phasesOf(exported, source) {
  const phases = exported.filter((name) => Object.hasOwn(PHASES, name));
  if (phases.length === 0) {
    const what = exported.length === 0 ? "nothing" : `only \`${exported.join("`, `")}\``;
    throw new Error(`${source} exports ${what}: a filter exports functions named ${Object.keys(PHASES).join(", ")}`);
  }
  return phases;
}

/** Exports that are no phase; most likely a slip of the pen. */
export const othersOf = (exported) => exported.filter((name) => !Object.hasOwn(PHASES, name));
