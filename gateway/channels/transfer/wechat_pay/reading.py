"""What a notice and a complaint of WeChat Pay say, as a record of the source and the files that belong to it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from gateway.message import File

#: What makes a complaint another one than before; what was said about it is part of its text.
_NEWS = (
    "user_complaint_times",
    "problem_type",
    "problem_description",
    "apply_refund_amount",
    "complaint_full_refunded",
)
#: Entries of the history that the complainant wrote (…/doc/v3/merchant/4012533439).
_BY_USER = "USER_"
#: The complaint itself, with its pictures, is what these notices are about.
_WHOLE = frozenset({"", "CREATE_COMPLAINT", "CONTINUE_COMPLAINT"})

Document = Mapping[str, Any]


def record_of(pulled: Document, phone: Callable[[str], str]) -> dict[str, str]:
    """One complaint, as it was asked for, in the names of the source; `phone` opens their cipher."""
    complaint, action = pulled["complaint"], pulled.get("action_type") or ""
    order: Document = next(iter(complaint.get("complaint_order_info") or []), {})
    record = {
        name: _text(complaint.get(name)) for name in ("complaint_id", "complaint_time", "complaint_state", *_NEWS)
    }
    record |= {name: _text(order.get(name)) for name in ("transaction_id", "out_trade_no")}
    record["complaint_detail"] = "\n".join([_text(complaint.get("complaint_detail")), *_said(pulled)]).strip()
    record["payer_phone"] = phone(_text(complaint.get("payer_phone"))) if complaint.get("payer_phone") else ""
    return {**record, "action_type": action, "create_time": _text(pulled.get("create_time"))}


def identity_of(record: Mapping[str, str]) -> str:
    """The same for whatever asked for it: the complaint, and all that may change about it."""
    said = {name: record[name] for name in (*_NEWS, "complaint_detail", "payer_phone")}
    return f"{record['complaint_id']}#{hashlib.sha256(orjson.dumps(said)).hexdigest()[:24]}"


def files_of(pulled: Document) -> tuple[File, ...]:
    """Pictures, which lie at WeChat's: of a new complaint its own, else those of what was said last."""
    complaint = pulled["complaint"]
    if (pulled.get("action_type") or "") in _WHOLE:
        media = complaint.get("complaint_media_list") or []
    else:
        last: Document = next(iter(reversed(_by_user(pulled))), {})
        media = [last["complaint_media_list"]] if last.get("complaint_media_list") else []
    addresses = [address for one in media for address in one.get("media_url") or [] if isinstance(address, str)]
    return tuple(
        File(name=f"{number}.jpg", media_type="image/jpeg", reference=address)
        for number, address in enumerate(dict.fromkeys(addresses), 1)
    )


def _said(pulled: Document) -> list[str]:
    """What the complainant added, with its time; the first entry is the complaint itself."""
    detail = _text(pulled["complaint"].get("complaint_detail"))
    entries = ((_text(one.get("operate_time")), _text(one.get("operate_details"))) for one in _by_user(pulled))
    return [f"{at} {text}" for at, text in entries if text and text != detail]


def _by_user(pulled: Document) -> Sequence[Document]:
    history = pulled.get("history") or []
    return [one for one in history if _text(one.get("operate_type")).startswith(_BY_USER)]


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case _:
            return str(value)
