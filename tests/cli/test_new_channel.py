"""`gateway new-channel`: a skeleton that loads, and a test that fails until the channel is real."""

from __future__ import annotations

import subprocess
import sys

from tests.cli.terminal import Terminal


def test_a_new_channel_loads_and_its_test_fails_for_want_of_a_payload(terminal: Terminal) -> None:
    made = terminal.run("new-channel", "acme-chat", "--package", "acme", "--tests", "checks")
    assert (made.code, made.out) == (0, 'acme-chat = "acme.acme_chat:AcmeChat"\n'), made.err
    written = {str(path.relative_to(terminal.folder)) for path in terminal.folder.rglob("*") if path.is_file()}
    assert written >= {"acme/acme_chat.py", "checks/test_acme_chat.py", "checks/fixtures/acme-chat/README.md"}
    code = "from acme.acme_chat import AcmeChat; AcmeChat('x', AcmeChat.Settings(secret='s'))"
    subprocess.run([sys.executable, "-c", code], cwd=terminal.folder, check=True)
    # Installed, so that the entry point is found as it will be at home.
    known = terminal.folder / "acme_chat-1.dist-info"
    known.mkdir()
    (known / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-chat\nVersion: 1\n")
    (known / "entry_points.txt").write_text(f"[complaint_gateway.channels]\n{made.out}")
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "checks", "-k", "payloads"],
        cwd=terminal.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "no captured payload" in ran.stdout


def test_nothing_that_is_there_is_written_over(terminal: Terminal) -> None:
    arguments = ("new-channel", "acme", "--package", "acme_channels", "--tests", "checks")
    assert terminal.run(*arguments).code == 0
    mine = terminal.folder / "acme_channels" / "acme.py"
    mine.write_text("# mine\n")
    again = terminal.run(*arguments)
    assert again.code == 1
    assert "already there" in again.err
    assert mine.read_text() == "# mine\n"
