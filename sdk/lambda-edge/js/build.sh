#!/bin/bash
# Builds runtime.wasm, which runs Lambda@Edge handlers in JavaScript: QuickJS, the glue in engine/ and Node's
# surroundings in node/, set up and frozen as a snapshot, as one component that imports only the host's interfaces.
#
#   build.sh           builds it, when its sources are not those it was built from
#   build.sh --check   only says whether it is up to date
#   build.sh --force   builds it anyway
#
# Needs Debian's clang, lld, wasi-libc and libclang-rt-dev-wasm32, cargo and npm; the rest it takes from crates.io and
# npm, into RIMWARD_TOOLS (~/.cache/rimward-tools).
set -euo pipefail
cd "$(dirname "$0")"

engine=rquickjs-sys@0.14.0 # the crate that brings the sources of QuickJS-ng 0.16.2
bindgen=wit-bindgen-cli@0.63.0
wasm_tools=wasm-tools@1.254.0
wizer=@bytecodealliance/wizer@10.0.0
optimizer=binaryen@132.0.0
tools=${RIMWARD_TOOLS:-$HOME/.cache/rimward-tools}

# What the runtime is made of: the sources, and the versions above. (Whether its interfaces are the host's is seen when
# it is linked.)
sources() {
    find build.sh engine node -type f | LC_ALL=C sort | xargs sha256sum
}
fingerprint=$(sources | sha256sum | cut -d' ' -f1)

if [ "${1-}" != --force ] && [ "$fingerprint" = "$(cat runtime.sources 2>/dev/null)" ]; then
    echo "runtime.wasm is up to date"
    exit 0
fi
if [ "${1-}" = --check ]; then
    echo "runtime.wasm is older than its sources: run $0" >&2
    exit 1
fi

build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT

cargo_tool() { # package@version, features
    local name=${1%@*}
    name=${name%-cli}
    [ -x "$tools/$1/bin/$name" ] || cargo install --quiet --locked --root "$tools/$1" "$1" --no-default-features --features "$2" >&2
    echo "$tools/$1/bin/$name"
}

npm_tool() { # package@version, command
    local folder=$tools/npm/${1//\//-}
    [ -x "$folder/node_modules/.bin/$2" ] || npm install --silent --no-audit --no-fund --prefix "$folder" "$1" >&2
    echo "$folder/node_modules/.bin/$2"
}

# The folder with `quickjs/quickjs.c` in it, from the crate as cargo unpacks it.
engine_sources() {
    mkdir -p "$build/engine/src"
    : > "$build/engine/src/lib.rs"
    cat > "$build/engine/Cargo.toml" <<TOML
[package]
name = "engine"
version = "0.0.0"
edition = "2024"
[dependencies]
${engine%@*} = "=${engine#*@}"
[workspace]
TOML
    cargo metadata --quiet --format-version 1 --manifest-path "$build/engine/Cargo.toml" |
        node -e 'const { packages } = JSON.parse(require("fs").readFileSync(0));
            console.log(require("path").dirname(packages.find((one) => one.name === process.argv[1]).manifest_path))' "${engine%@*}"
}

# node/*.js as arrays of C, each the expression of a function.
pack_files() {
    (cd node && find . -name '*.js' | LC_ALL=C sort) | node -e '
        const fs = require("fs");
        const names = fs.readFileSync(0, "utf8").trim().split("\n").map((one) => one.replace(/^\.\/|\.js$/g, ""));
        const table = names.map((name, i) => {
            const parameters = name === "runtime" ? "host, files" : "exports, require, module, host";
            const text = Buffer.from(`(function (${parameters}) {${fs.readFileSync(`node/${name}.js`, "utf8")}\n})`);
            console.log(`static char FILE_${i}[] = {${[...text].join(",")},0};`);
            return `    {"${name}", FILE_${i}, ${text.length}},`;
        });
        console.log(`static struct file { const char *name; char *source; size_t length; } FILES[] = {`);
        console.log(`${table.join("\n")}\n    {0, 0, 0},\n};`);'
}

compile() { # source, object
    clang --target=wasm32-wasi -mbulk-memory -msign-ext -mnontrapping-fptoint -isystem /usr/include/wasm32-wasi -O2 -DNDEBUG -D_GNU_SOURCE -fvisibility=hidden \
        -I "$quickjs" -I "$build" -I engine -Wno-unused-value "${@:3}" -c "$1" -o "$2"
}

quickjs=$(engine_sources)
"$(cargo_tool $bindgen c)" c ../../wit --world lambda-edge-runtime --out-dir "$build" > /dev/null
pack_files > "$build/files.h"
for part in libregexp libunicode dtoa; do
    compile "$quickjs/quickjs/$part.c" "$build/$part.o"
done
for part in engine/*.c; do
    compile "$part" "$build/our-$(basename "$part" .c).o"
done
compile "$build/lambda_edge_runtime.c" "$build/bindings.o"
clang --target=wasm32-wasi -nostdlib -Wl,--no-entry -Wl,--gc-sections -Wl,--strip-debug -Wl,--stack-first \
    -Wl,-z,stack-size=262144 "$build"/*.o -L/usr/lib/wasm32-wasi -lc -lm \
    "$(clang -print-resource-dir)/lib/wasi/libclang_rt.builtins-wasm32.a" -o "$build/core.wasm"
"$(npm_tool $wizer wizer)" --wasm-bulk-memory true --init-func wizer.initialize "$build/core.wasm" -o "$build/snapshot.wasm" 2> "$build/wizer.log" ||
    { tail -n 5 "$build/wizer.log"; node why.mjs "$build/core.wasm"; exit 1; }
"$(npm_tool $optimizer wasm-opt)" -O3 --enable-bulk-memory --enable-sign-ext --enable-mutable-globals \
    --enable-nontrapping-float-to-int --strip-producers "$build/snapshot.wasm" -o "$build/small.wasm"
"$(cargo_tool $wasm_tools component)" component new "$build/small.wasm" -o "$build/runtime.wasm"
mv "$build/runtime.wasm" runtime.wasm
echo "$fingerprint" > runtime.sources
ls -l runtime.wasm
