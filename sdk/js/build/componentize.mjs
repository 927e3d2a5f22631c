// A component out of one module and its world, by the engine that was asked for.

import { loadProblem } from "./lines.mjs";
import { WORLD } from "./world.mjs";

const STARLING = "@bytecodealliance/componentize-js";

// The second is one that the first needs and does not name.
const INSTALL = `npm install ${STARLING}@0.23.0 @bytecodealliance/preview2-shim@0.17.9`;

/** The bytes of the component. */
export async function componentize(engine, options) {
  try {
    return await (engine === "starling" ? withStarling(options) : withQuickJs(options));
  } catch (error) {
    if (/evaluat/.test(error.message)) throw new Error(loadProblem(error.message, options.lines));
    throw error;
  }
}

async function withQuickJs({ code, wit, small }) {
  const { componentize } = await import("componentize-qjs");
  const { component } = await componentize({
    witPath: wit,
    world: WORLD,
    jsSource: code,
    sync: true,
    stubWasi: true,
    optSize: small,
  });
  return component;
}

async function withStarling({ code, wit }) {
  const { componentize } = await import(STARLING).catch((error) => {
    throw error.code === "ERR_MODULE_NOT_FOUND" ? new Error(`--engine starling needs more packages, in the SDK's folder: ${INSTALL}`) : error;
  });
  const { component } = await componentize(code, {
    witPath: wit,
    worldName: WORLD,
    sourceName: "component.js",
    disableFeatures: ["stdio", "http", "fetch-event"],
  });
  return component;
}
