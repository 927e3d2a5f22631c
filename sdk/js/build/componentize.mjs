// A component out of one module and its world, by the engine that was asked for.

import { WORLD } from "./world.mjs";

const STARLING = "@bytecodealliance/componentize-js";

/** The bytes of the component. */
export function componentize(engine, options) {
  return engine === "starling" ? withStarling(options) : withQuickJs(options);
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
  const { componentize } = await import(STARLING).catch(() => {
    throw new Error(`--engine starling needs the package ${STARLING}: npm install ${STARLING}@0.23.0`);
  });
  const { component } = await componentize(code, {
    witPath: wit,
    worldName: WORLD,
    sourceName: "component.js",
    disableFeatures: ["stdio", "http", "fetch-event"],
  });
  return component;
}
