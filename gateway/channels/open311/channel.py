"""One endpoint as a way out and in: a ticket becomes a request there, what comes after updates, and theirs come back.

GeoReport v2, https://wiki.open311.org/GeoReport_v2. It knows no idempotency: after a try of which nobody knows whether
it was taken, the request is looked for in their list before it is posted again; where they list none, it is posted
again, since twice is better than never.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import orjson

from gateway import places
from gateway.channels.base import Chat, Parsed, Polling
from gateway.channels.open311.settings import CitySettings
from gateway.channels.open311.wire import Document, Endpoint
from gateway.errors import PermanentDelivery, TransientDelivery
from gateway.message import Address, DeliveryReceipt, InboundMessage, OutboundMessage, Raw

_CODE = re.compile(r"[\w.-]{1,64}")
_LONGEST = 4_000  # characters of a description
_OVERLAP = timedelta(minutes=5)  # clocks differ, and what is written is shown a little later
_FAR_BACK = timedelta(days=90)
_SELDOM = timedelta(hours=1)  # how often nothing new is worth remembering
_MOST_WATCHED = 1_000
_AT_ONCE = 50
#: A look that found nothing more: a sign of life.
_QUIET: Mapping[str, Any] = {"service_request_updates": []}
_SINCE, _WATCHED, _TOKENS = "since", "watched", "tokens"


class Open311City(Polling, Chat):
    """``NAME:SERVICE_CODE`` among the chats of somebody in `people`: what that person is told becomes requests there.

    Its memory keeps for each ticket the request it became, and for each request whom it is about.
    """

    Settings: ClassVar = CitySettings
    forms: ClassVar[tuple[str, ...]] = ("short",)
    concurrency = 1  # the request of a ticket before its updates
    settings: CitySettings

    def __init__(self, name: str, settings: CitySettings) -> None:
        super().__init__(name, settings)
        self.clock: Callable[[], datetime] = lambda: datetime.now(UTC)
        self._endpoint = Endpoint(settings)

    async def close(self) -> None:
        """Let go of connections."""
        await self._endpoint.close()

    # --- Out

    async def send(self, message: OutboundMessage) -> DeliveryReceipt:
        """The first that is told of a ticket is a request, all else an update of it."""
        if not _CODE.fullmatch(message.to):
            raise PermanentDelivery("no service code")
        known = await self._known(_ticket(message))
        if known is None:
            return self._told(message, "accepted", await self._open(message), "")
        request_id = str(known["request"])
        if not request_id and known.get("token"):
            request_id = await self._number_of(str(known["token"]))
            if not request_id:
                raise TransientDelivery("it has no number there yet")
            await self._remember(_about(message), request_id)
        if not (request_id and self.settings.updates):
            return self._told(message, "suppressed", request_id, "the endpoint takes no updates")
        await self._update(message, request_id)
        return self._told(message, "accepted", request_id, "")

    async def _open(self, message: OutboundMessage) -> str:
        """Post the request, unless it is there already; its number there, empty while the endpoint tells none."""
        trying, about = f"trying:{message.ticket_number}:{message.to}", _about(message)
        since = await self.memory.get(trying)
        found = await self._lost(message, datetime.fromisoformat(since)) if since else None
        if found is None:
            if not since:
                await self.memory.set(trying, self.clock().isoformat())
            found = await self._endpoint.post("requests", self._request(message), reference=message.reference)
            if found is None:
                raise TransientDelivery("the answer is no document")
        request_id, token = (str(found.get(name) or "") for name in ("service_request_id", "token"))
        await self._remember(about, request_id, token)
        await self.memory.set(trying, "")
        if token and not request_id and (request_id := await self._number_of(token)):
            await self._remember(about, request_id)
        return request_id

    async def _number_of(self, token: str) -> str:
        """What a token stands for; empty while they do not tell, which may take days where a person looks first."""
        try:
            told = await self._endpoint.get(f"tokens/{token}")
        except (TransientDelivery, PermanentDelivery):
            return ""
        return str(told[0].get("service_request_id") or "") if told else ""

    def _request(self, message: OutboundMessage) -> dict[str, str]:
        spot = places.read(str(message.fields.get("place") or ""))
        form = {
            "service_code": message.to,
            "description": _described(message, str(message.fields.get("text") or "")),
            "address_string": spot.address,
            "address_id": spot.number,
            "lat": "" if spot.lat is None else f"{spot.lat:.6f}",
            "long": "" if spot.long is None else f"{spot.long:.6f}",
        }
        if not (spot.address or spot.number or form["lat"]):
            form["address_string"] = self.settings.address
        return form

    async def _lost(self, message: OutboundMessage, since: datetime) -> Document | None:
        """The request whose answer was lost: one of that time which quotes our number."""
        try:
            listed = await self._endpoint.get("requests", service_code=message.to, start_date=_w3(since - _OVERLAP))
        except PermanentDelivery:
            return None
        return next((one for one in listed if _mark(message) in str(one.get("description") or "")), None)

    async def _update(self, message: OutboundMessage, request_id: str) -> None:
        form = {
            "service_request_id": request_id,
            "update_id": message.reference,
            "status": "CLOSED" if message.fields.get("open") is False else "OPEN",
            "updated_datetime": _w3(self.clock()),
            "description": _described(message, str(message.fields.get("said") or "")),
        }
        await self._endpoint.post("servicerequestupdates", form, reference=message.reference)

    async def _remember(self, about: Mapping[str, str], request_id: str, token: str = "") -> None:
        """Whom a request is about first: an update that finds nobody would be nobody's."""
        if request_id:
            await self.memory.set(f"request:{request_id}", orjson.dumps(about).decode())
            if not self.settings.updates:
                await self._watch(request_id)
        elif token:
            await self._keep(_TOKENS, {**await self._kept(_TOKENS), token: about})
        known = orjson.dumps({"request": request_id, "token": token}).decode()
        await self.memory.set(f"ticket:{about['number']}:{about['code']}", known)

    def _told(self, message: OutboundMessage, status: Any, request_id: str, detail: str) -> DeliveryReceipt:
        return DeliveryReceipt(
            status=status, at=self.clock(), reference=message.reference, provider_id=request_id, detail=detail
        )

    # --- In

    async def poll(self) -> AsyncIterator[tuple[Raw, Callable[[], Awaitable[None]]]]:
        """What they say of our requests since the last time; when that is all, a sign of life."""
        while True:
            await self._exchange()
            async for one in self._updates() if self.settings.updates else self._states():
                yield one
            yield self._raw(_QUIET), _nothing_to_do
            await asyncio.sleep(self.settings.every.total_seconds())

    async def _exchange(self) -> None:
        """Tokens for numbers, of all requests that had none yet."""
        for token, about in (await self._kept(_TOKENS)).items():
            if request_id := await self._number_of(token):
                await self._remember(about, request_id)
                left = await self._kept(_TOKENS)
                left.pop(token, None)
                await self._keep(_TOKENS, left)

    async def _updates(self) -> AsyncIterator[tuple[Raw, Callable[[], Awaitable[None]]]]:
        """A list may be full: then it goes on from the newest in it."""
        now = self.clock()
        kept = await self.memory.get(_SINCE)
        since = datetime.fromisoformat(kept) if kept else now - _FAR_BACK
        start, full, some = since - _OVERLAP, True, False
        while full:
            listed = await self._endpoint.get(
                "servicerequestupdates", start_date=_w3(start), end_date=_w3(now + _OVERLAP)
            )
            for update in sorted(listed, key=lambda one: _moment(one.get("updated_datetime")) or start):
                about = await self._known(f"request:{update.get('service_request_id')}")
                if about is not None:
                    yield self._raw({**update, "about": about}), _nothing_to_do
            stamps = [at for one in listed if (at := _moment(one.get("updated_datetime")))]
            full, some = len(listed) >= _MOST_WATCHED and bool(stamps), some or bool(listed)
            if full:
                start = max(*stamps, start + timedelta(seconds=1))  # a thousand in one second are more than it tells
                await self.memory.set(_SINCE, start.isoformat())
        if some or kept is None or now - since > _SELDOM:
            await self.memory.set(_SINCE, now.isoformat())

    async def _states(self) -> AsyncIterator[tuple[Raw, Callable[[], Awaitable[None]]]]:
        """Where there are no updates: the requests themselves, and what of them is otherwise than before."""
        watched = await self._watched()
        for start in range(0, len(watched), _AT_ONCE):
            ids = watched[start : start + _AT_ONCE]
            for request in await self._endpoint.get("requests", service_request_id=",".join(ids)):
                request_id = str(request.get("service_request_id"))
                about = await self._known(f"request:{request_id}")
                if request_id not in ids or about is None:
                    continue
                state = {name: request.get(name) for name in ("status", "status_notes")}
                seen = hashlib.sha256(orjson.dumps(state)).hexdigest()
                first = "seen" not in about
                if seen == about.get("seen") or (first and state["status"] == "open"):
                    if first:
                        await self._see(request_id, about, seen)
                    continue
                stamp = request.get("updated_datetime")
                update = {
                    "update_id": f"{stamp}:{seen[:16]}",
                    "service_request_id": request_id,
                    "status": state["status"],
                    "description": state["status_notes"],
                    "updated_datetime": stamp,
                }

                async def done(
                    request_id: str = request_id,
                    about: Mapping[str, Any] = about,
                    seen: str = seen,
                    closed: bool = state["status"] == "closed",
                ) -> None:
                    await self._see(request_id, about, seen)
                    if closed:
                        await self._unwatch(request_id)

                yield self._raw({**update, "about": about}), done

    def parse(self, raw: Raw) -> Sequence[Parsed]:
        """An update, as an answer of whoever was told."""
        said = orjson.loads(raw.body)
        match said:
            case {"service_request_updates": []}:
                return []
            case {
                "update_id": str() | int() as update_id,
                "service_request_id": str() | int() as request_id,
                "about": {"number": str(), "token": str(token), "code": str(code)},
            }:
                status, text = (str(said.get(name) or "") for name in ("status", "description"))
            case _:
                raise ValueError("no update")
        return [
            InboundMessage(
                channel=self.name,
                external_id=f"{request_id}:{update_id}",
                received_at=raw.received_at,
                raw=raw,
                sender=(Address(medium="chat", value=f"{self.name}:{code}"),),
                text=": ".join(filter(None, (f"{request_id} {status}".strip(), text))),
                lodged_at=_moment(said.get("updated_datetime")),
                thread=(token,),
            )
        ]

    def _raw(self, update: Mapping[str, Any]) -> Raw:
        return Raw(
            channel=self.name, body=orjson.dumps(update), received_at=self.clock(), media_type="application/json"
        )

    # --- What it remembers

    async def _known(self, name: str) -> dict[str, Any] | None:
        kept = await self.memory.get(name)
        known: dict[str, Any] | None = orjson.loads(kept) if kept else None
        return known

    async def _kept(self, name: str) -> dict[str, Any]:
        return await self._known(name) or {}

    async def _keep(self, name: str, known: Mapping[str, Any]) -> None:
        """The newest thousand."""
        newest = dict(list(known.items())[-_MOST_WATCHED:])
        await self.memory.set(name, orjson.dumps(newest).decode())

    async def _see(self, request_id: str, about: Mapping[str, Any], seen: str) -> None:
        await self.memory.set(f"request:{request_id}", orjson.dumps({**about, "seen": seen}).decode())

    async def _watched(self) -> list[str]:
        kept = await self.memory.get(_WATCHED)
        watched: list[str] = orjson.loads(kept) if kept else []
        return watched

    async def _watch(self, request_id: str) -> None:
        """The newest thousand; what is older has been open for so long that nobody waits for it."""
        watched = [one for one in await self._watched() if one != request_id]
        await self.memory.set(_WATCHED, orjson.dumps([*watched, request_id][-_MOST_WATCHED:]).decode())

    async def _unwatch(self, request_id: str) -> None:
        watched = [one for one in await self._watched() if one != request_id]
        await self.memory.set(_WATCHED, orjson.dumps(watched).decode())


def _described(message: OutboundMessage, said: str) -> str:
    """What was said, what we tell, and our number, by which it is found again."""
    ours = "\n".join((message.forms["short"], _mark(message)))[-_LONGEST:]
    return "\n".join(filter(None, (said[: _LONGEST - len(ours) - 1], ours)))


def _ticket(message: OutboundMessage) -> str:
    return f"ticket:{message.ticket_number}:{message.to}"


def _about(message: OutboundMessage) -> dict[str, str]:
    return {"number": message.ticket_number, "token": message.token, "code": message.to}


def _mark(message: OutboundMessage) -> str:
    return f"[{message.ticket_number}]"


def _w3(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _moment(written: object) -> datetime | None:
    if not isinstance(written, str):
        return None
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        return None
    return at if at.tzinfo else None


async def _nothing_to_do() -> None:
    """An update that comes again is known by its id."""
