"""`gateway ingest`, `inbound`, `tick`, `user` and `token` where no gateway runs."""

from __future__ import annotations

import hashlib
import json
from email.message import EmailMessage
from pathlib import Path

from tests.cli.terminal import Terminal

FIXTURES = Path(__file__).parents[1] / "normalize" / "mail" / "fixtures"


def a_mail(subject: str = "投诉：宽带断网", text: str = "断了三天没人处理。") -> bytes:
    """A complaint by mail."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "李四 <li@example.com>", "complaints@example.com", subject
    mail["Message-ID"] = f"<{hashlib.sha256(text.encode()).hexdigest()[:8]}@example.com>"
    mail["Date"] = "Fri, 20 Nov 2026 09:00:00 +0800"
    mail.set_content(text)
    mail.add_attachment(b"%PDF-1.4 bill", maintype="application", subtype="pdf", filename="账单.pdf")
    return mail.as_bytes()


def test_a_recorded_mail_comes_in_as_if_it_had_just_arrived(terminal: Terminal) -> None:
    (terminal.folder / "a.eml").write_bytes(a_mail())
    [one] = terminal.run("ingest", "mail", "a.eml").lines
    assert one == {
        "file": "a.eml",
        "channel": "mail",
        "external_id": one["external_id"],
        "outcome": "opened",
        "ticket": one["ticket"],
        "kind": "complaint",
        "subject": "投诉：宽带断网",
        "sender": "li@example.com",
        "text": "断了三天没人处理。",
        "reply_text": "断了三天没人处理。",
        "attachments": [
            {
                "name": "账单.pdf",
                "media_type": "application/pdf",
                "size": 13,
                "sha256": hashlib.sha256(b"%PDF-1.4 bill").hexdigest(),
            }
        ],
        "automatic": None,
        "bounced": [],
    }
    [again] = terminal.run("ingest", "mail", "-", given=a_mail()).lines
    assert (again["file"], again["outcome"], again["ticket"]) == ("-", "duplicate", one["ticket"])
    shown = terminal.run("tickets", "show", one["ticket"], "--json").json
    assert shown["attachments"][0]["sha256"] == one["attachments"][0]["sha256"]
    assert shown["complaints"][0]["text"] == one["text"]


def test_machines_open_no_ticket_and_garbage_waits_for_a_person(terminal: Terminal) -> None:
    files = [str(FIXTURES / name) for name in ("exchange-out-of-office.eml", "dsn-user-unknown.eml")]
    away, bounce = terminal.run("ingest", "mail", *files).lines
    assert (away["outcome"], away["ticket"], bool(away["automatic"])) == ("automatic", None, True)
    assert (bounce["outcome"], bounce["ticket"]) == ("automatic", None)
    assert bounce["bounced"][0]["permanent"] is True
    [broken] = terminal.run("ingest", "web", "-", given=b'{"text": ').lines
    assert broken["outcome"] == "triage"
    assert broken["ticket"]


def test_nobody_else_on_the_machine_can_read_the_database(terminal: Terminal) -> None:
    terminal.run("ingest", "mail", "-", given=a_mail())
    kept = [terminal.folder / "data", *(terminal.folder / "data").iterdir()]
    assert len(kept) > 2
    assert not [path for path in kept if path.stat().st_mode & 0o077]


def test_a_file_that_cannot_be_read_does_not_stop_the_others(terminal: Terminal) -> None:
    (terminal.folder / "a.eml").write_bytes(a_mail())
    ran = terminal.run("ingest", "mail", "missing.eml", "a.eml")
    assert ran.code == 1
    assert "missing.eml" in ran.err
    assert [one["outcome"] for one in ran.lines] == ["opened"]


def test_a_channel_that_is_not_configured_is_wrong_usage(terminal: Terminal) -> None:
    ran = terminal.run("ingest", "pigeon", "-", given=b"{}")
    assert ran.code == 2
    assert "mail" in ran.err


def test_the_journal_shows_every_input_and_gives_its_bytes_back(terminal: Terminal) -> None:
    terminal.run("ingest", "mail", "-", given=a_mail())
    terminal.run("ingest", "web", "-", given='{"text": "小区没有信号"}')
    web, mail = terminal.run("inbound", "list", "--json").lines
    assert (web["channel"], mail["channel"]) == ("web", "mail")
    assert [row["channel"] for row in terminal.run("inbound", "list", "--channel", "mail", "--json").lines] == ["mail"]
    assert terminal.run("inbound", "show", str(web["id"]), "--raw").out == '{"text": "小区没有信号"}'
    assert terminal.run("inbound", "show", str(mail["id"]), "--json").json["sha256"] == mail["sha256"]
    plain = terminal.run("inbound", "show", str(mail["id"])).out
    assert f"sha256       {mail['sha256']}\n" in plain
    assert "\n\nFrom: " in plain
    assert "opened" in terminal.run("inbound", "list").out
    assert terminal.run("inbound", "show", "999").code == 1


def test_a_replay_has_no_second_effect(terminal: Terminal) -> None:
    [one] = terminal.run("ingest", "mail", "-", given=a_mail()).lines
    terminal.run("ingest", "web", "-", given=b"not json")
    ids = [str(row["id"]) for row in terminal.run("inbound", "list", "--json").lines]
    for _ in range(2):
        ran = terminal.run("inbound", "replay", *ids)
        assert ran.code == 0, ran.err
        assert [row["outcome"] for row in ran.lines] == ["duplicate", "duplicate"]
        assert ran.lines[1]["ticket"] == one["ticket"]
    assert len(terminal.run("tickets", "list", "--json").lines) == 2
    assert terminal.run("inbound", "replay", "999").code == 1


def test_what_nobody_understood_is_understood_by_a_replay_once_its_channel_can_read_it(terminal: Terminal) -> None:
    # Sent to the wrong channel first: for the phone's form the field is unknown, for the mended one it is not.
    terminal.configure('[channels.front]\nkind = "web"\n')
    call = {"text": "宽带断网三天", "caller": "13800001234", "call_started_at": "2026-11-20T09:00:00+08:00"}
    [first] = terminal.run("ingest", "front", "-", given=json.dumps(call)).lines
    assert first["outcome"] == "triage"
    terminal.configure('[channels.front]\nkind = "phone"\n')
    [line] = terminal.run("inbound", "list", "--json").lines
    [again] = terminal.run("inbound", "replay", str(line["id"])).lines
    assert (again["was"], again["outcome"], again["ticket"]) == ("triage", "opened", first["ticket"])
    [third] = terminal.run("inbound", "replay", str(line["id"])).lines
    assert third["outcome"] == "duplicate"
    shown = terminal.run("tickets", "show", first["ticket"], "--json").json
    assert shown["text"] == "宽带断网三天"


def test_a_tick_sends_what_is_owed_and_fires_what_is_due_by_the_time_given(terminal: Terminal) -> None:
    body = {"text": "宽带断网", "priority": "urgent", "complainant": {"email": "li@example.com"}}
    [one] = terminal.run("ingest", "phone", "-", given=json.dumps(body)).lines
    first = terminal.run("tick").json
    assert first["notices"] >= 1
    states = {
        row["notice"]: row["state"] for row in terminal.run("tickets", "show", one["ticket"], "--json").json["notices"]
    }
    assert states["acknowledgement"] == "delivered"
    later = terminal.run("tick", "--now", "2099-01-01").json
    assert later["timers"] >= 1
    events = [row["kind"] for row in terminal.run("tickets", "show", one["ticket"], "--json").json["events"]]
    assert "deadline_overdue" in events


def test_a_generated_password_and_a_token_stand_alone_on_standard_output(terminal: Terminal) -> None:
    made = terminal.run("user", "add", "wang", "--role", "agent")
    assert made.code == 0, made.err
    assert len(made.out.split()) == 1
    short = terminal.run("user", "add", "li", "--role", "agent", "--password-stdin", given="short\n")
    assert short.code == 1
    token = terminal.run("token", "add", "reporting", "--role", "agent")
    assert (token.code, token.err, len(token.out.split())) == (0, "", 1)
