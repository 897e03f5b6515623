"""What callers may send: bodies and queries, validated by these classes and described by them in ``/openapi.json``."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Final, Literal, Required, TypeVar

from pydantic import AwareDatetime, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from gateway.web.problems import Problem, invalid
from ticket_core.model import Disposition, Grade, Kind, NoticeState, Outcome, Stage
from ticket_core.store.queries import MOST_PER_PAGE

LONGEST_TEXT: Final = 20_000
_BODY = ConfigDict(extra="forbid", strict=True)
_QUERY = ConfigDict(extra="forbid")
_MOST_COMMAS: Final = 100_000
_NUL = b"\\u0000"  # the only way JSON has to say it
_TIME_SHAPE = re.compile(r"(19|20)[0-9]{2}-[0-9]{2}-[0-9]{2}[Tt ]")

T = TypeVar("T")


def _rfc3339(value: object) -> object:
    """Numbers and far centuries are no times here, whatever else could be made of them."""
    if not isinstance(value, str) or _TIME_SHAPE.match(value) is None:
        raise PydanticCustomError("datetime_parsing", "must be an RFC 3339 time")
    return value


# Not strict, because a text that has passed through Python code is none of JSON's any more.
Time = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_rfc3339, json_schema_input_type=datetime)]
# At least one character that is not blank.
Text = Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT, pattern=r"\S")]
Line = Annotated[str, Field(max_length=200)]
Word = Annotated[str, Field(max_length=100)]
Phone = Annotated[str, Field(max_length=64)]
Locale = Literal["zh-CN", "en"]


class ComplainantBody(TypedDict, total=False):
    """Who complains 投诉人; a masked phone or address is kept as written and names nobody."""

    __pydantic_config__ = _BODY  # type: ignore[misc]
    name: Word
    phone: Phone
    email: Annotated[str, Field(max_length=254, pattern=r"^([^@\s]+@[^@\s]+)?$")]
    anonymous: bool
    confidential: bool


class AttachmentBody(TypedDict, total=False):
    """A file 附件; its type is found from its content, whatever `media_type` says."""

    __pydantic_config__ = _BODY  # type: ignore[misc]
    name: Required[Annotated[str, Field(min_length=1, max_length=200)]]
    media_type: Word
    content: Required[Annotated[str, Field(json_schema_extra={"contentEncoding": "base64"})]]


class IntakeBody(TypedDict, total=False):
    """A complaint or another statement 诉求; only `text` is required."""

    __pydantic_config__ = _BODY  # type: ignore[misc]
    text: Required[Text]
    kind: Kind
    subject: Line
    category: Annotated[list[Word], Field(max_length=4)]
    service_number: Phone
    respondent: Line
    occurred_at: Time
    place: Line
    locale: Locale
    complainant: ComplainantBody
    attachments: list[AttachmentBody]


class CallBody(IntakeBody, total=False):
    """What a phone agent writes down 电话受理单: the intake body, and the call."""

    __pydantic_config__ = _BODY  # type: ignore[misc]
    priority: Annotated[str, Field(max_length=100, description="as the profile names them")]
    caller: Phone
    extension: Annotated[str, Field(max_length=20)]
    call_started_at: Time
    entry: Annotated[str, Field(max_length=20, description="hotline, walk_in, or a special number such as 12530")]
    disposition: Annotated[Disposition, Field(description="answered 直接答复, submit 提交, draft 存盘")]
    answer: Annotated[str, Field(max_length=LONGEST_TEXT, description="what the caller was told")]


class SupplementBody(TypedDict, total=False):
    """More facts 追加信息."""

    __pydantic_config__ = _BODY  # type: ignore[misc]
    text: Required[Text]
    attachments: list[AttachmentBody]


class UrgeBody(TypedDict, total=False):
    """When at last? 催单."""

    __pydantic_config__ = _BODY  # type: ignore[misc]
    text: Text


class RatingBody(TypedDict, total=False):
    """How satisfied 满意度: 1 not at all to 5 fully."""

    __pydantic_config__ = _BODY  # type: ignore[misc]
    score: Required[Annotated[int, Field(ge=1, le=5)]]
    text: Text


class WithdrawalBody(TypedDict, total=False):
    """The complaint is taken back 撤诉."""

    __pydantic_config__ = _BODY  # type: ignore[misc]
    reason: Text


class _Paged(TypedDict, total=False):
    __pydantic_config__ = _QUERY  # type: ignore[misc]
    cursor: Annotated[str, Field(max_length=100, description="from the page before")]
    limit: Annotated[int, Field(ge=1, le=MOST_PER_PAGE)]


class TicketQuery(_Paged, total=False):
    """Filters of the ticket list; a list matches any of its values."""

    __pydantic_config__ = _QUERY  # type: ignore[misc]
    status: list[Word]
    stage: list[Stage]
    kind: list[Kind]
    grade: list[Grade]
    priority: list[Word]
    group: list[Word]
    assignee: list[Word]
    channel: list[Word]
    source: list[Word]
    open: bool
    triage: bool
    overdue: bool
    q: Annotated[str, Field(max_length=200, description="a number, or words")]
    received_from: Time
    received_to: Time
    order: Literal["newest", "due"]


class InboundQuery(_Paged, total=False):
    """Filters of the journal of inputs."""

    __pydantic_config__ = _QUERY  # type: ignore[misc]
    channel: Word
    outcome: Outcome
    number: Word


class NoticeQuery(_Paged, total=False):
    """Filters of the journal of notices."""

    __pydantic_config__ = _QUERY  # type: ignore[misc]
    state: NoticeState
    notice: Word
    number: Word


class LookupQuery(TypedDict, total=False):
    """Whose tickets: one of the two."""

    __pydantic_config__ = _QUERY  # type: ignore[misc]
    phone: Phone
    service_number: Phone


def validated(adapter: TypeAdapter[T], body: bytes) -> T:
    """The value of a JSON body, without NULs.

    Raises:
        Problem: 400 when it is no JSON, 422 with everything that is wrong with it.
    """
    # Each wrong part costs a kilobyte to name: what has more parts than any text has commas is not looked at.
    if body.count(b",") > _MOST_COMMAS:
        raise Problem(400, "bad-json")
    try:
        value = adapter.validate_json(body)
    except ValidationError as error:
        raise invalid(error) from None
    return _without_nul(value) if _NUL in body else value


def _without_nul(value: Any) -> Any:
    """The same without the one character that PostgreSQL cannot keep."""
    match value:
        case str():
            return value.replace("\x00", "")
        case list():
            return [_without_nul(one) for one in value]
        case dict():
            return {_without_nul(name): _without_nul(one) for name, one in value.items()}
        case _:
            return value


def validated_query(adapter: TypeAdapter[T], given: dict[str, Any]) -> T:
    """The value of a query; empty parameters count as absent.

    Raises:
        Problem: 422 with everything that is wrong with it.
    """
    try:
        return adapter.validate_python(given)
    except ValidationError as error:
        raise invalid(error) from None
