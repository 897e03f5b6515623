"""How test servers are started and ended."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.servers.process import free_port, missing, program, running

LISTENER = "import socket, sys, time; s = socket.create_server(('127.0.0.1', int(sys.argv[1]))); time.sleep(60)"
PARENT = "import subprocess, sys; subprocess.run([sys.executable, '-c', *sys.argv[1:]])"


def test_what_is_missing_skips_a_test_at_home_and_fails_it_on_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="apt install nothing"):
        program("/no/such/program", "nothing")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no browser"):
        missing("no browser")


def test_a_server_that_dies_at_its_start_shows_its_log(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit('wrong configuration')"]
    with pytest.raises(RuntimeError, match="wrong configuration"), running(command, log=tmp_path / "log", port=9):
        pytest.fail("it never came up")


def test_a_server_ends_together_with_what_it_started(tmp_path: Path) -> None:
    port = free_port()
    with running([sys.executable, "-c", PARENT, LISTENER, str(port)], log=tmp_path / "log", port=port):
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1)


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux")
def test_a_killed_test_run_leaves_no_server_behind(tmp_path: Path) -> None:
    port = free_port()
    program("/usr/bin/setpriv", "util-linux")
    script = (
        "import pathlib, sys, time\nfrom tests.servers.process import running\n"
        f"command, log = [sys.executable, '-c', {LISTENER!r}, '{port}'], pathlib.Path({str(tmp_path / 'log')!r})\n"
        f"with running(command, log=log, port={port}):\n    print('up', flush=True); time.sleep(60)"
    )
    run = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2])
    assert run.stdout is not None
    with run, run.stdout:
        assert run.stdout.readline() == b"up\n"
        os.kill(run.pid, signal.SIGKILL)
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except ConnectionRefusedError:
            return
        time.sleep(0.05)
    pytest.fail("the server outlived the test run")
