"""Start a child server on a free loopback port, wait until it answers, and end it and only it."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

import pytest


def missing(reason: str) -> NoReturn:
    """Skip the test at home and fail it on CI (`CI=true`), where everything must be installed."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def program(path: str, package: str) -> str:
    """Return `path`, or skip or fail the test with the Debian package that brings it."""
    if not os.access(path, os.X_OK):
        missing(f"{path} is not installed (on Debian: apt install {package})")
    return path


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def unprivileged() -> tuple[str, str] | None:
    """Name the user and group that daemons refusing root shall run as, or None when we are not root."""
    if os.geteuid() != 0:
        return None
    return "nobody", "nogroup" if Path("/etc/debian_version").exists() else "nobody"


def give_away(folder: Path) -> None:
    """Make `folder` and what is in it belong to the unprivileged user, when we are root."""
    if account := unprivileged():
        for path in (folder, *folder.rglob("*")):
            with contextlib.suppress(FileNotFoundError):  # a running server moves its files about
                shutil.chown(path, *account)


@contextlib.contextmanager
def scratch_folder(name: str) -> Iterator[Path]:
    """Yield a folder whose path is short enough for Unix sockets; it is removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix=f"cg-{name}-"))
    folder.chmod(0o755)  # unprivileged daemons pass through it
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def running(
    command: Sequence[str],
    *,
    log: Path,
    port: int,
    stop_with: signal.Signals = signal.SIGTERM,
    as_nobody: bool = False,
    environment: Mapping[str, str] | None = None,
    wait: float = 20,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run `command` until the block ends; enter the block when `port` answers, at most `wait` seconds later.

    The child dies with the test run (PR_SET_PDEATHSIG by setpriv, Linux) and has a process group of its own, which
    alone is ended. Raises RuntimeError with the end of `log` when it does not come up.
    """
    setpriv = shutil.which("setpriv")
    leash = [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []
    account = unprivileged() if as_nobody else None
    user, group = account or (None, None)
    with log.open("ab") as output:
        child = subprocess.Popen(
            [*leash, *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=user,
            group=group,
            extra_groups=[] if account else None,
            env={**os.environ, **(environment or {}), **({"HOME": pwd.getpwnam(user).pw_dir} if user else {})},
        )
    try:
        _wait_for_port(child, port, log, wait)
        yield child
    finally:
        _end(child, stop_with)
        _wait_until_silent(port)


def _wait_for_port(child: subprocess.Popen[bytes], port: int, log: Path, wait: float) -> None:
    until = time.monotonic() + wait
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        if child.poll() is not None or time.monotonic() > until:
            tail = log.read_text(errors="replace")[-2000:]
            raise RuntimeError(f"{child.args!r} does not answer on port {port}:\n{tail}")
        time.sleep(0.02)


def _wait_until_silent(port: int) -> None:
    """A killed grandchild may hold the port a moment longer than its parent lives."""
    until = time.monotonic() + 2
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except ConnectionRefusedError:
            return
        except OSError:
            pass
        time.sleep(0.01)


def _end(child: subprocess.Popen[bytes], stop_with: signal.Signals) -> None:
    if child.poll() is None:
        child.send_signal(stop_with)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(timeout=5)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)  # its own session: whatever it started and left behind
    child.wait(timeout=5)
