"""The profile's actions as forms: which fields each has, what can be chosen, and how a field is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway.web.pages.forms import Problems, Sent, category
from gateway.web.pages.ticket_view import Reader
from gateway.web.words import core_reason
from ticket_core.errors import FieldMissing
from ticket_core.model import GRADES, JSON, Ticket
from ticket_core.profile import Action

Options = list[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldForm:
    """One field of an action; with `options` it is chosen, `long` is a text of several lines."""

    name: str
    label: str
    value: str
    required: bool
    options: Options
    long: bool
    type: str
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionForm:
    """One action; `open` when somebody is about to do it."""

    name: str
    label: str
    fields: tuple[FieldForm, ...]
    open: bool


_LONG = frozenset({"text", "reason"})
_TYPES: Mapping[str, str] = {"amount": "number"}
_UNITS = ("minutes", "hours", "days", "working_days", "months")


def _people(reader: Reader) -> Options:
    return [(one.name, one.label or one.name) for one in reader.policy.directory.people if "handler" in one.roles]


def _deadlines(reader: Reader) -> Options:
    names = dict.fromkeys(rule.name for rule in reader.profile.deadlines)
    return [(name, reader.label("deadline", name)) for name in names]


_OPTIONS: Mapping[str, Callable[[Reader], Options]] = {
    "group": lambda reader: [(one.name, reader.label("group", one.name)) for one in reader.profile.groups],
    "priority": lambda reader: [(one.name, reader.label("priority", one.name)) for one in reader.profile.priorities],
    "kind": lambda reader: [(name, reader.words(f"kind.{name}")) for name in reader.profile.kinds],
    "grade": lambda reader: [(name, reader.words(f"grade.{name}")) for name in GRADES[1:]],
    "deadline": _deadlines,
    "unit": lambda reader: [(name, reader.words(f"unit.{name}")) for name in _UNITS],
    "score": lambda reader: [(str(n), f"{n} · {reader.words(f'score.{n}')}") for n in range(5, 0, -1)],
    "assignee": _people,
}
#: What the ticket has already, and a form begins with.
_STANDING: Mapping[str, Callable[[Ticket], str]] = {
    "group": lambda ticket: ticket.group,
    "assignee": lambda ticket: ticket.assignee,
    "priority": lambda ticket: ticket.priority,
    "kind": lambda ticket: ticket.kind,
    "category": lambda ticket: "/".join(ticket.category),
    "respondent": lambda ticket: ticket.respondent,
    "service_number": lambda ticket: ticket.service_number,
    "subject": lambda ticket: ticket.subject,
}


def action_forms(
    actions: tuple[Action, ...], ticket: Ticket, reader: Reader, *, tried: str, given: Sent, problems: Problems
) -> list[ActionForm]:
    """A form for each action; the one that was `tried` has what was given and what was wrong."""
    forms = []
    for action in actions:
        again = action.name == tried
        reasons = _reasons(action, ticket, reader)
        fields = []
        for name in (*action.requires, *action.accepts):
            standing = _STANDING[name](ticket) if name in _STANDING else ""
            fields.append(
                FieldForm(
                    name=name,
                    label=reader.words.named("field", name),
                    value=given[name] if again else standing,
                    required=name in action.requires or (name == "code" and bool(reasons)),
                    options=reasons if name == "code" else _OPTIONS[name](reader) if name in _OPTIONS else [],
                    long=name in _LONG,
                    type=_TYPES.get(name, "text"),
                    problem=problems[f"{action.name}-{name}"] if again else "",
                )
            )
        label = reader.label("action", action.name)
        forms.append(ActionForm(name=action.name, label=label, fields=tuple(fields), open=again))
    return forms


def _reasons(action: Action, ticket: Ticket, reader: Reader) -> Options:
    """The reasons that the ticket's forwarding body knows for this step."""
    source = reader.policy.sources.get(ticket.source.body) if ticket.source else None
    known = source.reasons.get(action.event, {}) if source else {}
    return [(code, f"{code} · {label}") for code, label in known.items()]


def fields_of(action: Action, sent: Sent, ticket: Ticket) -> dict[str, JSON]:
    """The fields as the core wants them; what may be left out and stands as it did is left out."""
    fields: dict[str, JSON] = {}
    for name in (*action.requires, *action.accepts):
        written = sent[name]
        unchanged = name in _STANDING and written == _STANDING[name](ticket)
        if written and (name in action.requires or not unchanged):
            fields[name] = _read(name, written)
    return fields


def _read(name: str, written: str) -> JSON:
    if name in ("amount", "score"):
        return int(written) if written.isdecimal() else written
    if name == "category":
        return category(written)
    return written


def wrong_fields(action: str, error: FieldMissing, reader: Reader) -> Problems:
    """What the core found wrong, by the id of the field."""
    words = reader.words
    return Problems(
        {
            f"{action}-{name}": words(
                "form.wrong", field=words.named("field", name), reason=core_reason(reason, words.locale)
            )
            for name, reason in error.problems.items()
        }
    )
