#!/usr/bin/env bash
# Makes the filters in JavaScript and Python that tests use: target/guests/js/NAME.wasm and target/guests/python/NAME.wasm, of each
# folder in sdk/*/examples and sdk/*/tests. What is unchanged is left alone. A language whose tools can't be had is skipped, and said so.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly OUT=target/guests

# A digest of all that a component is made of.
digest() {
    find "$@" -type f -not -path '*/node_modules/*' -not -path '*/__pycache__/*' -not -name '*.wasm' -print0 |
        LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -d' ' -f1
}

# Calls `build SOURCE OUT` for what has changed since it was built.
make_if_changed() {
    local build="$1" source="$2" component="$3" stamp
    shift 3
    stamp="$(digest "$(dirname "$source")" sdk/wit "$@")"
    if [[ -f "$component" && "$(cat "$component.digest" 2>/dev/null)" == "$stamp" ]]; then
        return 0
    fi
    mkdir -p "$(dirname "$component")"
    "$build" "$source" "$component"
    echo "$stamp" >"$component.digest"
}

build_js() { node sdk/js/build.mjs "$1" -o "$2"; }

javascript_filters() {
    command -v node >/dev/null && command -v npm >/dev/null || {
        echo "skipped: filters in JavaScript need node and npm"
        return 0
    }
    local lock
    lock="$(digest sdk/js/package-lock.json)"
    if [[ "$(cat sdk/js/node_modules/.digest 2>/dev/null)" != "$lock" ]]; then
        (cd sdk/js && npm ci --ignore-scripts --no-audit --no-fund --silent) || {
            echo "skipped: filters in JavaScript, whose tools can't be fetched from npm"
            return 0
        }
        echo "$lock" >sdk/js/node_modules/.digest
    fi
    npm test --silent --prefix sdk/js >target/sdk-js-tests.log 2>&1 || {
        cat target/sdk-js-tests.log
        return 1
    }
    local source name
    for source in sdk/js/examples/*/filter.js sdk/js/tests/*/filter.js; do
        name="$(basename "$(dirname "$source")")"
        make_if_changed build_js "$source" "$OUT/js/$name.wasm" \
            sdk/js/build.mjs sdk/js/build sdk/js/api sdk/js/globals sdk/js/rimward.js sdk/js/package-lock.json
    done
}

build_python() { target/ci-tools/componentize-py/bin/python sdk/python/build.py "$1" -o "$2"; }

python_filters() {
    command -v python3 >/dev/null || {
        echo "skipped: filters in Python need python3"
        return 0
    }
    python3 sdk/python/tests/test_build.py >target/sdk-python-tests.log 2>&1 || {
        cat target/sdk-python-tests.log
        return 1
    }
    local folder=target/ci-tools/componentize-py
    if [[ "$(cat "$folder/requirements.txt" 2>/dev/null)" != "$(cat sdk/python/requirements.txt)" ]]; then
        rm -rf "$folder"
        python3 -m venv "$folder" >/dev/null 2>&1 &&
            "$folder/bin/pip" install --quiet --requirement sdk/python/requirements.txt >/dev/null 2>&1 || {
            echo "skipped: filters in Python, whose tools can't be fetched from PyPI"
            return 0
        }
        cp sdk/python/requirements.txt "$folder/"
    fi
    local source name
    for source in sdk/python/examples/*/filter.py sdk/python/tests/*/filter.py; do
        name="$(basename "$(dirname "$source")")"
        make_if_changed build_python "$source" "$OUT/python/$name.wasm" \
            sdk/python/build.py sdk/python/rimward sdk/python/requirements.txt
    done
}

mkdir -p target
javascript_filters
python_filters
