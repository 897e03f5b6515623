"""`gateway import`, `gateway sources` and the same by HTTP, at the running gateway and without one."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.cli.terminal import Terminal

_CITY = '\n[channels.city]\nkind = "transfer"\nsource = "12345"\n'
_ROWS = "12345 诉求件汇总,,,\n工单编号,诉求类型,诉求内容,联系电话\n{}"


def sheet(folder: Path, *numbers: int) -> Path:
    rows = "".join(f"CD{number:04},投诉,第{number}件停水,1380000{number:04}\n" for number in numbers)
    path = folder / "诉求件.csv"
    path.write_bytes(_ROWS.format(rows).encode("gb18030"))
    return path


def test_a_file_is_imported_once_however_often_it_is_given(terminal: Terminal) -> None:
    terminal.configure(_CITY)
    path = sheet(terminal.folder, 1, 2, 3)
    made = terminal.run("import", "12345", path.name, "--json", "--report", "report.csv").json
    assert (made["rows"], made["outcomes"], made["channel"]) == (3, {"opened": 3}, "city")
    report = (terminal.folder / "report.csv").read_text("utf-8-sig").splitlines()
    assert [line.split(",")[2:4] for line in report[1:]] == [[f"CD000{n}", "opened"] for n in (1, 2, 3)]
    again = terminal.run("import", "12345", path.name)
    assert again.code == 0
    assert "duplicate" in again.out
    tickets = terminal.run("tickets", "list", "--json").lines
    assert len(tickets) == 3


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("import", "12345", "no-such.csv"), 1, "no-such.csv"),
        (("import", "nobody", "诉求件.csv"), 2, "nobody"),
        (("import", "12345", "gateway.toml"), 1, "no header row"),
    ],
)
def test_what_cannot_be_imported_says_why(terminal: Terminal, arguments: tuple[str, ...], code: int, says: str) -> None:
    terminal.configure(_CITY)
    sheet(terminal.folder, 1)
    ran = terminal.run(*arguments)
    assert ran.code == code
    assert says in ran.err


def test_sources_are_listed_with_where_their_facts_come_from(terminal: Terminal) -> None:
    names = {one["name"]: one["verified"] for one in terminal.run("sources", "list", "--json").lines}
    assert {"12345", "12315", "12378", "generic"} <= set(names)
    assert names["12315"] == "official"
    shown = terminal.run("sources", "show", "12315").out
    assert "登记编号" in shown
    assert "transfer" in shown
    assert "不予受理" in shown


def test_an_agent_imports_by_http_and_fetches_the_report(terminal: Terminal) -> None:
    terminal.configure(_CITY)
    path = sheet(terminal.folder, 1, 2)
    with terminal.serving():
        token = terminal.run("token", "add", "wang", "--role", "agent").out.strip()
        by_command = terminal.run("import", "12345", path.name, "--json").json
        base = f"http://127.0.0.1:{terminal.http}/api/v1/imports"

        def call(address: str, body: bytes | None = None, key: str = token) -> bytes:
            request = urllib.request.Request(address, data=body, headers={"Authorization": f"Bearer {key}"})
            with urllib.request.urlopen(request, timeout=20) as response:
                content: bytes = response.read()
                return content

        made = json.loads(call(f"{base}/12345", path.read_bytes()))
        assert (by_command["outcomes"], made["outcomes"]) == ({"opened": 2}, {"duplicate": 2})
        assert made["actor"] == "wang"
        report = call(f"http://127.0.0.1:{terminal.http}{made['report']}").decode("utf-8-sig")
        assert report.count("duplicate") == 2
        assert call(f"{base}/{made['id']}/report.xlsx").startswith(b"PK")
        assert len(json.loads(call(base))["imports"]) == 2
        for address, body, key, status in (
            (f"{base}/nobody", b"x", token, 404),
            (f"{base}/12345", b"no sheet", token, 422),
            (f"{base}/12345", path.read_bytes(), "wrong", 401),
            (f"{base}/999999/report.csv", None, token, 404),
        ):
            with pytest.raises(urllib.error.HTTPError) as caught:
                call(address, body, key)
            assert caught.value.code == status
            caught.value.close()
