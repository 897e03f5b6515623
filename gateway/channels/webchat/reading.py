"""What a visitor's page pushes: one JSON object, and after a line feed the bytes of the file it names.

``{"account": A, "type": "message", "id": ID, "text": T, "label": L, "locale": "en", "file": {"name": N, "size": S}}``
says something; `id` is the page's own and makes a second delivery known, `label` is what a pressed button showed,
`revises` the id of an earlier message for which these are other words. These two, `locale` and `file` may be absent.
``{"account": A, "type": "seen", "notices": [R, …]}`` confirms notices by our references. The account stands in the
body so that it is in the journal: `verify` compares it with the token's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, TypeAdapter

from gateway.channels.base import Parsed, Said
from gateway.files import clean_name, media_type_of, runs
from gateway.message import Address, DeliveryReceipt, File, InboundMessage, Raw, Talk

HEAD_LIMIT = 64 << 10
TEXT_LIMIT = 5000
_LABEL_LIMIT = 100
_STRICT = ConfigDict(extra="forbid")
_Account = Annotated[str, Field(pattern=r"^[a-z2-7]{24}$")]
_Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
_Reference = Annotated[str, Field(pattern=r"^n[0-9]{1,18}$")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """The file that follows."""

    __pydantic_config__ = _STRICT
    name: Annotated[str, Field(min_length=1, max_length=255)]
    size: Annotated[int, Field(ge=0)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Something said."""

    __pydantic_config__ = _STRICT
    account: _Account
    type: Literal["message"]
    id: _Id
    text: str = ""
    label: Annotated[str, Field(max_length=_LABEL_LIMIT)] = ""
    locale: Literal["zh-CN", "en"] | None = None
    revises: Annotated[str, Field(pattern=r"^([A-Za-z0-9_-]{8,64})?$")] = ""
    file: Named | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Notices that were shown."""

    __pydantic_config__ = _STRICT
    account: _Account
    type: Literal["seen"]
    notices: Annotated[tuple[_Reference, ...], Field(min_length=1, max_length=100)]


Push = Message | Seen
_PUSH: TypeAdapter[Push] = TypeAdapter(Annotated[Push, Field(discriminator="type")])


def read_push(body: bytes) -> tuple[Push, bytes]:
    """What is pushed, and the bytes behind it.

    Raises:
        ValueError: it is nothing of that form.
    """
    head, _, file = body.partition(b"\n")
    if len(head) <= HEAD_LIMIT and head.rstrip().endswith(b"}"):
        push = _PUSH.validate_json(head)
        if isinstance(push, Message) and push.file is not None:
            return push, file
    return _PUSH.validate_json(body), b""  # written by hand, over several lines


def problem_of(name: str, content: bytes, size: int, largest: int) -> str:
    """Why a file is not taken in, as the words of problems call it; empty where it is."""
    if len(content) > largest or size > largest:
        return "file_too_large"
    if not content or len(content) != size:
        return "empty_file"
    if not clean_name(name):
        return "file_name"
    return "file_refused" if runs(clean_name(name)) or media_type_of(content) is None else ""


def parsed(channel: str, raw: Raw, largest: int) -> Sequence[Parsed]:
    """The message, or a receipt for each notice that was seen.

    Raises:
        ValueError: it is neither, or holds what is not taken in.
    """
    push, content = read_push(raw.body)
    if isinstance(push, Seen):
        return [
            DeliveryReceipt(status="delivered", at=raw.received_at, reference=reference, address=push.account)
            for reference in dict.fromkeys(push.notices)
        ]
    if not push.text.strip() and push.file is None:
        raise ValueError("it says nothing")
    if len(push.text) > TEXT_LIMIT:
        raise ValueError("longer than a message may be")
    return [
        InboundMessage(
            channel=channel,
            external_id=f"{push.account}:{push.id}",
            received_at=raw.received_at,
            raw=raw,
            sender=(Address(medium="chat", value=f"{channel}:{push.account}"),),
            text=push.text,
            attachments=() if push.file is None else (_file(push.file, content, largest),),
            fields={"locale": push.locale} if push.locale else {},
            talk=Talk(account=push.account, revises=f"{push.account}:{push.revises}" if push.revises else ""),
        )
    ]


def said_in(start: bytes) -> Said | None:
    """The message that begins with these bytes, as its writer saw it; None where it is none."""
    try:
        push, _ = read_push(start)
    except ValueError:
        return None
    if isinstance(push, Seen):
        return None
    file = push.file or Named(name="-", size=0)
    name = clean_name(file.name) if push.file else ""
    return Said(
        id=push.id,
        text=push.label or push.text,
        pressed=bool(push.label),
        revises=push.revises,
        file=name,
        size=file.size,
    )


def _file(named: Named, content: bytes, largest: int) -> File:
    problem = problem_of(named.name, content, named.size, largest)
    media_type = media_type_of(content)
    if problem or media_type is None:
        raise ValueError(problem or "file_refused")
    return File(name=clean_name(named.name), media_type=media_type, content=content)
