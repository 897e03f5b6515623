"""A process with everything imported that forks for each command, so that a command takes as long as its work."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import traceback
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import NoReturn

_LOADED = ("gateway.app", "gateway.control", "gateway.render", "alembic.command", "ticket_core.ticket_schema")


def launch(arguments: Sequence[str], folder: Path, environment: Mapping[str, str], streams: Sequence[Path]) -> int:
    """Run ``gateway ARGUMENTS`` in a process of its own; `streams` are its input, output and errors. The exit code."""
    launcher = _launcher()
    assert launcher.stdin is not None
    assert launcher.stdout is not None
    job = {"arguments": arguments, "folder": folder, "environment": environment, "streams": streams}
    launcher.stdin.write(json.dumps(job, default=str) + "\n")
    launcher.stdin.flush()
    return int(launcher.stdout.readline())


@cache
def _launcher() -> subprocess.Popen[str]:
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "tests.cli.launcher"]
    # It ends when its input does, which is when we end.
    return subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _serve() -> None:
    for module in _LOADED:
        import_module(module)

    for line in sys.stdin:
        child = os.fork()
        if not child:
            _become(json.loads(line))
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _become(job: dict[str, object]) -> NoReturn:
    """The command itself, in the child."""
    modes = (os.O_RDONLY, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for number, (path, mode) in enumerate(zip(job["streams"], modes, strict=True)):  # type: ignore[call-overload]
        os.dup2(os.open(path, mode), number)
    sys.stdin = open(0, encoding="utf-8")  # noqa: SIM115
    os.chdir(str(job["folder"]))
    os.environ.clear()
    os.environ.update(job["environment"])  # type: ignore[call-overload]
    sys.argv = ["gateway", *job["arguments"]]  # type: ignore[misc]
    code = 70
    try:
        from gateway.cli import main

        main()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve()
