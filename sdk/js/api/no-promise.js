// For filters whose code names no promise: one can only come from the engine, and would never be settled.

export function settle(_, name) {
  throw new Error(`the promise that \`${name}\` returned is never settled`);
}
