"""What is told of an error."""

import json


def place(module):
    """The handler's file, without the folder that it has inside the component."""
    return str(module.__file__).rsplit("/", 1)[-1]


def fault(kind, error, module):
    """The JSON of a fault, as the ABI has it."""
    told = {
        "fault": kind,
        "errorType": type(error).__name__,
        "errorMessage": str(error),
        "trace": _trace(error, place(module)),
    }
    return json.dumps(told)


def _trace(error, name):
    """Where an error came through the handler's file, the innermost first."""
    lines = []
    step = error.__traceback__
    while step:
        if step.tb_frame.f_code.co_filename.rsplit("/", 1)[-1] == name:
            lines.append(f"at {step.tb_frame.f_code.co_name} ({name}:{step.tb_lineno})")
        step = step.tb_next
    return lines[:-11:-1]
