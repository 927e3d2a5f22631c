#!/usr/bin/env bash
# Builds the guests of this repository: the examples of the SDKs for Rust and C, and those that the suite has the edge run.
#
#   sdk/build-guests.sh          into tests/guests, where they are committed with the digests of what they are made of
#   sdk/build-guests.sh check    into target/guests, to see that they build; fails when those in tests/guests are of other sources
#
# The toolchains are those of rustup (`rustup target add wasm32-unknown-unknown`) and any clang with a libc for WASI. Where they are
# missing and this is Debian, its packages are installed: rustc-web is a current compiler with the sources of its library, which is built along.
set -euo pipefail
cd "$(dirname "$0")/.."

mode="${1:-write}"
case "$mode" in
    write) out=tests/guests ;;
    check) out=target/guests/built ;;
    *) echo "usage: sdk/build-guests.sh [check]" >&2 && exit 2 ;;
esac
work="$PWD/target/guests"
target=wasm32-unknown-unknown
mkdir -p "$work" "$out"

fail() {
    echo "sdk/build-guests.sh: $1" >&2
    exit 1
}

# Installs packages of Debian that are not there.
install_missing() {
    local package missing=()
    for package in "$@"; do
        dpkg-query --show --showformat='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    ((${#missing[@]})) || return 0
    command -v apt-get >/dev/null && [[ $EUID == 0 ]] || fail "needs ${missing[*]}: these are Debian's names, and installing them needs root"
    echo "installing ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# Sets `cargo_guest` to what builds a guest in Rust.
find_rust() {
    export RUSTFLAGS="--remap-path-prefix=$PWD=. --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}/registry/src=crates"
    if rustc --print target-libdir --target "$target" 2>/dev/null | xargs -I{} test -d {}; then
        cargo_guest=(cargo)
        return
    fi
    install_missing rustc-web cargo-web rust-web-src lld-22
    local version
    version="$(/usr/bin/rustc --version | cut -d' ' -f2)"
    printf '1.88\n%s\n' "$version" | sort --check=quiet --version-sort || fail "rustc-web is $version: 1.88 or later is needed"
    cargo_guest=(env "PATH=/usr/bin:$PATH" RUSTC_BOOTSTRAP=1 CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=wasm-ld-22
        cargo -Zbuild-std=std,panic_abort)
}

# Sets `clang_guest` to what builds a guest in C.
find_clang() {
    clang_guest=(clang --target=wasm32-wasi)
    "${clang_guest[@]}" -mexec-model=reactor -o /dev/null -x c - <<<'#include <stdlib.h>' 2>/dev/null && return
    install_missing clang lld wasi-libc
    local version
    version="$(clang -dumpversion | cut -d. -f1)"
    install_missing "libclang-rt-$version-dev-wasm32"
}

# rust FOLDER PACKAGE NAME [OPTION...]: a guest NAME of a package in a workspace.
rust() {
    local folder="$1" package="$2" name="$3"
    shift 3
    "${cargo_guest[@]}" build --quiet --release --locked --target "$target" --target-dir "$work/rust" \
        --manifest-path "$folder/Cargo.toml" --package "$package" "$@"
    component "$work/rust/$target/release/${package//-/_}.wasm" "$name"
}

# c FILE NAME: a guest NAME of one file.
c() {
    "${clang_guest[@]}" -mexec-model=reactor -Oz -Wall -Wextra -Werror -Isdk/c/include \
        -Wl,--gc-sections -Wl,--strip-all -Wl,--stack-first -Wl,-z,stack-size=131072 \
        -o "$work/$2.core.wasm" "$1" sdk/c/src/rimward.c sdk/c/src/host.c
    component "$work/$2.core.wasm" "$2"
}

component() {
    mkdir -p "$(dirname "$out/$2")"
    "$componentize" "$1" "$out/$2.wasm"
    echo "$out/$2.wasm: $(stat --format=%s "$out/$2.wasm") bytes"
}

# The digests of what the guests are made of.
sources() {
    git ls-files --cached --others --exclude-standard -- sdk/build-guests.sh sdk/wit sdk/rust sdk/c tests/guests/rust \
        tests/guests/functions examples/functions |
        grep --invert-match --extended-regexp '/template/|\.md$|/tests\.toml$|generate\.py$|\.gitignore$|\.wasm$' |
        LC_ALL=C sort | while read -r file; do [[ ! -f $file ]] || sha256sum "$file"; done
}

if [[ $mode == check ]]; then
    diff --unified=0 tests/guests/SOURCES.sha256 <(sources) ||
        fail "the guests in tests/guests are of other sources: run sdk/build-guests.sh and commit what it makes"
fi

cargo build --quiet --package rimward-filters --example component
componentize="${CARGO_TARGET_DIR:-target}/debug/examples/component"
find_rust
find_clang

rust tests/guests/rust probe probe
rust tests/guests/rust stamp stamp-one
rust tests/guests/rust stamp stamp-two --features two
for example in auth ab-kv rewriter; do
    rust sdk/rust "$example" "rust-$example"
    c "sdk/c/examples/$example/filter.c" "c-$example"
done

rust tests/guests/functions/tried tried functions/tried
rust examples/functions/hello hello functions/hello

if [[ $mode == write ]]; then
    # The example is run from where it is.
    mv "$out/functions/hello.wasm" examples/functions/hello.wasm
    sources >tests/guests/SOURCES.sha256
fi
