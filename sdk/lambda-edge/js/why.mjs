// Says why the runtime cannot be set up: runs `wizer.initialize` of core.wasm with a log.
import { readFileSync } from 'node:fs';

const module = new WebAssembly.Module(readFileSync(process.argv[2]));
let memory;
const imports = {};
for (const { module: from, name } of WebAssembly.Module.imports(module)) {
  (imports[from] ??= {})[name] = (level, start, length) => {
    if (name === 'write') console.error(Buffer.from(memory.buffer, start, length).toString());
    return 0;
  };
}
const instance = new WebAssembly.Instance(module, imports);
memory = instance.exports.memory;
instance.exports['wizer.initialize']();
