"""`gateway serve` as a child process: complaints by HTTP and SMTP, commands beside it, stops, crashes, restarts."""

from __future__ import annotations

import json
import signal
import smtplib
import socket
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from typing import Any

import pytest

from tests.cli.terminal import Served, Terminal

pytestmark = pytest.mark.slow


def complain(terminal: Terminal, text: str = "宽带断了三天没人处理") -> dict[str, Any]:
    """A complaint over HTTP; the answer."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{terminal.http}/api/v1/complaints",
        data=json.dumps({"text": text, "complainant": {"phone": "13800001234"}}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        return dict(json.load(response))


def complain_by_mail(terminal: Terminal) -> None:
    """A complaint handed to the mail door."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "li@example.com", "complaints@example.com", "投诉：小区没有信号"
    mail["Message-ID"] = "<1@example.com>"
    mail.set_content("已经一个月了，要求处理。")
    with smtplib.SMTP("127.0.0.1", terminal.smtp, timeout=10) as door:
        door.send_message(mail)


def get(terminal: Terminal, path: str, token: str = "") -> tuple[int, str]:
    """A page or a JSON document."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(f"http://127.0.0.1:{terminal.http}{path}", headers=headers)
    with urllib.request.urlopen(request, timeout=10) as response:
        return response.status, response.read().decode()


def test_a_complaint_by_http_and_one_by_mail_are_tickets_that_survive_a_restart(terminal: Terminal) -> None:
    with terminal.serving() as served:
        number = complain(terminal)["number"]
        complain_by_mail(terminal)
        rows = terminal.run("tickets", "list", "--json").lines
        assert {row["source"]["channel"] for row in rows} == {"web", "mail"}
        assert served.stop(signal.SIGINT) == 0
    shown = terminal.run("tickets", "show", number, "--json")
    assert shown.code == 0, shown.err
    assert shown.json["complaints"][0]["text"] == "宽带断了三天没人处理"
    with terminal.serving() as served:
        assert complain(terminal, "还是没有网络")["outcome"] == "repeated"
        assert served.stop(signal.SIGTERM) == 0


def test_commands_are_carried_out_by_the_running_gateway(terminal: Terminal) -> None:
    with terminal.serving() as served:
        added = terminal.run("token", "add", "reporting", "--role", "agent")
        assert added.code == 0, added.err
        token = added.out.strip()
        assert "\n" not in token
        number = complain(terminal)["number"]
        status, body = get(terminal, f"/api/v1/tickets/{number}", token)
        assert (status, json.loads(body)["number"]) == (200, number)
        (terminal.folder / "again.json").write_text(json.dumps({"text": "宽带断了", "kind": "repair"}))
        [object_] = terminal.run("ingest", "web", "again.json").lines
        assert (object_["outcome"], object_["kind"]) == ("opened", "repair")
        assert terminal.run("ingest", "pigeon", "again.json").code == 2
        ticked = terminal.run("tick")
        assert ticked.code == 0, ticked.err
        made = terminal.run("user", "add", "wang", "--role", "agent", "--password-stdin", given="a long password\n")
        assert (made.code, made.out) == (0, ""), made.err
        again = terminal.run("user", "add", "wang", "--role", "agent", "--password-stdin", given="a long password\n")
        assert again.code == 1
        assert "wang" in again.err
        assert served.stop(signal.SIGTERM) == 0


def test_a_second_gateway_on_the_same_file_is_refused_with_the_first_ones_process(terminal: Terminal) -> None:
    with terminal.serving() as served:
        second = terminal.run("serve")
        assert second.code == 1
        assert str(served.child.pid) in second.err
        assert "Traceback" not in second.err


@contextmanager
def taken(port: int) -> Iterator[None]:
    """Somebody else listens on the port."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        yield


@pytest.mark.parametrize(("zh", "said"), [(False, "already in use"), (True, "已被占用")])
def test_a_taken_port_ends_the_start_with_the_setting_to_change(terminal: Terminal, zh: bool, said: str) -> None:
    with taken(terminal.http):
        ran = terminal.run("serve", zh=zh)
    assert ran.code == 1
    assert f"http.port = {terminal.http}" in ran.err
    assert said in ran.err
    assert f"GATEWAY_HTTP__PORT={terminal.http + 1}" in ran.err
    assert "Traceback" not in ran.err


def test_a_taken_mail_port_is_said_with_its_setting_and_the_rest_runs(terminal: Terminal) -> None:
    with taken(terminal.smtp), terminal.serving() as served:
        assert complain(terminal)["outcome"] == "opened"
        assert served.stop(signal.SIGINT) == 0
        assert served.child.stdout is not None
        said = served.child.stdout.read()
    assert "mail: door: not open" in said
    assert f"channels.mail.door.port = {terminal.smtp}" in said
    assert "GATEWAY_CHANNELS__MAIL__DOOR__PORT" in said


def test_what_was_acknowledged_survives_kill_9(terminal: Terminal) -> None:
    with terminal.serving() as served:
        number = complain(terminal)["number"]
        assert served.stop(signal.SIGKILL) == -signal.SIGKILL
    added = terminal.run("token", "add", "after", "--role", "agent")
    assert added.code == 0, added.err
    with terminal.serving():
        assert terminal.run("tickets", "show", number).code == 0
        assert get(terminal, "/healthz")[0] == 200


def _line(served: Served, label: str) -> str:
    return next(line for line in served.said if label in line)


def test_the_demo_says_how_to_complain_and_to_sign_in_and_keeps_its_passwords_private(terminal: Terminal) -> None:
    terminal.configure(first="demo = true\n")
    with terminal.serving() as served:
        login = terminal.folder / "data" / "demo-login.txt"
        assert login.stat().st_mode & 0o777 == 0o600
        assert "demo-login.txt" in _line(served, "sign in")
        accounts = [line.split() for line in served.said if line.endswith(("  admin", "  handler"))]
        assert [name for name, _, _ in accounts] == ["admin", "sun"]
        assert len(served.said) - len(accounts) <= 10
        kept = login.read_text()
        assert all(password in kept for _, password, _ in accounts)
        for name, _, password in (line.split("\t") for line in login.read_text().splitlines()):
            assert name
            assert password not in served.log.read_text()
        assert served.stop(signal.SIGINT) == 0
    with terminal.serving() as served:
        assert "demo-login.txt" in _line(served, "sign in")


def test_logs_are_json_without_personal_data(terminal: Terminal) -> None:
    with terminal.serving() as served:
        complain(terminal)
        complain_by_mail(terminal)
        served.stop(signal.SIGINT)
        lines = [line for line in served.log.read_text().splitlines() if line.startswith("{")]
    assert lines
    for line in lines:
        assert {"event", "level", "timestamp"} <= set(json.loads(line))
    assert "13800001234" not in served.log.read_text()
    assert "li@example.com" not in served.log.read_text()


def test_on_postgresql_commands_work_beside_the_running_gateway(terminal: Terminal, postgres_url: str) -> None:
    terminal.configure(f'[database]\nurl = "{postgres_url}"\n')
    with terminal.serving() as served:
        number = complain(terminal)["number"]
        added = terminal.run("token", "add", "reporting", "--role", "agent")
        assert added.code == 0, added.err
        assert get(terminal, f"/api/v1/tickets/{number}", added.out.strip())[0] == 200
        assert [row["number"] for row in terminal.run("tickets", "list", "--json").lines] == [number]
        assert terminal.run("check", "--online").code == 0
        assert served.stop(signal.SIGTERM) == 0
    ran = terminal.run("tickets", "show", number)
    assert ran.code == 0, ran.err
