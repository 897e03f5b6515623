"""Watches a function for what makes it impure: clock, chance, network, other programs, the machine's time zone."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import ContextVar
from types import FrameType
from typing import TypeVar

T = TypeVar("T")

_CLOCKS = frozenset({"time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "localtime"})
_TODAY = frozenset({"now", "utcnow", "today"})
_CHANCE = frozenset({"urandom", "getrandbits", "random"})
#: They may look at the clock on behalf of somebody who only logs or imports.
_ALLOWED = ("logging", "structlog", "importlib", "_frozen_importlib", "gateway.testing")
_NETWORK = ("socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "urllib.", "http.client.", "smtplib.")

_seen: ContextVar[list[str] | None] = ContextVar("seen", default=None)
_once = threading.Lock()
_listening = False


def _audit(event: str, _: tuple[object, ...]) -> None:
    found = _seen.get()
    if found is not None and event.startswith(_NETWORK):
        found.append(event)


def _profile(frame: FrameType, event: str, called: object) -> None:
    found = _seen.get()
    if event != "c_call" or found is None:
        return
    name = getattr(called, "__name__", "")
    if name not in _CLOCKS and name not in _TODAY and name not in _CHANCE:
        return
    owner = getattr(called, "__self__", None)
    where = str(frame.f_globals.get("__name__", ""))
    if where.startswith(_ALLOWED):
        return
    of = getattr(owner, "__name__", type(owner).__name__)
    known = {"time": _CLOCKS, "datetime": _TODAY, "date": _TODAY, "posix": _CHANCE, "nt": _CHANCE, "Random": _CHANCE}
    if name in known.get(of, frozenset()):
        found.append(f"{of}.{name} called in {where}")


@contextlib.contextmanager
def watched(found: list[str]) -> Iterator[None]:
    """Put into `found` what this thread does in the block that a pure function would not; empty is good."""
    global _listening
    with _once:
        if not _listening:  # an audit hook cannot be taken away again, so there is one, asleep most of the time
            sys.addaudithook(_audit)
            _listening = True
    before = sys.getprofile()
    token = _seen.set(found)
    sys.setprofile(_profile)
    try:
        yield
    finally:
        sys.setprofile(before)
        _seen.reset(token)


@contextlib.contextmanager
def in_zone(zone: str) -> Iterator[None]:
    """The machine in another time zone."""
    before = os.environ.get("TZ")
    try:
        os.environ["TZ"] = zone
        time.tzset()
        yield
    finally:
        if before is None:
            del os.environ["TZ"]
        else:
            os.environ["TZ"] = before
        time.tzset()


def attempt(function: Callable[[], T], seconds: float) -> Future[T]:
    """Do it in a thread of its own; what comes of it, an error included, is in the future, which is done.

    Raises:
        TimeoutError: when it takes longer than `seconds`.
    """
    pool = ThreadPoolExecutor(1, thread_name_prefix="attempt")
    future = pool.submit(function)
    wait([future], seconds)
    pool.shutdown(wait=False)
    if not future.done():
        raise TimeoutError(f"not done within {seconds:g} s")
    return future
