"""What commands do to the database: by the process that holds it, whether that is this one or the running gateway."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from gateway.app import Parts
from gateway.channels.base import NAME_HEADER
from gateway.cli.failures import none_of
from gateway.control import Command
from gateway.loops import take
from gateway.message import Accepted, InboundMessage, Raw
from gateway.normalize.draft import to_draft
from ticket_core.model import Complainant
from ticket_core.number import ticket_id_of
from ticket_core.store.imports import load_import
from ticket_core.store.tickets import load_ticket

if TYPE_CHECKING:
    from ticket_core.model import JSON

Arguments = Mapping[str, "JSON"]
Work = Callable[[Parts, Arguments], Awaitable["JSON"]]


async def ingest(parts: Parts, arguments: Arguments) -> JSON:
    """Take one recorded input in as if it had just arrived: `channel`, `file`, `media_type`, `body` in base64.

    Returns one object per message in it, usually one.
    """
    name = str(arguments["channel"])
    channel = parts.channels.get(name)
    if channel is None:
        raise none_of("渠道", "channel", name, sorted(parts.channels))
    raw = Raw(
        channel=name,
        body=base64.b64decode(str(arguments["body"])),
        received_at=datetime.now(UTC),
        media_type=str(arguments["media_type"]),
        headers={NAME_HEADER: quote(Path(str(arguments["file"])).name)},
    )
    if len(raw.body) > channel.limit:
        return [{**_EMPTY, "file": arguments["file"], "channel": name, "outcome": "refused"}]
    told: list[tuple[InboundMessage, Accepted]] = []

    async def receive(message: InboundMessage) -> Accepted:
        settled = await parts.mailed.settled(message)
        accepted = await parts.reception.receive(settled)
        told.append((settled, accepted))
        return accepted

    await take(channel, raw, receive, parts.dispatcher.record_receipt)
    if not told:  # a delivery report, or a mere sign of life
        return [{**_EMPTY, "file": arguments["file"], "channel": name, "outcome": "receipt"}]
    return [{"file": arguments["file"], **await _as_stored(parts, *one)} for one in told]


_EMPTY: Mapping[str, JSON] = {
    "external_id": None,
    "ticket": None,
    "kind": None,
    "sender": None,
    "subject": "",
    "text": "",
    "reply_text": "",
    "attachments": [],
    "automatic": None,
    "bounced": [],
}


async def _as_stored(parts: Parts, message: InboundMessage, accepted: Accepted) -> dict[str, JSON]:
    draft = await asyncio.to_thread(to_draft, message, parts.readings[message.channel])
    ticket_id = ticket_id_of(accepted.ticket) if accepted.ticket else None
    ticket = None if ticket_id is None else await parts.store.read(partial(load_ticket, ticket_id=ticket_id))
    return {
        "channel": message.channel,
        "external_id": message.external_id,
        "outcome": accepted.outcome,
        "ticket": accepted.ticket,
        "kind": None if ticket is None else ticket.kind,
        "subject": draft.subject,
        "sender": next((one.value for one in message.sender), None) or _told_of(draft.complainant),
        "text": draft.text,
        "reply_text": draft.view or draft.text,
        "attachments": [
            {
                "name": one.name,
                "media_type": one.media_type,
                "size": len(one.content),
                "sha256": hashlib.sha256(one.content).hexdigest(),
            }
            for one in draft.attachments
        ],
        "automatic": message.automatic,
        "bounced": [
            {"address": one.address, "permanent": one.permanent, "status": one.status} for one in message.bounced
        ],
    }


def _told_of(who: Complainant) -> str | None:
    """Where somebody can be reached by what a form or a forwarding body says."""
    return next(iter((*who.phones, *who.emails, *who.masked)), None)


async def import_sheet(parts: Parts, arguments: Arguments) -> JSON:
    """Begin to take a file of cases in: `source`, perhaps `channel`, `file`, `body` in base64; returns its `id`."""
    source, channel = str(arguments["source"]), str(arguments.get("channel") or "")
    body, actor = base64.b64decode(str(arguments["body"])), str(arguments.get("actor") or "cli")
    try:
        begun = await parts.imports.start(source, body, name=str(arguments["file"]), actor=actor, channel=channel)
    except LookupError:
        raise none_of("转办来源", "source", source, sorted(parts.imports.sources)) from None
    except ValueError as error:
        return {"problem": str(error)}
    return {"id": begun.id}


async def look_at_import(parts: Parts, arguments: Arguments) -> JSON:
    """How far the import `id` is, and its report in figures."""
    one = await parts.store.read(partial(load_import, import_id=int(str(arguments["id"]))))
    assert one is not None  # it was begun
    return {
        "id": one.id,
        "file": one.name,
        "channel": one.channel,
        "source": one.source,
        "state": one.state(datetime.now(UTC)),
        "share": one.progress.share,
        "rows": one.rows,
        "outcomes": dict(one.progress.outcomes),
        "problem": one.progress.problem,
        "same_as": one.same_as,
    }


async def export_replies(parts: Parts, arguments: Arguments) -> JSON:
    """A reply sheet of all that waits for `source`: perhaps `form`, `since`; its bytes are `body` in base64."""
    source = str(arguments["source"])
    replies, since = parts.replies, arguments.get("since")
    try:
        kept = await replies.make(
            source,
            actor=str(arguments.get("actor") or "cli"),
            at=datetime.now(UTC),
            form=str(arguments.get("form") or ""),
            since=datetime.fromisoformat(str(since)) if since else None,
        )
    except LookupError as error:
        raise none_of("转办来源", "source", source, sorted(parts.reception.policy.sources)) from error
    found = await replies.content(kept.id)
    assert found is not None
    return {
        "id": kept.id,
        "source": kept.source,
        "name": kept.name,
        "cases": kept.cases,
        "steps": kept.steps,
        "left": len(await replies.waiting(source)),
        "body": base64.b64encode(found[1]).decode(),
    }


async def tell_again(parts: Parts, arguments: Arguments) -> JSON:
    """Tell `source` once more by its interface what it did not take; returns how many steps those are."""
    source = str(arguments["source"])
    try:
        return await parts.replies.again(source, actor=str(arguments.get("actor") or "cli"), at=datetime.now(UTC))
    except LookupError as error:
        raise none_of("转办来源", "source", source, sorted(parts.reception.policy.sources)) from error


async def mark_reported(parts: Parts, arguments: Arguments) -> JSON:
    """What waits of `ticket` because of an `event` was reported by a document; returns how many steps that were."""
    actor = str(arguments.get("actor") or "cli")
    ticket_id, event = int(str(arguments["ticket"])), str(arguments["event"])
    return await parts.replies.mark(ticket_id, event, actor=actor, at=datetime.now(UTC))


async def replay(parts: Parts, arguments: Arguments) -> JSON:
    """Read the input `id` of the journal again."""
    done = await parts.replays.replay(int(str(arguments["id"])))
    return {
        "id": done.inbound_id,
        "channel": done.channel,
        "was": done.was,
        "outcome": done.outcome,
        "ticket": done.ticket,
    }


async def tick(parts: Parts, arguments: Arguments) -> JSON:
    """One step of timers and dispatch as of `now` (RFC 3339); returns how many timers and notices it concerned."""
    now = datetime.fromisoformat(str(arguments["now"])) if arguments.get("now") else datetime.now(UTC)
    timers = await parts.sweeper.step(now)
    notices = await parts.dispatcher.step(now)
    return {"now": now.isoformat(), "timers": timers, "notices": notices}


async def add_user(parts: Parts, arguments: Arguments) -> JSON:
    """A console account: `name`, `role`, `password`, `label`."""
    account = await parts.sign_in.create_account(
        str(arguments["name"]), str(arguments["role"]), str(arguments["password"]), str(arguments.get("label") or "")
    )
    return {"name": account.name, "role": account.role}


async def add_token(parts: Parts, arguments: Arguments) -> JSON:
    """An API token: `name`, `role`; returns the token, which is kept nowhere."""
    return await parts.sign_in.create_token(str(arguments["name"]), str(arguments["role"]))


async def ping(_parts: Parts, _arguments: Arguments) -> JSON:
    """Say that this process listens."""
    return "pong"


COMMANDS: Mapping[str, Work] = {
    "ping": ping,
    "ingest": ingest,
    "import": import_sheet,
    "import-look": look_at_import,
    "export-replies": export_replies,
    "tell-again": tell_again,
    "mark-reported": mark_reported,
    "replay": replay,
    "tick": tick,
    "user-add": add_user,
    "token-add": add_token,
}


def commands_of(parts: Parts) -> dict[str, Command]:
    """The commands, done to these parts."""
    return {name: partial(work, parts) for name, work in COMMANDS.items()}
