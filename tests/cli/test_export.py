"""`gateway export`, the same by HTTP and in the console: reply sheets and lists of tickets."""

from __future__ import annotations

import csv
import http.cookiejar
import json
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.cli.terminal import Terminal
from tests.documents.reading import text_of

_CITY = '\n[channels.city]\nkind = "transfer"\nsource = "12345"\nprofile = "transfer"\n'
_HEAD = "工单编号,诉求类型,是否保密,诉求内容,来电人,联系电话\n"
_CASES = (
    "CD0001,投诉,否,小区停水,李四,13800000001",
    "CD0002,投诉,是,举报物业,王五,13800000002",
    "CD0003,咨询,否,如何报修,赵六,13800000003",
)


@dataclass(slots=True, kw_only=True)
class Caller:
    """A program with a token, or a browser with a session."""

    base: str
    token: str = ""
    opener: urllib.request.OpenerDirector = field(
        default_factory=lambda: urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        )
    )

    def get(self, path: str, body: bytes | None = None) -> bytes:
        """The answer; HTTPError for anything from 400 on."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {"Sec-Fetch-Site": "same-origin"}
        if body is not None and self.token:
            headers["Content-Type"] = "application/json"
        request = urllib.request.Request(f"{self.base}{path}", data=body, headers=headers)
        with self.opener.open(request, timeout=20) as response:
            content: bytes = response.read()
            return content

    def json(self, path: str, body: object = None) -> Any:
        return json.loads(self.get(path, None if body is None else json.dumps(body).encode()))

    def refused(self, path: str, body: bytes | None = None) -> int:
        with pytest.raises(urllib.error.HTTPError) as caught:
            self.get(path, body)
        caught.value.close()
        return caught.value.code

    def form(self, path: str, **fields: str) -> str:
        return self.get(path, urllib.parse.urlencode(fields).encode()).decode()


@pytest.fixture
def office(terminal: Terminal) -> Iterator[tuple[Terminal, Caller]]:
    """A running gateway with three cases of the city, one of them confidential, and a supervisor."""
    terminal.configure(_CITY)
    (terminal.folder / "cases.csv").write_text(_HEAD + "\n".join(_CASES), encoding="utf-8")
    with terminal.serving():
        token = terminal.run("token", "add", "sun", "--role", "supervisor").out.strip()
        terminal.run("import", "12345", "cases.csv")
        yield terminal, Caller(base=f"http://127.0.0.1:{terminal.http}", token=token)


def sign(caller: Caller, *cases: str) -> None:
    """Sign for these cases, and wait until the steps lie ready."""
    tickets = {}
    for row in caller.json("/api/v1/tickets?limit=200")["tickets"]:
        tickets[caller.json(f"/api/v1/tickets/{row['number']}")["source"]["case_number"]] = row["number"]
    before = len(caller.json("/api/v1/exports/replies")["waiting"])
    for case in cases:
        caller.json(f"/api/v1/tickets/{tickets[case]}/actions/sign", {})
    wait_for(caller, before + len(cases))


def wait_for(caller: Caller, steps: int) -> None:
    """Until so many steps lie ready."""
    for _ in range(200):
        if len(caller.json("/api/v1/exports/replies")["waiting"]) == steps:
            return
        time.sleep(0.05)
    raise AssertionError("the steps do not lie ready")


def rows_of(text: str) -> list[list[str]]:
    return list(csv.reader(text.splitlines()))


@pytest.mark.slow
def test_what_waits_is_exported_by_command_by_http_and_in_the_console(office: tuple[Terminal, Caller]) -> None:
    terminal, boss = office
    sign(boss, "CD0001")
    (waits,) = terminal.run("export", "replies", "--json").lines
    assert (waits["source"], waits["case_number"], waits["step"]) == ("12345", "CD0001", "签收")
    assert waits["due_at"]
    made = terminal.run("export", "replies", "12345", "--out", "first.csv", "--json").json
    assert (made["steps"], made["cases"], made["left"], made["file"]) == (1, 1, 0, "first.csv")
    first = (terminal.folder / "first.csv").read_bytes()
    assert rows_of(first.decode("utf-8-sig"))[1][0] == "CD0001"
    assert terminal.run("export", "replies", "--again", str(made["id"]), "--out", "again.csv").code == 0
    assert (terminal.folder / "again.csv").read_bytes() == first
    nothing = terminal.run("export", "replies", "12345")
    assert (nothing.code, nothing.err.strip()) == (1, "no step waits to be reported to 12345")

    # Nothing was refused: there is nothing to tell again.
    assert terminal.run("export", "replies", "12345", "--resend").code == 1
    assert boss.refused("/api/v1/exports/replies/12345/again", b"{}") == 409
    assert boss.refused("/api/v1/exports/replies/nobody/again", b"{}") == 404

    # An agent does not get what is confidential; it waits for a supervisor.
    sign(boss, "CD0002", "CD0003")
    agent = Caller(base=boss.base, token=terminal.run("token", "add", "wang", "--role", "agent").out.strip())
    theirs = agent.json("/api/v1/exports/replies/12345", {"form": "csv"})
    assert (theirs["cases"], theirs["actor"]) == (1, "wang")
    assert "CD0002" not in agent.get(theirs["file"]).decode("utf-8-sig")
    assert agent.refused("/api/v1/exports/replies/12345", b"{}") == 409
    assert agent.refused(f"/api/v1/exports/replies/{made['id']}/file") == 403
    assert agent.refused("/api/v1/exports/replies/nobody", b"{}") == 404
    assert agent.refused("/api/v1/exports/replies/999/file") == 404
    handler = Caller(base=boss.base, token=terminal.run("token", "add", "li", "--role", "handler").out.strip())
    assert handler.refused("/api/v1/exports/replies") == 403
    assert handler.refused("/api/v1/exports/tickets.csv") == 403
    assert Caller(base=boss.base).refused("/api/v1/exports/tickets.csv") == 401

    # The same in the console.
    password = terminal.run("user", "add", "sun", "--role", "supervisor").out.strip()
    browser = Caller(base=boss.base)
    browser.form("/console/sign-in", name="sun", password=password)
    page = browser.get("/console/replies").decode()
    assert "CD0002" in page and theirs["name"] in page
    csrf = re.search(r'name="csrf" value="([^"]+)"', page)
    assert csrf
    done = browser.form("/console/replies/12345", csrf=csrf[1])
    name = re.search(r"/console/replies/(\d+)/file", done)
    assert name
    assert browser.get(name[0]).startswith(b"PK")
    assert boss.json("/api/v1/exports/replies")["waiting"] == []
    assert [one["steps"] for one in boss.json("/api/v1/exports/replies?source=12345")["sheets"]] == [1, 1, 1]


@pytest.mark.slow
def test_a_step_is_written_as_a_document_and_marked_as_reported_by_it(office: tuple[Terminal, Caller]) -> None:
    terminal, boss = office
    sign(boss, "CD0002")
    (number,) = [one["number"] for one in boss.json("/api/v1/tickets?status=signed")["tickets"]]
    boss.json(f"/api/v1/tickets/{number}/actions/refuse", {"reason": "已由人民法院受理"})
    wait_for(boss, 2)
    assert terminal.run("export", "document", number, "不予受理", "--report", "--out", "nowhere/告知书.docx").code == 1
    assert len(boss.json("/api/v1/exports/replies")["waiting"]) == 2  # nothing was written, so nothing was reported
    made = terminal.run("export", "document", number, "不予受理", "--report", "--out", "告知书.docx")
    assert (made.code, made.err.strip()) == (0, "告知书.docx")
    assert (terminal.folder / "告知书.docx").read_bytes().startswith(b"PK")
    rows = boss.json(f"/api/v1/notices?number={number}")["notices"]
    told = {one["event"]: (one["state"], one["cause"]) for one in rows if one["role"] == "source"}
    assert told["refused"] == ("accepted", "document cli")
    assert told["signed"] == ("queued", "reply sheet")
    assert terminal.run("export", "document", number, "answered").code == 1
    assert terminal.run("export", "document", "7", "answered").code == 2
    browsers = {}
    for name, role in (("sun", "supervisor"), ("ma", "agent")):
        password = terminal.run("user", "add", name, "--role", role).out.strip()
        browsers[name] = Caller(base=boss.base)
        browsers[name].form("/console/sign-in", name=name, password=password)
    path = f"/console/tickets/{number}/documents"
    assert browsers["sun"].get(f"{path}/refused.docx").startswith(b"PK")
    assert browsers["sun"].refused(f"{path}/answered.docx") == 404
    shown = browsers["sun"].get(f"/console/tickets/{number}").decode()
    assert f"{path}/refused.docx?locale=en" in shown
    said = text_of(browsers["sun"].get(f"{path}/refused.docx?locale=en"))
    assert said.startswith("Notice of Non-acceptance")
    assert (
        terminal.run("export", "document", number, "refused", "--locale", "en").err.strip()
        == f"{number}-refused-en.docx"
    )
    assert browsers["ma"].refused(f"{path}/refused.docx") == 403  # it is confidential


@pytest.mark.slow
def test_tickets_are_exported_masked_with_the_filters_of_the_list(office: tuple[Terminal, Caller]) -> None:
    terminal, boss = office
    everything = terminal.run("export", "tickets", zh=True)
    head, *rows = rows_of(everything.out.removeprefix("\ufeff"))
    assert head[:2] == ["工单编号", "受理时间"] and len(rows) == 3
    table = {row[head.index("对方编号")]: dict(zip(head, row, strict=True)) for row in rows}
    assert (table["CD0001"]["投诉人"], table["CD0001"]["内容"]) == ("李*", "小区停水")
    assert (table["CD0002"]["投诉人"], table["CD0002"]["内容"]) == ("", "")  # confidential
    assert "1380000" not in everything.out
    asked = boss.get("/api/v1/exports/tickets.csv?kind=inquiry").decode("utf-8-sig")
    assert [row[5] for row in rows_of(asked)[1:]] == ["CD0003"]
    assert boss.get("/api/v1/exports/tickets.xlsx").startswith(b"PK")
    assert boss.refused("/api/v1/exports/tickets.csv?kind=nothing") == 422
    written = terminal.run("export", "tickets", "--kind", "inquiry", "--out", "list.xlsx")
    assert (written.code, "1 tickets" in written.err) == (0, True)
    assert (terminal.folder / "list.xlsx").read_bytes().startswith(b"PK")
    assert rows_of(terminal.run("export", "tickets", "--from", "2030-01-01").out)[1:] == []


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("replies", "nobody"), 2, "nobody"),
        (("replies", "12345", "--since", "soon"), 2, "not a time"),
        (("replies", "12345", "--out", "a.pdf"), 2, ".pdf"),
        (("replies", "--again", "7"), 1, "no reply sheet 7"),
        (("tickets", "--out", "a.docx"), 2, ".docx"),
    ],
)
def test_what_cannot_be_exported_says_why(terminal: Terminal, arguments: tuple[str, ...], code: int, says: str) -> None:
    terminal.configure(_CITY)
    terminal.run("tick")  # makes the database
    ran = terminal.run("export", *arguments)
    assert ran.code == code
    assert says in ran.err
