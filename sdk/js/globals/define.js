/** Puts a value in the place of a global, whether or not the engine has one. */
export function define(name, value, on = globalThis) {
  Object.defineProperty(on, name, { value, writable: true, configurable: true });
}
