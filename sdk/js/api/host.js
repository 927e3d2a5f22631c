// What every part of the API needs to speak to the host: errors that read well, bytes, and whether the host is there at all.

const TEXTS = {
  "not-allowed-in-phase": "not allowed in this phase",
  "read-only": "can't be changed in this phase",
  forbidden: "this header can't be seen or changed by filters",
  timeout: "took too long",
};

/** What the host answers when something can't be done. `code` is its name in the ABI, as `no-such` or `limit`. */
export class HostError extends Error {
  constructor(what, { tag, val }) {
    const why = TEXTS[tag] ?? tag.replaceAll("-", " ");
    super(`${what}: ${val === undefined || val === null ? why : `${why}: ${val}`}`);
    this.name = "HostError";
    this.code = tag;
  }
}

/** Calls the host; what it refuses becomes a `HostError` that says what was tried. */
export function ask(what, call) {
  try {
    return call();
  } catch (error) {
    throw told(what, error);
  }
}

/** What the host refused, as a `HostError` that says what was tried. */
export function told(what, error) {
  return typeof error?.payload?.tag === "string" ? new HostError(what, error.payload) : error;
}

/**
 * Whether a phase has run; before, nothing of the host is there. The module is loaded once, when it is built, and every instance starts
 * from a picture of that moment.
 */
export let running = false;

export function started() {
  running = true;
}

/** Refuses what would be the same in every instance if it were done while the module is loaded. */
export function onlyInPhases(what) {
  if (!running) {
    throw new Error(`\`${what}\` can't be used while the module is loaded, which happens once, when it is built: use it in a phase`);
  }
}
