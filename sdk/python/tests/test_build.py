"""What the build reads from a filter, without building one."""

import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import build  # noqa: E402


def phases(text, name="filter.py"):
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / name
        source.write_text(text, encoding="utf-8")
        return build.phases_of(source)


class Phases(unittest.TestCase):
    def test_names_at_the_top_level(self):
        cases = {
            "def request(req): pass": ["request"],
            "def response(res): pass\ndef request(req): pass": ["request", "response"],
            "request = lambda req: None": ["request"],
            "from other import respond as response": ["response"],
            "if True:\n    pass\ndef log(summary): pass\nclass request_body: pass": ["log"],
        }
        for text, expected in cases.items():
            with self.subTest(text):
                self.assertEqual(phases(text), expected)

    def test_mistakes_are_told(self):
        cases = {
            "def helper(): pass": "defines no phase: a filter has functions named request",
            "async def request(req): pass": "`request` is async",
            "def request(req:": "filter.py:1:",
            "from rimward import request": "defines no phase",
        }
        for text, expected in cases.items():
            with self.subTest(text), self.assertRaisesRegex(build.Problem, expected):
                phases(text)
        with self.assertRaisesRegex(build.Problem, "can't be the name of a filter's module"):
            phases("def request(req): pass", "my-filter.py")
        with self.assertRaisesRegex(build.Problem, "no such file"):
            build.phases_of(Path("/nothing/filter.py"))

    def test_the_world_exports_what_is_there(self):
        with tempfile.TemporaryDirectory() as folder:
            wit = Path(folder) / "filter.wit"
            wit.write_text("/// The ABI.\npackage rimward:filter@0.1.0;\n", encoding="utf-8")
            build.write_world(Path(folder) / "wit", wit, ["request", "configure"])
            world = (Path(folder) / "wit" / "world.wit").read_text(encoding="utf-8")
        self.assertIn("include rimward:filter/imports@0.1.0;", world)
        self.assertIn("export rimward:filter/on-request@0.1.0;", world)
        self.assertIn("export rimward:filter/lifecycle@0.1.0;", world)

    def test_the_cause_is_found_in_what_the_tool_says(self):
        said = "Traceback\n\nCaused by:\n    ModuleNotFoundError: x\n\nStack backtrace:\n  0: main"
        self.assertEqual(build.cause_of(said), "ModuleNotFoundError: x")
        self.assertEqual(build.cause_of("error: no world"), "error: no world")


if __name__ == "__main__":
    unittest.main()
