#!/usr/bin/env python3
"""Makes a filter component from one Python file and what it imports."""

import argparse
import ast
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
REQUIREMENTS = HERE / "requirements.txt"

# What a filter's functions are called, and which interface and function of the ABI each is.
PHASES = {
    "request": ("on-request", "handle"),
    "origin_request": ("on-origin-request", "handle"),
    "origin_response": ("on-origin-response", "handle"),
    "response": ("on-response", "handle"),
    "request_body": ("on-request-body", "handle"),
    "origin_response_body": ("on-origin-response-body", "handle"),
    "response_body": ("on-response-body", "handle"),
    "log": ("on-log", "handle"),
    "configure": ("lifecycle", "configure"),
}

WORLD = "guest"
APP = "rimward_guest"


class Problem(Exception):
    """Something that the author has to put right."""


def main():
    options = arguments()
    try:
        phases = phases_of(options.source)
        with tempfile.TemporaryDirectory(prefix="rimward-python-") as folder:
            work = Path(folder)
            write_world(work / "wit", options.wit, phases)
            write_app(work / "app", options.source, phases)
            component = work / "filter.wasm"
            folders = [work / "app", options.source.resolve().parent, HERE, *options.path]
            run_componentize(work / "wit", WORLD, folders, component)
            put(component, options.output)
    except Problem as problem:
        sys.exit(f"error: {problem}")
    print(f"{options.output}: {', '.join(phases)}")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, help="the filter, as filter.py")
    parser.add_argument("-o", "--output", type=Path, required=True, help="where the component is written")
    parser.add_argument("-p", "--path", type=Path, action="append", default=[], help="another folder with modules")
    parser.add_argument("--wit", type=Path, default=HERE.parent / "wit" / "filter.wit", help="the filter ABI")
    return parser.parse_args()


def phases_of(source):
    """The phases among the names that a module defines. It is read, not run."""
    try:
        tree = ast.parse(source.read_text(encoding="utf-8"), filename=str(source))
    except OSError as error:
        raise Problem(f"{source}: {error.strerror.lower()}") from None
    except SyntaxError as error:
        raise Problem(f"{source}:{error.lineno}:{error.offset}: {error.msg}") from None
    if not source.stem.isidentifier() or source.stem in ("rimward", "wit_world", APP):
        raise Problem(f"`{source.stem}` can't be the name of a filter's module: rename the file, as filter.py")
    for node in tree.body:
        if isinstance(node, ast.AsyncFunctionDef) and node.name in PHASES:
            raise Problem(f"{source}:{node.lineno}: `{node.name}` is async: the host's functions return at once, a plain `def` is enough")
    phases = [name for name in PHASES if name in names(tree)]
    if not phases:
        raise Problem(f"{source} defines no phase: a filter has functions named {', '.join(PHASES)}")
    return phases


def names(tree):
    """The names that the top level of a module gives a meaning to."""
    found = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)) and getattr(node, "module", "") != "rimward":
            found |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return found


def write_world(folder, wit, phases):
    """The world of this filter: all that the host offers, and the phases that are there."""
    package = re.search(r"^package\s+([\w:-]+)@([\w.-]+);", wit.read_text(encoding="utf-8"), re.MULTILINE)
    if not package:
        raise Problem(f"{wit} does not begin with a package, as `package rimward:filter@0.1.0;`")
    name, version = package.groups()
    deps = folder / "deps" / "filter"
    deps.mkdir(parents=True)
    shutil.copy(wit, deps / "filter.wit")
    exports = "".join(f"  export {name}/{PHASES[phase][0]}@{version};\n" for phase in phases)
    world = f"package guest:filter;\n\nworld {WORLD} {{\n  include {name}/imports@{version};\n{exports}}}\n"
    (folder / "world.wit").write_text(world, encoding="utf-8")


def write_app(folder, source, phases):
    """The module that the component is made of: a class for each phase, around the filter's functions."""
    folder.mkdir()
    lines = ["from rimward._phases import entry", f"import {source.stem} as _filter", ""]
    for phase in phases:
        interface, function = PHASES[phase]
        lines += [f"class {camel(interface)}:", f'    {function} = entry("{phase}", _filter.{phase})', ""]
    (folder / f"{APP}.py").write_text("\n".join(lines), encoding="utf-8")


def camel(interface):
    return "".join(word.capitalize() for word in interface.split("-"))


def run_componentize(wit, world, folders, output):
    """Runs componentize-py, of this Python's environment or of the PATH, with the modules in `folders`."""
    tool = Path(sys.executable).parent / "componentize-py"
    program = str(tool) if tool.exists() else shutil.which("componentize-py")
    if not program:
        raise Problem(f"componentize-py is missing: python3 -m pip install -r {REQUIREMENTS}")
    paths = [part for folder in folders for part in ("-p", str(folder))]
    command = [program, "-q", "-d", str(wit), "-w", world, "componentize", *paths, "-s", "-o", str(output), APP]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    if done.returncode != 0:
        raise Problem(f"componentize-py failed: {cause_of(done.stderr or done.stdout)}")


def cause_of(text):
    """What is of use in what componentize-py says when it fails."""
    before, found, after = text.partition("Stack backtrace:")[0].rpartition("Caused by:")
    return "\n".join(line.strip() for line in (after if found else before or after).strip().splitlines())


def put(component, output):
    """Whoever watches the file sees the old component or the new one, never half of one."""
    output.parent.mkdir(parents=True, exist_ok=True)
    beside = output.with_name(f"{output.name}.new")
    shutil.copyfile(component, beside)
    os.replace(beside, output)


if __name__ == "__main__":
    main()
