"""Parsing mail, side by side with the standard library merely decoding the same mails.

Run with `python -m benchmarks.mail_parse`. The rounds alternate, the ratios are of medians. "ordinary" is the mix an
office sees; "fixtures" are the odd and damaged samples of the tests.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from gateway.normalize.mail import parse_mail

ROUNDS = 5
FIXTURES = Path(__file__).parent.parent / "tests" / "normalize" / "mail" / "fixtures"

_STORY = "家里宽带断网三天，多次致电客服无人处理，业务号码 13800001234，要求尽快修复并按合同赔偿损失。\n"
_QUOTED = (
    "已经三天了还没有修好，请升级处理。\n\n------------------ 原始邮件 ------------------\n"
    "发件人: 投诉受理 <tousu@example.com>\n发送时间: 2026年11月20日 9:00\n"
    "收件人: 李四 <li@example.com>\n主题: 受理通知\n\n" + "您的投诉已受理，工单号 T1。\n" * 20
)
_RECEIVED = [
    f"from mx{n}.example.com (unknown [192.0.2.{n}]) by smtp{n}.example.com (NewMx) with SMTP id {n}; "
    f"Fri, 20 Nov 2026 09:00:0{n} +0800"
    for n in range(1, 5)
]


def _page(size: int) -> str:
    cell = "<td class='c' valign=top><span style='font-size:14px'>第{}项&nbsp;费用</span></td>"
    row = f"<tr style='height:20px'>{cell}<td>12.00 元</td></tr>\n"
    rows = ""
    number = 0
    while len(rows) < size:
        number += 1
        rows += row.format(number)
    top = "<head><style>td{padding:2px}</style></head>"
    return f"<html>{top}<body><div>{_STORY}</div><table>{rows}</table></body></html>"


def _mail(number: int, text: str, charset: str, page: str | None = None, attachment: bytes | None = None) -> bytes:
    mail = EmailMessage(policy=policy.SMTP)
    for received in _RECEIVED:
        mail["Received"] = received
    mail["From"] = "李四 <li@example.com>"
    mail["To"] = "投诉受理 <tousu@example.com>"
    mail["Subject"] = f"投诉：宽带断网多日无人处理（{number}）"
    mail["Date"] = "Fri, 20 Nov 2026 09:00:00 +0800"
    mail["Message-ID"] = f"<{number}@example.com>"
    mail["X-Mailer"] = "Foxmail 7.2.25"
    mail["X-Originating-IP"] = "[192.0.2.9]"
    if text:
        mail.set_content(text, charset=charset, cte="base64")
    elif page:
        mail.set_content(page, subtype="html", charset=charset, cte="base64")
    if text and page:
        mail.add_alternative(page, subtype="html", charset=charset, cte="base64")
    if attachment:
        mail.add_attachment(attachment, maintype="image", subtype="jpeg", filename="现场照片.jpg")
    return mail.as_bytes()


def ordinary_mails() -> list[bytes]:
    """Twenty mails: short ones, 7 KB pages beside or instead of text, replies with quotation, a 200 KB photograph."""
    mails = [_mail(n, _STORY, ("gbk", "utf-8")[n % 2]) for n in range(8)]
    mails += [_mail(n, _STORY, ("gbk", "utf-8")[n % 2], page=_page(7000)) for n in range(8, 12)]
    mails += [_mail(n, "", ("gbk", "utf-8")[n % 2], page=_page(7000)) for n in range(12, 14)]
    mails += [_mail(n, _QUOTED, "utf-8") for n in range(14, 19)]
    mails.append(_mail(19, _STORY, "utf-8", attachment=bytes(range(256)) * 800))
    return mails


def fixture_mails() -> list[bytes]:
    """The sample mails of the tests that the standard library gets through without an exception."""
    return [raw for path in sorted(FIXTURES.glob("*.eml")) if _stdlib_survives(raw := path.read_bytes())]


def decode_with_stdlib(raw: bytes) -> None:
    """What the standard library does at the least: every header as text, every body and file decoded."""
    mail = message_from_bytes(raw, policy=policy.default)
    for value in mail.values():
        str(value)
    for part in mail.walk():
        if not part.is_multipart():
            try:
                part.get_content()
            except (LookupError, ValueError, KeyError):
                part.get_payload(decode=True)


def _stdlib_survives(raw: bytes) -> bool:
    try:
        decode_with_stdlib(raw)
    except Exception:  # it raises whatever it happens to raise, which is the point of leaving such mails out
        return False
    return True


def _seconds(parse: Callable[[bytes], object], mails: list[bytes], repeat: int) -> float:
    start = time.perf_counter()
    for _ in range(repeat):
        for raw in mails:
            parse(raw)
    return time.perf_counter() - start


def measure(mails: list[bytes], *, rounds: int = ROUNDS, repeat: int = 5) -> dict[str, float]:
    """Mails a second of both (median of alternating rounds) and their ratio."""
    parse_mail(mails[0])
    decode_with_stdlib(mails[0])
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(rounds):
        theirs.append(_seconds(decode_with_stdlib, mails, repeat))
        ours.append(_seconds(parse_mail, mails, repeat))
    count = len(mails) * repeat
    mine, stdlib = statistics.median(ours), statistics.median(theirs)
    return {
        "mails": len(mails),
        "rounds": rounds,
        "parse_mail_per_second": round(count / mine, 1),
        "stdlib_per_second": round(count / stdlib, 1),
        "ratio": round(stdlib / mine, 2),
    }


def main() -> None:
    """Print one JSON object."""
    result = {"ordinary": measure(ordinary_mails()), "fixtures": measure(fixture_mails(), repeat=2)}
    json.dump(result, sys.stdout, indent=1)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
