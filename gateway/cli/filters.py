"""Which tickets: the filters that several commands share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from gateway.cli.failures import none_of
from gateway.cli.words import say

if TYPE_CHECKING:
    from ticket_core.store.queries import TicketFilter

Texts: TypeAlias = list[str] | None  # no text: typer would not see that it may come several times


def _filter(name: str, zh: str, en: str) -> Any:  # what typer makes of it is its own secret
    """An option that may be given several times."""
    return typer.Option(name, metavar="TEXT", show_default=False, help=say(zh, en))


Status = Annotated[Texts, _filter("--status", "状态，流程自定", "The profile's own word, such as assigned")]
Stage = Annotated[Texts, _filter("--stage", "阶段，如 received", "Such as received, answered, closed")]
Kind = Annotated[Texts, _filter("--kind", "类型，如 complaint", "Such as complaint, inquiry")]
Grade = Annotated[Texts, _filter("--grade", "级别：request, grievance…", "request, grievance, upgraded…")]
Priority = Annotated[Texts, _filter("--priority", "等级，如 urgent", "Such as urgent, normal")]
InGroup = Annotated[Texts, _filter("--group", "承办部门", "The group in charge")]
Assignee = Annotated[Texts, _filter("--assignee", "经办人", "Who works on it")]
ByChannel = Annotated[Texts, _filter("--channel", "来自哪个渠道", "The channel it came by")]
OfSource = Annotated[Texts, _filter("--source", "转办来源", "The forwarding body")]
Open = Annotated[bool, typer.Option("--open", help=say("只看未办结", "Only those that are open"))]
Triage = Annotated[bool, typer.Option("--triage", help=say("待人工判读", "Only those to be read by a person"))]
Overdue = Annotated[bool, typer.Option("--overdue", help=say("只看超期", "Only those that are late"))]
Query = Annotated[str, typer.Option("--query", metavar="TEXT", help=say("编号或文字", "A number or words"))]


def filter_of(
    *,
    q: str = "",
    is_open: bool = False,
    triage: bool = False,
    overdue: bool = False,
    received: tuple[Any, Any] = (None, None),
    **lists: list[str] | None,
) -> TicketFilter:
    """The filter that these options mean; one that is not given matches all.

    Raises:
        WrongUsage: for a kind, grade or stage that there is not.
    """
    from ticket_core.model import GRADES, KINDS, STAGES
    from ticket_core.store.queries import TicketFilter

    for zh, name, known in (("类型", "kind", KINDS), ("级别", "grade", GRADES), ("阶段", "stage", STAGES)):
        for value in lists.get(name) or ():
            if value not in known:
                raise none_of(zh, name, value, known)
    return TicketFilter(
        **{name: tuple(values or ()) for name, values in lists.items()},
        open=True if is_open else None,
        triage=True if triage else None,
        overdue=True if overdue else None,
        q=q,
        received_from=received[0],
        received_to=received[1],
    )
