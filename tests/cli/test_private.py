"""Who else on this machine can read what the gateway keeps."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.terminal import Terminal

_FILES = ("gateway.sqlite3", "gateway.sqlite3.lock", "secret")


def mode(path: Path) -> int:
    """Who may do what with it."""
    return path.stat().st_mode & 0o777


@pytest.fixture
def data(terminal: Terminal) -> Path:
    """The data folder of an earlier version: everybody can read it."""
    assert terminal.run("token", "add", "old", "--role", "agent").code == 0
    folder = terminal.folder / "data"
    folder.chmod(0o755)
    for name in _FILES:
        (folder / name).chmod(0o664)
    return folder


def test_what_an_earlier_version_left_open_to_others_is_closed_and_logged(terminal: Terminal, data: Path) -> None:
    ran = terminal.run("token", "add", "new", "--role", "agent")
    assert ran.code == 0, ran.err
    assert {mode(data / name) for name in _FILES} == {0o600}
    assert mode(data) == 0o700
    assert '"made_private"' in ran.err
    assert "data/gateway.sqlite3" in ran.err
    again = terminal.run("token", "add", "third", "--role", "agent")
    assert "made_private" not in again.err


def test_a_folder_with_other_things_in_it_stays_as_it_is(terminal: Terminal, data: Path) -> None:
    (data / "report.txt").write_text("somebody else's")
    assert terminal.run("token", "add", "new", "--role", "agent").code == 0
    assert mode(data) == 0o755
    assert mode(data / "report.txt") & 0o077
    assert mode(data / "gateway.sqlite3") == 0o600


def test_what_a_link_leads_to_is_left_alone(terminal: Terminal, data: Path) -> None:
    elsewhere = (data / "secret").rename(terminal.folder / "secret")
    (data / "secret").symlink_to(elsewhere)
    assert terminal.run("token", "add", "new", "--role", "agent").code == 0
    assert mode(elsewhere) == 0o664
