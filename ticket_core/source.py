"""A source 转办来源: one forwarding body's messages, clocks and steps as data, read from TOML and checked whole.

A *record* is one case as the body sends it: names of its own, such as a sheet's headers, with texts.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Literal, get_args
from zoneinfo import ZoneInfo

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from ticket_core.decide.span import Span, parse_span
from ticket_core.errors import ProfileError
from ticket_core.model import KINDS, Kind
from ticket_core.profile import DeadlineRule, Profile, Words, spans_wrong

_STRICT = ConfigDict(extra="forbid")
_ELEMENT = re.compile(r"[^\W\d][\w.-]*")

#: Where a value of a record goes in a ticket.
Place = Literal[
    "text",
    "subject",
    "kind",
    "category",
    "priority",
    "respondent",
    "service_number",
    "occurred_at",
    "place",
    "name",
    "phone",
    "email",
    "anonymous",
    "confidential",
    "real_name",
    "lodged_at",
    "sent_at",
    "act",
    "entry",
    "other_number",
]
#: What a column of a reply sheet can hold: a value of the ticket, the time of the last event of a kind
#: (``answered_at``), a field of it (``returned.reason``), or of each step by itself (``step.name``, ``step.text``);
#: then there is a row for each step, else for each case.
REPLIED = frozenset(
    {"case_number", "other_number", "number", "subject", "kind", "status", "group", "category", "answer", "reported_at"}
)
_OF_EVENT = re.compile(r"[a-z_]+_at|[a-z_]+\.[a-z_]+")
#: What a message of the body means for its case.
SourceAct = Literal["transfer", "correction", "urge", "withdraw", "extension"]
PLACES: tuple[str, ...] = get_args(Place)
ACTS: tuple[str, ...] = get_args(SourceAct)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step back to the body: our event, and what the body calls it. `fields` are theirs ← ours.

    In a process that has no action for `event`, the event `instead` stands for it.
    """

    __pydantic_config__ = _STRICT
    event: str
    instead: str = ""
    name: str
    code: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """Where a pushed case has its files: the lists they stand in, and the names of a file's parts.

    `content` is base64; what has none, such as an address, stays a line of the case's text.
    """

    __pydantic_config__ = _STRICT
    lists: tuple[str, ...] = ("attachments", "attachmentList", "附件", "附件列表", "附件信息", "files", "fileList")
    name: tuple[str, ...] = ("name", "fileName", "file_name", "文件名", "附件名称", "title")
    content: tuple[str, ...] = ("content", "base64", "fileContent", "data", "内容", "附件内容")
    media_type: tuple[str, ...] = ("media_type", "mediaType", "contentType", "mimeType")


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """How the body is told of a step by HTTP, and what its answer means.

    A place is a JSON pointer (RFC 6901); in XML the names on it are elements, below the root. Of several the first that
    is there counts. Codes compare without case: `ok` took it, `known` has it already, `again` wants it later; any other
    refuses it for good. What an XML body calls its own element is `root`.
    """

    __pydantic_config__ = _STRICT
    form: Literal["json", "xml"] = "json"
    root: str = "step"
    code: tuple[str, ...] = ("/code", "/status", "/errcode", "/success")
    message: tuple[str, ...] = ("/msg", "/message", "/errmsg")
    receipt: tuple[str, ...] = ("/receipt",)
    ok: tuple[str, ...] = ("0", "200", "ok", "success", "true")
    known: tuple[str, ...] = ()
    again: tuple[str, ...] = ("busy", "429", "500", "502", "503", "504")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplySheet:
    """The file in which steps are reported where there is no interface: its form, and how it is written.

    GB18030 is GBK with the characters that GBK lacks. `title` is a row above the header; `times` is a strftime format.
    """

    __pydantic_config__ = _STRICT
    form: Literal["xlsx", "csv"] = "xlsx"
    encoding: Literal["utf-8-sig", "utf-8", "gb18030"] = "utf-8-sig"
    sheet: Annotated[str, Field(min_length=1, max_length=31)] = "反馈"
    title: str = ""
    times: str = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True, kw_only=True)
class Source:
    """A forwarding body. Names of its fields are tried in order, without regard to width, case and spaces.

    `verified` says where the facts come from. `clocks` are our limits for its cases, beside those of the process; one
    that starts with `given` has no length of its own and says only what meets a limit that they send. `deadlines` are
    which of its fields are which of its limits, a date alone meaning the end of that day. `profile` is the process of
    its tickets where the channel names none; empty: that of the installation. `tracks` splits a case that is several
    things at once: their word → our kinds; `only` are fields that one of these kinds alone says, so that a case without
    a word for its kind is what it says. `return_within` is a span after receipt; after it nobody returns a case, or a
    supervisor alone (`return_late`). `again` is what a finished case becomes that they transfer anew: its ticket is
    open once more, or a new one is linked with it.
    `unnamed` are words that stand in the place of a name.

    In what they push, cases are where `records` lead: dotted paths through objects, elements and texts that are
    documents themselves; without one, the outermost objects with a case number and what is required. Objects that have
    both names of `pairs` are a name and its value. `attached` says where the files of a case are. In their sheets,
    lines that begin with one of `footers` and are no case are passed over.
    """

    __pydantic_config__ = _STRICT
    name: str
    label: Words
    version: str = "1"
    verified: Literal["official", "vendor", "unverified"] = "unverified"
    zone: str = "Asia/Shanghai"
    profile: str = ""
    case_number: tuple[str, ...]
    fields: Mapping[Place, tuple[str, ...]]
    values: Mapping[Place, Mapping[str, str]] = field(default_factory=dict)
    default_kind: Kind = "complaint"
    category_separators: tuple[str, ...] = ("->", "→", "/", ">", "|")
    tracks: Mapping[str, tuple[Kind, ...]] = field(default_factory=dict)
    only: Mapping[Kind, tuple[str, ...]] = field(default_factory=dict)
    confidential_kinds: tuple[Kind, ...] = ()
    deadlines: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    clocks: tuple[DeadlineRule, ...] = ()
    steps: tuple[Step, ...] = ()
    reasons: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # event -> code -> label
    return_within: str = ""
    return_late: Literal["refuse", "supervisor"] = "refuse"
    again: Literal["reopen", "new"] = "reopen"
    unnamed: Mapping[str, Literal["anonymous", "confidential"]] = field(
        default_factory=lambda: {"保密": "confidential", "匿名": "anonymous"}
    )
    callback: Callback = Callback()
    reply: Mapping[str, str] = field(default_factory=dict)  # columns of the reply sheet: theirs <- ours, see `REPLIED`
    reply_sheet: ReplySheet = ReplySheet()
    required: Annotated[tuple[Place, ...], Field(min_length=1)] = ("text",)
    records: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    pairs: tuple[str, str] | None = None
    attached: Attached = Attached()
    footers: tuple[str, ...] = (
        "合计",
        "总计",
        "小计",
        "共计",
        "总数",
        "制表",
        "填表",
        "审核",
        "备注",
        "注:",
        "以下空白",
    )

    @cached_property
    def tz(self) -> ZoneInfo:
        """The zone of times without one."""
        return ZoneInfo(self.zone)

    def steps_in(self, profile: Profile) -> Mapping[str, Step]:
        """The step that an event of this process is for the body; of two for one event the first."""
        done = {action.event for action in profile.actions}
        found: dict[str, Step] = {}
        for step in self.steps:
            event = step.instead if step.instead and step.event not in done else step.event
            found.setdefault(event, step)
        return found

    @cached_property
    def return_span(self) -> Span | None:
        """How long after receipt a case may be returned; None: always."""
        return parse_span(self.return_within) if self.return_within else None

    @cached_property
    def numbers(self) -> frozenset[str]:
        """Every name of theirs for the case's number, as it is compared."""
        return frozenset(map(plain, self.case_number))

    @cached_property
    def needed(self) -> frozenset[str]:
        """Every name of theirs for what a case must say, as it is compared."""
        return frozenset(plain(one) for place in self.required for one in self.fields.get(place, ()))

    @cached_property
    def attached_lists(self) -> frozenset[str]:
        """Every name of theirs for the files of a case, as it is compared."""
        return frozenset(map(plain, self.attached.lists))

    @cached_property
    def headers(self) -> frozenset[str]:
        """Every name of theirs that means something, as it is compared."""
        names = (*self.case_number, *(one for some in self.fields.values() for one in some))
        return frozenset(plain(one) for one in (*names, *(one for some in self.deadlines.values() for one in some)))


@lru_cache(maxsize=4096)
def plain(name: str) -> str:
    """A field name as it is compared: width, case, spaces and a mark for required fields count for nothing."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split()).strip("*:：")


def with_clocks(profile: Profile, sources: Mapping[str, Source]) -> Profile:
    """The process with the clocks of these sources, each for tickets of its own source.

    One without a ladder climbs that of its name in the process, else the first there is.
    """
    named = {rule.name for rule in profile.deadlines if rule.ladder}
    usual = next((rule.ladder for rule in profile.deadlines if rule.ladder), ())
    extra = [
        replace(
            rule,
            when=replace(rule.when, source=(source.name,)),
            ladder=rule.ladder or (() if rule.name in named else usual),
        )
        for source in sources.values()
        for rule in source.clocks
    ]
    return replace(profile, deadlines=(*profile.deadlines, *extra)) if extra else profile


_ADAPTER: TypeAdapter[Source] = TypeAdapter(Source)
_FOLDER = Path(__file__).parent / "sources"


def read_source(text: str, *, origin: str) -> Source:
    """Parse and check a source file.

    Raises:
        ProfileError: with every problem found, each as ``origin: key: reason``.
    """
    try:
        source = _ADAPTER.validate_python(tomllib.loads(text), strict=False)
    except tomllib.TOMLDecodeError as error:
        raise ProfileError([f"{origin}: {error}"]) from error
    except ValidationError as error:
        raise ProfileError(
            [
                f"{origin}: {'.'.join(str(part) for part in item['loc'])}: {item['msg']}"
                for item in error.errors(include_input=False, include_url=False)
            ]
        ) from error
    if problems := [f"{origin}: {problem}" for problem in _cross_check(source)]:
        raise ProfileError(problems)
    return source


def load_source(name: str, *folders: Path) -> Source:
    """The source `name` from the operator's `folders`, else from those shipped.

    Raises:
        ProfileError: when there is no such file or it is wrong.
    """
    for folder in (*folders, _FOLDER):
        path = folder / f"{name}.toml"
        if path.is_file():
            return read_source(path.read_text(encoding="utf-8"), origin=path.name)
    raise ProfileError([f"source {name}: no such file in {', '.join(str(folder) for folder in (*folders, _FOLDER))}"])


def source_names(*folders: Path) -> tuple[str, ...]:
    """Names of all sources that can be loaded, sorted."""
    return tuple(sorted({path.stem for folder in (*folders, _FOLDER) for path in folder.glob("*.toml")}))


def _cross_check(source: Source) -> list[str]:
    problems = [
        f"fields.{place}: required, and no field says it" for place in source.required if place not in source.fields
    ]
    if not source.case_number:
        problems.append("case_number: no field says it")
    problems += [
        f"values.kind.{word}: unknown kind {kind}"
        for word, kind in source.values.get("kind", {}).items()
        if kind not in KINDS
    ]
    problems += [
        f"values.act.{word}: must be one of {', '.join(ACTS)}"
        for word, act in source.values.get("act", {}).items()
        if act not in ACTS
    ]
    problems += [
        f"reply.{column}: {value}: neither a value of a ticket nor of an event"
        for column, value in source.reply.items()
        if value not in REPLIED and not _OF_EVENT.fullmatch(value)
    ]
    problems += _of_callback(source)
    problems += spans_wrong(source.clocks, "clocks")
    if source.return_within:
        try:
            parse_span(source.return_within)
        except ValueError as error:
            problems.append(f"return_within: {error}")
    return problems


def _of_callback(source: Source) -> list[str]:
    """Names that cannot be elements, and places that are no pointers."""
    told = source.callback
    names = [name for step in source.steps for name in step.fields] if told.form == "xml" else []
    places = (*told.code, *told.message, *told.receipt)
    return [
        *(f"steps.fields.{name}: no name of an XML element" for name in names if not _ELEMENT.fullmatch(name)),
        *(f"callback: {place}: a place begins with /" for place in places if not place.startswith("/")),
        *([] if _ELEMENT.fullmatch(told.root) else [f"callback.root: {told.root}: no name of an XML element"]),
    ]
