// The WIT world of one filter: it exports the phases that are implemented and imports the interfaces that are used, since
// each import makes an instance dearer.

import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

export const WORLD = "guest";

/** The name and version of the ABI's package, as `rimward:filter` and `0.1.0`. */
export async function abiOf(wit) {
  const [, name, version] = /^package\s+([\w:-]+)@([\w.-]+);/m.exec(await readFile(wit, "utf8")) ?? [];
  if (!name) throw new Error(`${wit} does not begin with a package, as \`package rimward:filter@0.1.0;\``);
  return { name, version };
}

/** Writes the world and the ABI's own WIT as a package into `folder`. */
export async function writeWorld(folder, wit, { name, version }, imported, exported) {
  const line = (word) => (item) => `  ${word} ${name}/${item}@${version};`;
  const lines = [...imported.map(line("import")), ...exported.map(line("export"))];
  await mkdir(join(folder, "deps", "filter"), { recursive: true });
  await cp(wit, join(folder, "deps", "filter", "filter.wit"));
  await writeFile(join(folder, "world.wit"), `package guest:filter;\n\nworld ${WORLD} {\n${lines.join("\n")}\n}\n`);
}
