"""What a handler's file is refused for: python3 test_build.py"""

import tempfile
import unittest
from pathlib import Path

import build


class Refused(unittest.TestCase):
    def test_what_cannot_run(self):
        for text, wanted in [
            ("def lambda_handler(event, context):\n  return (", ":2:10: '(' was never closed"),
            ("def handler(event, context): pass", "defines no function `lambda_handler`"),
            ("async def lambda_handler(event, context): pass", ":1: `lambda_handler` is async"),
            ("def lambda_handler(e, c):\n  import boto3.session", ":2: module `boto3` is not there: the edge has no AWS"),
            ("from botocore import x\ndef lambda_handler(e, c): pass", ":1: module `botocore` is not there"),
        ]:
            with self.subTest(text), tempfile.TemporaryDirectory() as folder:
                source = Path(folder) / "lambda_function.py"
                source.write_text(text, encoding="utf-8")
                with self.assertRaises(build.filters.Problem) as caught:
                    build.check(source, "lambda_handler")
                self.assertIn(wanted, str(caught.exception))

    def test_a_name_that_is_no_module(self):
        with self.assertRaises(build.filters.Problem), tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "my-handler.py"
            source.write_text("def lambda_handler(e, c): pass", encoding="utf-8")
            build.check(source, "lambda_handler")

    def test_what_is_right(self):
        for name in ("country_page.py", "call_out.py"):
            build.check(build.HERE.parent / "examples" / name, "lambda_handler")


if __name__ == "__main__":
    unittest.main()
