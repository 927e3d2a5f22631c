#!/usr/bin/env python3
"""Makes a component from a Lambda@Edge handler in Python: one file and what it imports."""

import argparse
import ast
import importlib.util
import shutil
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
FILTERS = HERE.parent.parent / "python"
_spec = importlib.util.spec_from_file_location("filters", FILTERS / "build.py")
filters = importlib.util.module_from_spec(_spec)  # filters in Python are made in much the same way
_spec.loader.exec_module(filters)

WORLD = "lambda-edge-function"

# What Lambda has besides Python's own modules.
NOT_THERE = {"boto3", "botocore", "awslambdaric"}


def main():
    options = arguments()
    try:
        check(options.source, options.handler)
        with tempfile.TemporaryDirectory(prefix="rimward-lambda-") as folder:
            work = Path(folder)
            write_app(work / "app", options.source, options.handler)
            component = work / "handler.wasm"
            filters.run_componentize(options.wit.parent, WORLD, [work / "app", options.source.resolve().parent, HERE, *options.path], component)
            filters.put(component, options.output)
    except filters.Problem as problem:
        sys.exit(f"error: {problem}")
    print(f"{options.output}: {options.handler}")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, help="the handler, as lambda_function.py")
    parser.add_argument("-o", "--output", type=Path, required=True, help="where the component is written")
    parser.add_argument("-p", "--path", type=Path, action="append", default=[], help="another folder with modules")
    parser.add_argument("--handler", default="lambda_handler", help="the function that answers (lambda_handler)")
    parser.add_argument("--wit", type=Path, default=HERE.parents[1] / "wit" / "filter.wit", help="the filter ABI")
    return parser.parse_args()


def check(source, handler):
    """Tells early what is wrong. The file is read, not run."""
    try:
        tree = ast.parse(source.read_text(encoding="utf-8"), filename=str(source))
    except OSError as error:
        raise filters.Problem(f"{source}: {error.strerror.lower()}") from None
    except SyntaxError as error:
        raise filters.Problem(f"{source}:{error.lineno}:{error.offset}: {error.msg}") from None
    if not source.stem.isidentifier() or source.stem in ("rimward_lambda", "wit_world", filters.APP):
        raise filters.Problem(f"`{source.stem}` can't be the name of a handler's module: rename the file, as lambda_function.py")
    for node in ast.walk(tree):
        for name in imported(node) & NOT_THERE:
            raise filters.Problem(f"{source}:{node.lineno}: module `{name}` is not there: the edge has no AWS")
    for node in tree.body:
        if isinstance(node, ast.AsyncFunctionDef) and node.name == handler:
            raise filters.Problem(f"{source}:{node.lineno}: `{handler}` is async: Lambda's handlers in Python are plain functions")
    if handler not in filters.names(tree):
        raise filters.Problem(f"{source} defines no function `{handler}`")


def imported(node):
    """The modules that a statement imports, by their first names."""
    if isinstance(node, ast.Import):
        return {alias.name.split(".")[0] for alias in node.names}
    return {node.module.split(".")[0]} if isinstance(node, ast.ImportFrom) and node.module and not node.level else set()


def write_app(folder, source, handler):
    """The module that the component is made of, and what gives Python a clock and a log (the same as for filters)."""
    folder.mkdir()
    shutil.copy(FILTERS / "rimward" / "_engine.py", folder / "_engine.py")
    lines = ["import _engine", f"import {source.stem} as _handler", "from rimward_lambda import of", "", f"LambdaEdge = of(_handler, _handler.{handler})", ""]
    (folder / f"{filters.APP}.py").write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
