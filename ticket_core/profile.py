"""A process profile 流程: one deployment's process as data, read from TOML and checked whole.

Whoever reads a profile gets all its problems at once, each with its key and the reason.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, get_args
from zoneinfo import ZoneInfo

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from ticket_core.decide.span import parse_span
from ticket_core.errors import ProfileError
from ticket_core.model import GRADES, KINDS, STAGES, Kind, Stage

#: A text in each language; ``zh-CN`` is always there.
Words = Mapping[str, str]
Unit = Literal["minutes", "hours", "days", "working_days", "months", "same_day"]
Clock = Literal["wall", "working_hours"]
Roll = Literal["none", "holiday", "non_working"]
Role = str
#: `requester` is who asked for what the event decides; where nobody did, the handlers.
NoticeTarget = Literal["complainant", "handlers", "assignee", "supervisor", "requester"]

_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """When a rule applies; every named field must match, an empty field matches all."""

    __pydantic_config__ = _STRICT
    kind: tuple[str, ...] = ()
    grade: tuple[str, ...] = ()
    priority: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    stage: tuple[str, ...] = ()

    def matches(self, *, kind: str, grade: str, priority: str, source: str, stage: str) -> bool:
        """Whether a ticket with these values falls under it."""
        return (
            (not self.kind or kind in self.kind)
            and (not self.grade or grade in self.grade)
            and (not self.priority or priority in self.priority)
            and (not self.source or source in self.source)
            and (not self.stage or stage in self.stage)
        )


ALWAYS = Condition()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One step of a ladder: `event` happens at `offset` from the due time (``-1 hours``, ``5 working_days``).

    It fires only when at least `urges` urges are on record and, with `unexplained`, no explanation.
    """

    __pydantic_config__ = _STRICT
    name: str
    offset: str
    event: str
    urges: int = 0
    unexplained: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadlineRule:
    """One deadline: so much time after `start` (an event kind) unless one of `stop` happens before.

    It is extended no further than to the next of `extend_to`, spans from its start such as ``60 days``; none: freely.
    """

    __pydantic_config__ = _STRICT
    name: str
    label: Words
    amount: Annotated[int, Field(ge=1)]
    unit: Unit
    start: str = "received"
    stop: tuple[str, ...] = ("answered",)
    clock: Clock = "wall"
    roll: Roll = "none"
    when: Condition = ALWAYS
    valid_from: date | None = None
    valid_to: date | None = None
    extend_to: tuple[str, ...] = ()
    ladder: tuple[Rung, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A status in the organisation's own word, mapped to a standard stage."""

    __pydantic_config__ = _STRICT
    name: str
    label: Words
    stage: Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What somebody can do: legal in the statuses `source` (empty: all) for the roles `by`; leads to `target` if any.

    `requires` and `accepts` name fields: text, reason, group, assignee, priority, grade, kind, score, deadline, ...
    """

    __pydantic_config__ = _STRICT
    name: str
    label: Words
    event: str
    source: tuple[str, ...] = ()
    target: str | None = None
    by: tuple[Role, ...] = ("agent",)
    requires: tuple[str, ...] = ()
    accepts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyRule:
    """Who is told what when an event happens.

    `via` are media in order; `every` sends by each that the person has, else by the first.
    """

    __pydantic_config__ = _STRICT
    event: str
    to: NoticeTarget
    notice: str
    via: tuple[Literal["chat", "email", "sms"], ...] = ("chat", "email", "sms")
    every: bool = False
    when: Condition = ALWAYS


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatRule:
    """The repeat rule (contract, section 5). `scope`: count all channels together, or each channel by itself."""

    __pydantic_config__ = _STRICT
    version: str = "1"
    window: timedelta = timedelta(hours=4)
    scope: Literal["all", "channel"] = "all"
    action: Literal["escalate", "link", "merge", "inform", "none"] = "escalate"
    grade: Literal["request", "grievance", "upgraded", "appeal"] = "grievance"
    kinds: tuple[Kind, ...] = ("complaint",)
    shared_numbers: tuple[str, ...] = ()  # identity keys that name no single person
    special_numbers: tuple[str, ...] = ()  # entries that make a grievance at once
    walk_in: bool = True  # a visit makes a grievance at once
    trust_limit: timedelta = timedelta(days=7)  # how old a claimed time may be before arrival


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationRule:
    """How conversations go. `idle`: how long after the last word of either side further words still belong to it;

    `unfinished`: after how long a complaint that was begun and not confirmed is submitted as it is; `kinds` are offered
    as buttons; `shown` is how many tickets a question for the status tells of.
    """

    __pydantic_config__ = _STRICT
    idle: timedelta = timedelta(hours=24)
    unfinished: timedelta = timedelta(minutes=15)
    kinds: tuple[Kind, ...] = ("complaint", "report", "inquiry", "suggestion", "help", "repair")
    shown: Annotated[int, Field(ge=1, le=10)] = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A name with its label: a priority, a group, a kind."""

    __pydantic_config__ = _STRICT
    name: str
    label: Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Group(Named):
    """A group of people who handle tickets; `by_default` gets new ones."""

    __pydantic_config__ = _STRICT
    by_default: bool = False


@dataclass(frozen=True, kw_only=True)
class Profile:
    """A whole process. The look-ups are made once; the value itself never changes."""

    __pydantic_config__ = _STRICT
    name: str
    label: Words
    version: str = "1"
    zone: str = "Asia/Shanghai"
    default_priority: str
    working_hours: tuple[tuple[str, str], ...] = (("09:00", "12:00"), ("13:30", "17:30"))
    priorities: tuple[Named, ...] = ()
    kinds: tuple[Kind, ...] = get_args(Kind)
    types: tuple[Named, ...] = ()
    groups: tuple[Group, ...] = ()
    statuses: tuple[Status, ...]
    actions: tuple[Action, ...]
    deadlines: tuple[DeadlineRule, ...] = ()
    repeat: RepeatRule = RepeatRule()
    conversation: ConversationRule = ConversationRule()
    notify: tuple[NotifyRule, ...] = ()

    @cached_property
    def tz(self) -> ZoneInfo:
        """The zone in which days are counted."""
        return ZoneInfo(self.zone)

    @cached_property
    def stage_of(self) -> Mapping[str, Stage]:
        """Status name to standard stage."""
        return {status.name: status.stage for status in self.statuses}

    @cached_property
    def first_status(self) -> Mapping[str, str]:
        """The first status of each stage."""
        found: dict[str, str] = {}
        for status in self.statuses:
            found.setdefault(status.stage, status.name)
        return found

    @cached_property
    def action_of(self) -> Mapping[str, Action]:
        """Action by name."""
        return {action.name: action for action in self.actions}

    @cached_property
    def notify_on(self) -> Mapping[str, tuple[NotifyRule, ...]]:
        """Notify rules by event."""
        found: dict[str, tuple[NotifyRule, ...]] = {}
        for rule in self.notify:
            found[rule.event] = (*found.get(rule.event, ()), rule)
        return found

    @cached_property
    def rules_of(self) -> Mapping[str, tuple[DeadlineRule, ...]]:
        """Deadline rules by start event."""
        found: dict[str, tuple[DeadlineRule, ...]] = {}
        for rule in self.deadlines:
            found[rule.start] = (*found.get(rule.start, ()), rule)
        return found

    @cached_property
    def ladder_of(self) -> Mapping[tuple[str, int, str], tuple[Rung, ...]]:
        """Ladder by a deadline's name, amount and unit; one that brings none has the first of its name."""
        first: dict[str, tuple[Rung, ...]] = {}
        found: dict[tuple[str, int, str], tuple[Rung, ...]] = {}
        for rule in self.deadlines:
            if rule.ladder:
                first.setdefault(rule.name, rule.ladder)
                found.setdefault((rule.name, rule.amount, rule.unit), rule.ladder)
        for rule in self.deadlines:
            found.setdefault((rule.name, rule.amount, rule.unit), first.get(rule.name, ()))
        return found

    @cached_property
    def stops_of(self) -> Mapping[str, frozenset[str]]:
        """Event kinds that meet a deadline, by deadline name."""
        found: dict[str, frozenset[str]] = {}
        for rule in self.deadlines:
            found[rule.name] = found.get(rule.name, frozenset()) | frozenset(rule.stop)
        return found

    @cached_property
    def labels(self) -> Mapping[tuple[str, str], Words]:
        """Label by (what, name): what is status, action, deadline, priority, group, type."""
        found: dict[tuple[str, str], Words] = {}
        tables: tuple[tuple[str, tuple[Status | Action | DeadlineRule | Named, ...]], ...] = (
            ("status", self.statuses),
            ("action", self.actions),
            ("deadline", self.deadlines),
            ("priority", self.priorities),
            ("group", self.groups),
            ("type", self.types),
        )
        for what, rows in tables:
            for row in rows:
                found.setdefault((what, row.name), row.label)
        return found

    def label_of(self, what: str, name: str, locale: str = "zh-CN") -> str:
        """The label people read; the name itself where the profile has none."""
        words = self.labels.get((what, name))
        return name if words is None else words.get(locale) or words.get("zh-CN") or name

    def priority_or(self, name: str, otherwise: str) -> str:
        """`name` where the process has it: with a word of somebody else's no deadline would be found."""
        return name if any(row.name == name for row in self.priorities) else otherwise

    @cached_property
    def default_group(self) -> str:
        """The group that gets new tickets; empty when the profile has none."""
        return next((group.name for group in self.groups if group.by_default), "")


_ADAPTER: TypeAdapter[Profile] = TypeAdapter(Profile)
_FOLDER = Path(__file__).parent / "profiles"


def read_profile(text: str, *, origin: str) -> Profile:
    """Parse and check a profile file.

    Raises:
        ProfileError: with every problem found, each as ``origin: key: reason``.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProfileError([f"{origin}: {error}"]) from error
    try:
        profile = _ADAPTER.validate_python(table, strict=False)
    except ValidationError as error:
        raise ProfileError(
            [
                f"{origin}: {'.'.join(str(part) for part in item['loc'])}: {item['msg']}"
                for item in error.errors(include_input=False, include_url=False)
            ]
        ) from error
    problems = [f"{origin}: {problem}" for problem in _cross_check(profile)]
    if problems:
        raise ProfileError(problems)
    return profile


def load_profile(name: str, *folders: Path) -> Profile:
    """The profile `name` from the operator's `folders`, else from those shipped.

    Raises:
        ProfileError: when there is no such file or it is wrong.
    """
    for folder in (*folders, _FOLDER):
        path = folder / f"{name}.toml"
        if path.is_file():
            return read_profile(path.read_text(encoding="utf-8"), origin=path.name)
    raise ProfileError([f"profile {name}: no such file in {', '.join(str(folder) for folder in (*folders, _FOLDER))}"])


def profile_names(*folders: Path) -> tuple[str, ...]:
    """Names of all profiles that can be loaded, sorted."""
    return tuple(sorted({path.stem for folder in (*folders, _FOLDER) for path in folder.glob("*.toml")}))


def spans_wrong(rules: Iterable[DeadlineRule], where: str) -> list[str]:
    """What is wrong with the spans that rules may be extended to."""
    problems = []
    for rule in rules:
        for span in rule.extend_to:
            try:
                parse_span(span)
            except ValueError as error:
                problems.append(f"{where}.{rule.name}.extend_to: {error}")
    return problems


def _cross_check(profile: Profile) -> list[str]:
    """Names that a profile mentions must exist in it."""
    statuses = {status.name for status in profile.statuses}
    priorities = {row.name for row in profile.priorities}
    problems = [
        f"statuses: no status of stage {stage}"
        for stage in ("draft", "received", "answered", "closed", "withdrawn")
        if stage not in profile.first_status
    ]
    if profile.default_priority not in priorities:
        problems.append(f"default_priority: {profile.default_priority} is not one of priorities")
    for action in profile.actions:
        problems += [
            f"actions.{action.name}.source: unknown status {name}" for name in action.source if name not in statuses
        ]
        if action.target is not None and action.target not in statuses:
            problems.append(f"actions.{action.name}.target: unknown status {action.target}")
    known = {"kind": set(KINDS), "grade": set(GRADES), "priority": priorities, "stage": set(STAGES)}
    rules: tuple[DeadlineRule | NotifyRule, ...] = (*profile.deadlines, *profile.notify)
    for rule in rules:
        where = f"deadlines.{rule.name}" if isinstance(rule, DeadlineRule) else f"notify.{rule.event}"
        for what, names in known.items():
            problems += [
                f"{where}.when.{what}: unknown {value}" for value in getattr(rule.when, what) if value not in names
            ]
    problems += spans_wrong(profile.deadlines, "deadlines")
    for words in profile.labels.values():
        if "zh-CN" not in words:
            problems.append(f"label {dict(words)}: no zh-CN text")
    return problems
