"""Runs a Lambda@Edge handler: `lambda_handler(event, context)`."""

import json
import os
import sys

import _engine
from componentize_py_types import Err

from ._context import Context
from ._faults import fault


def of(module, function):
    """The class of the component's exports, for a handler that has been imported."""
    if "urllib.request" in sys.modules:
        from . import _urllib

        _urllib.install()
    return type("LambdaEdge", (_LambdaEdge,), {"module": module, "function": staticmethod(function)})


class _LambdaEdge:
    module = None
    function = None

    def load(self, _program, environment):
        _engine.start()
        os.environ.update(environment)

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
