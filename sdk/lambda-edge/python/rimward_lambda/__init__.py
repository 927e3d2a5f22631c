"""Runs a Lambda@Edge handler: `lambda_handler(event, context)`."""

import json
import os
import sys

import _engine
from componentize_py_types import Err

from ._context import Context
from ._faults import fault, place


def of(module):
    """The class of the component's exports, for a module that has been loaded."""
    if "urllib.request" in sys.modules:
        from . import _urllib

        _urllib.install()
    return type("LambdaEdge", (_LambdaEdge,), {"module": module})


class _LambdaEdge:
    module = None
    function = None

    def load(self, _program, environment):
        _engine.start()
        os.environ.update(environment)
        name = os.environ.get("_HANDLER", "lambda_handler").rsplit(".", 1)[-1]
        function = getattr(self.module, name, None)
        if not callable(function):
            raise Err(f"no function `{name}` is defined in {place(self.module)}")
        type(self).function = staticmethod(function)

    def handle(self, event):
        told = json.loads(event)
        try:
            answer = self.function(told, Context(told))
        except BaseException as error:  # `sys.exit` too must not end the instance
            raise Err(fault("handler", error, self.module)) from None
        try:
            return json.dumps(answer)
        except (TypeError, ValueError, RecursionError) as error:
            cause = type(error)(f"the answer cannot be written as JSON: {error}")
            raise Err(fault("answer", cause, self.module)) from None
