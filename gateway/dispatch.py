"""The only place that sends: claims what is owed, renders it, hands it to its transport and records what came of it.

At least once: a notice whose sending was not recorded is due again when its lease ends, and goes out under the same
reference. No transaction is open while something is sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import traceback
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import cast

import structlog

from gateway.channels.base import PermanentDelivery, TransientDelivery, Transport
from gateway.compose import Composer, Ready
from gateway.config import Settings
from gateway.keys import Keys
from gateway.lane import Lane
from gateway.loops import Health
from gateway.mask import mask_text
from gateway.message import DeliveryReceipt
from gateway.recorder import Recorder
from gateway.render import Renderer
from ticket_core.decide.delivery import Fact, RetryLadder
from ticket_core.delivery_service import Receipt, Reported, record_receipt
from ticket_core.errors import StoreError
from ticket_core.fallback_service import fall_back
from ticket_core.policy import Policy
from ticket_core.store.briefing import Brief, Saying, Waiting, load_briefs, next_due, waiting
from ticket_core.store.outbox import Owed, Result, claim
from ticket_core.store.store import Store
from ticket_core.store.tx import Tx

log = structlog.get_logger(__name__)

Clock = Callable[[], datetime]

_SEND_TIMEOUT = timedelta(seconds=30)  # a transport has its own, shorter ones; this one is the last resort
_LONGEST_SLEEP = timedelta(seconds=30)  # how late a notice that another process wrote is found at most
_SHORTEST_SLEEP = timedelta(milliseconds=50)
_CLEAN_STOP = timedelta(seconds=10)  # how long sends in flight may take at the end
_AT_ONCE = timedelta(seconds=1)  # the least pause a provider can ask for
_COMPOSED_AT_ONCE = 25  # so that nobody else waits for longer than a millisecond or two


class Dispatcher:
    """Empties the outbox. `transports` by medium; a medium without one waits until it has one, and `health` says so.

    `notice_counted` is called with each state that a notice comes into, `input_counted` with the channel and outcome of
    each input that is a receipt, `lane_told` with a medium and what is wrong with its provider, or nothing when it is
    well again, `recorded` with medium and address of each notice after the commit of what came of it.
    """

    def __init__(
        self,
        *,
        store: Store,
        policy: Policy,
        renderer: Renderer,
        keys: Keys,
        transports: Mapping[str, Transport],
        settings: Settings,
        health: Health,
        notice_counted: Callable[[str], None] = lambda _state: None,
        input_counted: Callable[[str, str], None] = lambda _channel, _outcome: None,
        lane_told: Callable[[str, str], None] = lambda _medium, _reason: None,
        recorded: Callable[[str, str], None] = lambda _medium, _address: None,
        clock: Clock = lambda: datetime.now(UTC),
    ) -> None:
        self.health = health
        self._notice_counted = notice_counted
        self._input_counted = input_counted
        self._lane_told = lane_told
        self._recorded = recorded
        self.last_error = ""  # the newest that a transport, a template or the store said, and when
        self.last_error_at: datetime | None = None
        self.backlog: Mapping[str, Waiting] = {}
        self._store = store
        self._lanes = {medium: Lane(transport) for medium, transport in transports.items()}
        self._lease = max(settings.dispatch.lease, 2 * _SEND_TIMEOUT)
        self._batch = settings.dispatch.batch
        self.ladder = RetryLadder(pauses=settings.dispatch.retry, horizon=settings.dispatch.horizon)
        self._composer = Composer.of(settings, policy, renderer, keys, self.ladder.keep)
        self._clock = clock
        self._recorder = Recorder(
            store=store,
            policy=policy,
            ladder=self.ladder,
            batch=self._batch,
            clock=lambda: self._clock(),
            written=self._written,
        )
        self._news = asyncio.Event()
        self._stopping = False
        self._look_again = 0.0

    def wake(self) -> None:
        """Something was committed: look now. Call it from the loop."""
        self._news.set()

    async def step(self, now: datetime | None = None) -> int:
        """Send all that is due by `now`, once; returns how many notices were taken in hand."""
        self._stopping = False
        clock = self._clock
        if now is not None:
            self._clock = lambda: now
        try:
            handled = 0
            while taken := await self._take():
                handled += taken
                if senders := self._senders():
                    await asyncio.wait(senders)
                await self._recorder.flush()
            return handled
        finally:
            self._clock = clock

    async def run(self) -> None:
        """Go on until cancelled; then let the sends in flight finish within ten seconds and record them.

        Raises:
            StoreError: when the store fails; what is in hand comes back by itself, and `run` may be called again.
        """
        self._stopping = False
        self._look_again = 0.0  # after a failure, being well is said at the first rest
        taking: asyncio.Task[int] | None = None
        recorder = asyncio.create_task(self._recorder.run())
        try:
            while True:
                self._news.clear()
                taking = asyncio.create_task(self._take())
                taken = await asyncio.shield(taking)  # a claim that is cut off would sleep until its lease ends
                if recorder.done():
                    recorder.result()
                if not taken:
                    await self._sleep(recorder)
        finally:
            await self._stop(taking, recorder)

    async def record_receipt(self, receipt: DeliveryReceipt, *, channel: str = "", raw: bytes = b"") -> None:
        """Take in what a provider reports; returns after the commit. With `raw` it has a line in the journal."""
        one = Receipt(
            channel=channel,
            received_at=self._clock(),
            status=receipt.status,
            at=receipt.at,
            reference=receipt.reference,
            provider_id=_plain(receipt.provider_id),
            detail=_plain(receipt.detail),
            part=receipt.part,
            parts=receipt.parts,
            address=receipt.address,
            raw=raw,
        )

        def write(tx: Tx) -> Reported:
            (reported,) = record_receipt(tx, [one], self.ladder)
            if reported.notice_id is not None and reported.state == "failed":
                fall_back(tx, [reported.notice_id], one.received_at, self._composer.policy)
            return reported

        reported = await self._store.run(write)
        if raw:
            self._input_counted(channel, "receipt")
        if reported.state is not None:
            self._notice_counted(reported.state)
        if reported.notice_id is None:
            log.info("receipt_unknown", channel=channel, status=receipt.status)
        elif receipt.status in ("temporary_failure", "failed"):
            self.wake()

    # --- Taking in hand

    async def _take(self) -> int:
        """Claim what there is room for and set it going; returns how many notices were claimed."""
        room = self._room()
        if not room:
            return 0
        now = self._clock()
        owed = await self._store.run(lambda tx: claim(tx, now, room, self._lease))
        if not owed:
            return 0
        briefs = await self._store.read(lambda connection: load_briefs(connection, owed))
        known = {brief.owed.id for brief in briefs}
        for lost in (one for one in owed if one.id not in known):
            self._recorder.add(Result(owed=lost, fact=Fact(at=now, status="suppressed", detail="ticket_gone")))
        for brief in briefs:
            self._lanes[brief.owed.medium].waiting.append(brief)
        for medium in room:
            self._employ(self._lanes[medium])
        return len(owed)

    def _room(self) -> dict[str, int]:
        """How many notices each lane takes: a batch when at most one is left; none while the store records nothing.

        So two batches are the most that a process keeps from others.
        """
        if self._recorder.behind:
            return {}
        return {medium: self._batch for medium, lane in self._lanes.items() if lane.left <= self._batch}

    # --- Sending

    def _senders(self) -> set[asyncio.Task[None]]:
        return {sender for lane in self._lanes.values() for sender in lane.senders}

    def _employ(self, lane: Lane) -> None:
        """As many senders as there is work for and the transport takes at a time."""
        for _ in range(min(lane.transport.concurrency - len(lane.senders), len(lane.waiting))):
            lane.senders.add(asyncio.create_task(self._send_all(lane)))

    async def _send_all(self, lane: Lane) -> None:
        try:
            await self._send_waiting(lane)
        finally:  # at once, not by a callback: else a batch that comes now would find all places taken by the finished
            lane.senders.discard(cast("asyncio.Task[None]", asyncio.current_task()))

    async def _send_waiting(self, lane: Lane) -> None:
        while (ready := self._next(lane)) is not None:
            fact = await self._send(lane.transport, ready)
            if (news := lane.judge(fact)) is not None:
                self._lane_told(lane.transport.medium, news)
            self._recorder.add(
                Result(
                    owed=ready.owed,
                    fact=fact,
                    transport=lane.transport.name,
                    rendered=ready.rendered,
                    template_version=ready.template_version,
                )
            )

    def _next(self, lane: Lane) -> Ready | None:
        """What is sent next; the next batch is claimed while there is still one to send."""
        before = lane.left
        ready = self._first_in_time(lane)
        if before > self._batch >= lane.left:
            self.wake()
        return ready

    def _first_in_time(self, lane: Lane) -> Ready | None:
        """The first that can be sent within its lease; those before it are given back."""
        while not self._stopping and (lane.ready or self._compose_some(lane)):
            ready = lane.ready.popleft()
            # Whoever would outlast the lease must not begin: another process may send it by then.
            if self._clock() + _SEND_TIMEOUT <= ready.owed.lease_until:
                return ready
            self._recorder.give_back(ready.owed)
        return None

    def _compose_some(self, lane: Lane) -> bool:
        """Whether any is ready: a few are composed one after the other, while what that needs is near the processor."""
        compose = partial(self._compose, transport=lane.transport, now=self._clock())
        while lane.waiting and not lane.ready:
            for held in lane.compose(compose, _COMPOSED_AT_ONCE):
                self._recorder.add(held)
        return bool(lane.ready)

    def _compose(self, brief: Brief | Saying, transport: Transport, now: datetime) -> Ready | Fact:
        try:
            made = self._composer.compose(brief, transport.forms, now)
        except Exception as error:  # a fault of ours in one notice is not that of all others
            made = Fact(at=now, status="temporary_failure", kind="held", detail=_fault(error))
        if isinstance(made, Fact) and made.kind == "held":
            self._report("notice_held", brief.owed, made.detail)
        return made

    async def _send(self, transport: Transport, ready: Ready) -> Fact:
        """One try; whatever comes of it is a fact."""
        try:
            async with asyncio.timeout(_SEND_TIMEOUT.total_seconds()):
                receipt = await transport.send(ready.message)
        except TransientDelivery as error:
            wait = None if error.retry_after is None else max(error.retry_after, _AT_ONCE)
            self._report("send_postponed", ready.owed, str(error) or type(error).__name__)
            return Fact(at=self._clock(), status="temporary_failure", detail=_plain(error.reason), wait=wait)
        except PermanentDelivery as error:
            self._report("send_failed", ready.owed, str(error) or type(error).__name__)
            return Fact(at=self._clock(), status="failed", detail=_plain(f"{error.status} {error.reason}".strip()))
        except TimeoutError as error:  # nobody knows whether it was taken: again, with the same reference
            self._report("send_unanswered", ready.owed, str(error) or type(error).__name__)
            return Fact(at=self._clock(), status="temporary_failure", detail="no answer in time")
        except Exception as error:  # a fault in an adapter is one notice's trouble, not that of all others
            self._report("transport_fault", ready.owed, fault := _fault(error))
            return Fact(at=self._clock(), status="temporary_failure", detail=fault)
        return Fact(
            at=receipt.at,
            status=receipt.status,
            provider_id=_plain(receipt.provider_id),
            detail=_plain(receipt.detail),
            parts=receipt.parts,
        )

    def _report(self, what: str, owed: Owed, cause: str) -> None:
        self.last_error = mask_text(cause[:200])  # providers repeat addresses in what they say
        self.last_error_at = self._clock()
        log.warning(what, notice=owed.id, medium=owed.medium, error=self.last_error)

    def _written(self, results: list[Result], states: list[str]) -> None:
        for state in states:
            self._notice_counted(state)
        for one in results:
            self._recorded(one.owed.medium, one.owed.address)
        # A step back to a forwarding body lets the next one of its case go.
        again = any(one.fact.status in ("temporary_failure", "failed") or one.owed.role == "source" for one in results)
        if again or len(results) > self._batch * 2:
            self.wake()

    # --- Waiting and stopping

    async def _sleep(self, recorder: asyncio.Task[None]) -> None:
        """Until woken, or the next notice is due that there is room for, or half a minute has passed."""
        if self._news.is_set():
            return
        loop = asyncio.get_running_loop()
        if loop.time() >= self._look_again:
            self._look_again = loop.time() + _LONGEST_SLEEP.total_seconds()
            self.backlog = await self._store.read(waiting)
            stuck = sorted(set(self.backlog) - set(self._lanes))
            if stuck:
                self.health.ill(f"no transport for {', '.join(stuck)}")
            else:
                self.health.well()
        media = self._room()
        at = await self._store.read(lambda connection: next_due(connection, media)) if media else None
        pause = _LONGEST_SLEEP if at is None else min(max(at - self._clock(), _SHORTEST_SLEEP), _LONGEST_SLEEP)
        news = asyncio.create_task(self._news.wait())
        try:
            await asyncio.wait({news, recorder}, timeout=pause.total_seconds(), return_when=asyncio.FIRST_COMPLETED)
        finally:
            news.cancel()

    async def _stop(self, taking: asyncio.Task[int] | None, recorder: asyncio.Task[None]) -> None:
        """What was claimed and not begun is given back; what nobody answered in time goes out again later."""
        self._stopping = True
        if taking is not None:
            await asyncio.wait({taking})
        self._recorder.give_back(*(owed for lane in self._lanes.values() for owed in lane.clear()))
        if senders := self._senders():
            _, slow = await asyncio.wait(senders, timeout=_CLEAN_STOP.total_seconds())
            for sender in slow:
                sender.cancel()
        self._recorder.close()
        await asyncio.wait({recorder})
        with contextlib.suppress(StoreError):  # then the leases end by themselves
            await self._recorder.flush()


def _plain(said: str) -> str:
    """What a provider says, as a database takes it: at most 500 characters, no NUL, no broken encoding."""
    if said.isascii() and "\0" not in said:
        return said[:500]
    return said[:500].replace("\0", "").encode(errors="replace").decode()


def _fault(error: Exception) -> str:
    """What went wrong in our code and where, without any of the values it had in hand."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"internal error: {type(error).__name__} in {Path(frame.filename).name}:{frame.lineno}"
