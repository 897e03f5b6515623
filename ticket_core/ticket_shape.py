"""The shape of a ticket as JSON (contract, section 2): its fields, their limits, and the labels of its enumerations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, WithJsonSchema

KIND_LABELS: Mapping[str, str] = {
    "complaint": "投诉",
    "report": "举报",
    "inquiry": "咨询",
    "suggestion": "建议",
    "help": "求助",
    "repair": "报修",
    "situation": "情况反映",
    "lost_property": "寻物",
    "praise": "表扬",
    "order": "订购",
}
GRADE_LABELS: Mapping[str, str] = {"request": "诉求", "grievance": "申告", "upgraded": "升级投诉", "appeal": "申诉"}
STAGE_LABELS: Mapping[str, str] = {
    "draft": "存盘",
    "received": "已接收",
    "assigned": "已派单",
    "accepted": "已受理",
    "responded": "已首次回应",
    "answered": "已答复",
    "reviewed": "已审核",
    "closed": "已办结",
    "archived": "已归档",
    "returned": "已退回",
    "suspended": "已挂起",
    "refused": "不予受理",
    "withdrawn": "已撤诉",
}
RELATION_LABELS: Mapping[str, str] = {
    "repeats": "重复于",
    "duplicate": "与之相同",
    "split_from": "拆分自",
    "parent": "上级工单",
}
_STRICT = ConfigDict(extra="forbid")


def _named(labels: Mapping[str, str]) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "enum": list(labels), "x-labels": dict(labels)})


Number = Annotated[str, Field(pattern=r"^[0-9]{15}$", description="工单编号; the last digit is a check digit")]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComplainantJSON:
    """Who complained 投诉人; masked for those who do not handle the ticket."""

    __pydantic_config__ = _STRICT
    name: str
    phones: tuple[str, ...]
    emails: tuple[str, ...]
    chats: tuple[str, ...]
    masked: Annotated[tuple[str, ...], Field(description="as written, where it names nobody")]
    anonymous: bool
    confidential: bool
    real_name: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentJSON:
    """An attachment 附件; its bytes are found by their hash, which is empty while they are awaited, or were lost."""

    __pydantic_config__ = _STRICT
    name: str
    media_type: str
    size: Annotated[int, Field(ge=0, description="bytes")]
    sha256: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")]
    state: Literal["kept", "awaited", "lost"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceDeadlineJSON:
    """A deadline that the forwarding body gave."""

    __pydantic_config__ = _STRICT
    name: str
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceJSON:
    """Where the ticket came from 来源: our channel, and the forwarding body with its case number and deadlines."""

    __pydantic_config__ = _STRICT
    channel: str
    body: str
    case_number: str
    deadlines: tuple[SourceDeadlineJSON, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComplaintJSON:
    """One statement received for the ticket."""

    __pydantic_config__ = _STRICT
    seq: Annotated[int, Field(ge=1)]
    kind: Literal["complaint", "supplement"]
    channel: str
    lodged_at: datetime
    received_at: datetime
    text: str
    actor: str
    inbound_id: Annotated[int | None, Field(description="its line in the journal of inputs")]
    attachments: tuple[AttachmentJSON, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkJSON:
    """A relation to another ticket."""

    __pydantic_config__ = _STRICT
    relation: Annotated[Literal["repeats", "duplicate", "split_from", "parent"], _named(RELATION_LABELS)]
    number: Number


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadlineJSON:
    """A deadline 时限; `proof` is how its time was found, line by line."""

    __pydantic_config__ = _STRICT
    name: str
    label: str
    amount: int
    unit: Literal["minutes", "hours", "days", "working_days", "months", "same_day"]
    clock: Literal["wall", "working_hours"]
    started_at: datetime
    due_at: datetime
    provisional: Annotated[bool, Field(description="touches a year whose calendar is not published yet")]
    origin: Literal["profile", "source", "extension"]
    met_at: datetime | None
    warned_at: datetime | None
    overdue_at: datetime | None
    cancelled_at: datetime | None
    proof: Annotated[tuple[str, ...], Field(description="empty for a deadline given from outside or extended")]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventJSON:
    """One line of the timeline; never changed, never removed."""

    __pydantic_config__ = _STRICT
    seq: Annotated[int, Field(ge=1)]
    kind: str
    at: datetime
    actor: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelsJSON:
    """The words people read for the ticket's enumerations."""

    __pydantic_config__ = _STRICT
    kind: str
    grade: str
    priority: str
    status: str
    stage: str
    group: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketJSON:
    """The case we answer for 工单."""

    __pydantic_config__ = ConfigDict(extra="forbid", title="Ticket")
    number: Number
    id: Annotated[int, Field(ge=0, description="unique and sortable by time")]
    key: Annotated[str | None, Field(description="查询码, the complainant's secret; only in the answer to the intake")]
    profile: str
    kind: Annotated[str, _named(KIND_LABELS)]
    grade: Annotated[str, _named(GRADE_LABELS)]
    grade_reason: Annotated[
        str, Field(description="repeat, walk_in, special_number, regulator, manual; empty for none")
    ]
    priority: Annotated[str, Field(description="as the profile names them")]
    status: Annotated[str, Field(description="the profile's own word")]
    stage: Annotated[str, _named(STAGE_LABELS)]
    labels: LabelsJSON
    open: bool
    triage: Annotated[str, Field(description="why a person must look at it; empty when nobody must")]
    complainant: ComplainantJSON
    respondent: Annotated[str, Field(description="被投诉对象")]
    service_number: Annotated[str, Field(description="业务号码")]
    category: Annotated[tuple[str, ...], Field(max_length=4)]
    subject: str
    text: str
    occurred_at: datetime | None
    place: str
    locale: str
    attachments: tuple[AttachmentJSON, ...]
    source: SourceJSON
    entry: str
    complaints: tuple[ComplaintJSON, ...]
    group: str
    assignee: str
    first_owner: Annotated[str, Field(description="首问负责人")]
    tags: tuple[str, ...]
    links: tuple[LinkJSON, ...]
    answer: str
    rating: Annotated[int | None, Field(ge=1, le=5)]
    urges: Annotated[int, Field(ge=0)]
    received_at: datetime
    lodged_at: datetime
    updated_at: datetime
    deadlines: tuple[DeadlineJSON, ...]
    events: tuple[EventJSON, ...]
