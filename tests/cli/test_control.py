"""The control socket: only its owner is heard, and only a running process is believed."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from pathlib import Path

import pytest

from gateway.control import CommandFailed, NobodyListens, call, listening, socket_path
from gateway.errors import ConfigError
from ticket_core.model import JSON


async def double(arguments: Mapping[str, JSON]) -> JSON:
    """Twice what was given."""
    return [arguments["word"], arguments["word"]]


async def refuse(_arguments: Mapping[str, JSON]) -> JSON:
    """What goes wrong on purpose."""
    raise ConfigError(["no such thing"])


async def stumble(_arguments: Mapping[str, JSON]) -> JSON:
    """A bug of ours."""
    raise KeyError("13800001234")


COMMANDS = {"double": double, "refuse": refuse, "stumble": stumble}


@pytest.fixture
def url(tmp_path: Path) -> str:
    """The URL of a database file that is there."""
    (tmp_path / "a.sqlite3").touch()
    return f"sqlite:///{tmp_path}/a.sqlite3"


def place(url: str) -> Path:
    """Where the socket of this database is."""
    path = socket_path(url)
    assert path is not None
    return path


async def test_a_command_is_done_by_the_process_that_listens(url: str) -> None:
    async with listening(url, COMMANDS):
        assert place(url).stat().st_mode & 0o777 == 0o600
        assert await call(url, "double", {"word": "投诉"}) == ["投诉", "投诉"]
    assert not place(url).exists()


async def test_what_goes_wrong_is_told_and_a_bug_says_nothing_of_its_values(url: str) -> None:
    async with listening(url, COMMANDS):
        with pytest.raises(CommandFailed, match="no such thing"):
            await call(url, "refuse", {})
        with pytest.raises(CommandFailed, match="does not know"):
            await call(url, "fly", {})
        with pytest.raises(CommandFailed, match="KeyError") as told:
            await call(url, "stumble", {})
    assert "13800001234" not in str(told.value)


async def test_a_socket_that_a_dead_process_left_is_nobody_and_does_not_stop_the_next(url: str) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(place(url)))
    with pytest.raises(NobodyListens):
        await call(url, "double", {"word": "x"})
    async with listening(url, COMMANDS):
        assert await call(url, "double", {"word": "x"}) == ["x", "x"]


async def test_a_socket_of_somebody_else_gets_no_secrets(url: str) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can give a file away")
    async with listening(url, COMMANDS):
        os.chown(place(url), 65534, 65534)
        with pytest.raises(NobodyListens):
            await call(url, "double", {"word": "secret"})


async def test_a_file_is_no_socket(url: str) -> None:
    place(url).write_text("")
    with pytest.raises(NobodyListens):
        await call(url, "double", {"word": "x"})
    place(url).unlink()


def test_postgresql_and_memory_need_no_socket_and_each_file_has_its_own() -> None:
    assert socket_path("postgresql+psycopg://u@h/d") is None
    assert socket_path("sqlite:///:memory:") is None
    assert socket_path("sqlite:///a.sqlite3") != socket_path("sqlite:///b.sqlite3")
    assert socket_path("sqlite:///a.sqlite3") == socket_path(f"sqlite:///{Path.cwd()}/a.sqlite3")


def test_a_long_temporary_folder_does_not_make_a_name_that_no_socket_can_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/tmp/" + "long" * 30)
    assert len(bytes(place("sqlite:///a.sqlite3"))) <= 107
