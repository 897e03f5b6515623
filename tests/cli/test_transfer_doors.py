"""`gateway ingest` and `gateway check` for every door of a forwarding body."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.terminal import Terminal
from tests.servers.wechat_pay import API_KEY, KEY_ID, MERCHANT, SERIAL, keys, notice

CASES = Path(__file__).parents[1] / "channels" / "transfer" / "fixtures"
PUBLIC = (
    "0409F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
    "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
)
DOORS = f"""
[channels.city]
kind = "transfer"
source = "12345"
signature = "sm2"
public_key = "{PUBLIC}"
[channels.county]
kind = "transfer-pull"
source = "12345"
[channels.county.pull]
url = "http://127.0.0.1:9/cases"
grows = "id"
by = "id"
since = "since"
start = "0"
[channels.pay]
kind = "wechat-pay"
source = "wechat-pay"
merchant = "{MERCHANT}"
serial = "{SERIAL}"
private_key = "merchant.pem"
api_key = "{API_KEY}"
api_url = "http://127.0.0.1:9"
[channels.pay.platform_keys]
{KEY_ID} = "platform.pem"
[channels.post]
kind = "email"
address = "cases@example.com"
door = {{ port = 0 }}
[[channels.post.forwarders]]
channel = "city"
senders = ["@12345.example.net"]
authserv = "mx.example.com"
[[people]]
name = "liu"
roles = ["handler"]
groups = ["service", "business"]
"""
MAIL = """Authentication-Results: mx.example.com; dkim=pass header.d=12345.example.net
From: zhuanban@12345.example.net
To: cases@example.com
Subject: sheet
Message-ID: <1@12345.example.net>
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/csv; charset=utf-8; name=cases.csv
Content-Disposition: attachment; filename=cases.csv

工单编号,诉求内容,联系电话
CD900001,停水,13800000001
CD900002,停电,13800000002
--b--
"""


def with_doors(terminal: Terminal) -> Terminal:
    """Every door, with keys as files."""
    shutil.copy(keys().folder / "merchant.pem", terminal.folder)
    shutil.copy(keys().folder / f"{KEY_ID}.pem", terminal.folder / "platform.pem")
    terminal.configure(DOORS)
    return terminal


@pytest.mark.slow
def test_recorded_inputs_of_every_door_come_in_by_one_command(terminal: Terminal) -> None:
    with_doors(terminal)
    for name in ("city", "county"):
        [one] = terminal.run("ingest", name, str(CASES / "one_case.json")).lines
        assert (one["channel"], one["ticket"] is not None) == (name, True)
    (terminal.folder / "notice.json").write_bytes(notice("2002018", "USER_APPLY_PLATFORM_SERVICE"))
    [one] = terminal.run("ingest", "pay", "notice.json").lines
    assert one["outcome"] == "opened"
    (terminal.folder / "sheet.eml").write_text(MAIL, encoding="utf-8")
    for one, outcome in zip(
        terminal.run("ingest", "post", "sheet.eml", "sheet.eml").lines, ("automatic", "duplicate"), strict=True
    ):
        assert (one["outcome"], one["automatic"]) == (outcome, "sheets:12345")
    found = terminal.run("inbound", "list", "--json").lines
    assert sorted(one["channel"] for one in found) == ["city", "city", "city", "county", "pay", "post"]


def test_a_good_configuration_of_every_door_is_said_to_be_good(terminal: Terminal) -> None:
    ran = with_doors(terminal).run("check")
    assert ran.code == 0, ran.err


def test_every_bad_setting_of_every_door_is_named_in_one_listing(terminal: Terminal) -> None:
    broken = (
        DOORS.replace(PUBLIC, "00" * 64)
        .replace('start = "0"', 'start = "0"\npaging = "token"')
        .replace('"platform.pem"', '"missing.pem"')
    )
    with_doors(terminal).configure(broken)
    ran = terminal.run("check")
    assert ran.code == 2
    for problem in (
        "channels.city: public_key: not a point of the curve sm2p256v1",
        "channels.county: pull.next: required where paging is token",
        f"channels.pay: platform_keys.{KEY_ID}: No such file or directory",
    ):
        assert problem in ran.err, ran.err
