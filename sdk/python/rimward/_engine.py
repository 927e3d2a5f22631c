"""Gives Python what it lacks inside the edge: a clock, randomness, somewhere to print to.

A component is a picture of Python taken when it was built, and what the operating system would do is cut off: a call that gets
through to it ends the instance without a word. So whatever would is replaced by what the host offers or by a clear error.
"""

import sys

# The C version of `datetime` asks the system's clock; the Python version asks `time`.
sys.modules["_datetime"] = None

import builtins  # noqa: E402
import datetime  # noqa: E402, F401
import encodings.ascii  # noqa: E402, F401
import encodings.idna  # noqa: E402, F401
import encodings.latin_1  # noqa: E402, F401
import io  # noqa: E402
import linecache  # noqa: E402
import logging  # noqa: E402
import os  # noqa: E402
import random  # noqa: E402
import time  # noqa: E402
import traceback  # noqa: E402, F401
import unicodedata  # noqa: E402, F401

import _strptime  # noqa: E402, F401
from wit_world.imports import clock, log  # noqa: E402

_started = False


def start():
    """Makes an instance ready for its first phase."""
    global _started
    if _started:
        return
    _started = True
    random.seed()
    _seal()


class _Lines(io.TextIOBase):
    """What is printed, line by line in the edge's log."""

    def __init__(self, level):
        self._level = level
        self._rest = ""

    def writable(self):
        return True

    def write(self, text):
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            _write(self._level, line)
        return len(text)

    def flush(self):
        if self._rest:
            _write(self._level, self._rest)
            self._rest = ""


def _write(level, text):
    # While the module is loaded there is no log yet.
    if _started:
        log.write(level, text)


class _Log(logging.Handler):
    """`logging`, by the edge's log."""

    def emit(self, record):
        _write(_level(record.levelno), self.format(record))


def _level(number):
    if number >= logging.ERROR:
        return log.Level.ERROR
    if number >= logging.WARNING:
        return log.Level.WARN
    return log.Level.INFO if number >= logging.INFO else log.Level.DEBUG


def _no(error, text):
    def refuse(*_args, **_options):
        raise error(text)

    return refuse


def _now_ms():
    if not _started:
        raise RuntimeError(
            "the time can't be asked for while the module is loaded, which happens once, when it is built: ask in a phase"
        )
    return clock.now_ms()


def _urandom(size):
    if not _started:
        raise RuntimeError(
            "random bytes can't be asked for while the module is loaded, which happens once, when it is built: ask in a phase"
        )
    words = b"".join(clock.random_u64().to_bytes(8, "little") for _ in range(0, size, 8))
    return words[:size]


def _install_time():
    for name in ("time", "monotonic", "perf_counter", "process_time"):
        setattr(time, name, lambda: _now_ms() / 1000)
        setattr(time, f"{name}_ns", lambda: _now_ms() * 1_000_000)
    for name in ("gmtime", "localtime", "ctime"):
        setattr(time, name, _with_now(getattr(time, name)))
    native = time.strftime
    time.strftime = lambda form, at=None: native(form, time.localtime() if at is None else at)
    time.asctime = (lambda asctime: lambda at=None: asctime(time.localtime() if at is None else at))(time.asctime)
    time.sleep = _no(RuntimeError, "time.sleep: a filter does not wait: a phase ends when its function returns")


def _with_now(native):
    return lambda seconds=None: native(_now_ms() // 1000 if seconds is None else seconds)


def _install_random():
    os.urandom = _urandom
    random._urandom = _urandom
    native = random.Random.seed

    def seed(self, a=None, version=2):
        native(self, int.from_bytes(_urandom(32), "little") if a is None else a, version)

    random.Random.seed = seed
    random.seed = random._inst.seed


def _install_output():
    sys.stdout = _Lines(log.Level.INFO)
    sys.stderr = _Lines(log.Level.ERROR)
    logging.basicConfig(handlers=[_Log()], level=logging.INFO, format="%(message)s", force=True)
    logging.raiseExceptions = False


class _NoImports:
    """Modules that were not imported when the component was built are not in it."""

    @staticmethod
    def find_spec(name, _path=None, _target=None):
        raise ModuleNotFoundError(
            f"`{name}` is imported in a phase, and is not in the component: import it at the top of the filter", name=name
        )


_FILES = (
    "access chdir chmod close dup fstat getcwd link listdir lstat mkdir open pipe readlink remove rename replace rmdir scandir "
    "stat symlink system truncate unlink utime"
)


def _seal():
    """Cuts off files and imports: everything that the filter needs has been loaded."""
    refuse = _no(OSError, "a filter has no files")
    builtins.open = io.open = refuse
    for name in _FILES.split():
        if hasattr(os, name):
            setattr(os, name, refuse)
    linecache.getlines = lambda *_args: []
    linecache.updatecache = lambda *_args: []
    if "socket" in sys.modules:
        sys.modules["socket"].socket = _no(OSError, "a filter has no sockets: use `subrequest` of rimward")
        sys.modules["socket"].getaddrinfo = sys.modules["socket"].socket
    sys.meta_path[:] = [_NoImports]
    sys.path_hooks.clear()


_install_time()
_install_random()
_install_output()
