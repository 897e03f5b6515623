"""`ChannelConformance`: every rule that a way in keeps, as tests that its author inherits.

class TestAcme(ChannelConformance):
    kind = "acme"
    settings: ClassVar = {"secret": "synthetic"}
    secrets = ("secret",)
    fixtures = Path(__file__).parent / "fixtures"

    def sign(self, raw, settings): ...       # as the platform signs
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.channels.base import Listening, Parsed, Polling, Webhook
from gateway.loops import whole
from gateway.message import InboundMessage
from gateway.testing import hostile
from gateway.testing.captured import Captured, as_json, faults, plain, read_folder, stray_expectations
from gateway.testing.door import DoorRules
from gateway.testing.house import House
from gateway.testing.pure import attempt, in_zone, watched
from gateway.testing.steps import ids_of, journaled, outcome_of, parsed, play

_OUTCOMES = frozenset({"opened", "appended", "repeated", "duplicate", "automatic", "receipt", "triage"})
_PATIENCE = 5.0  # seconds within which any input must be read


class ChannelConformance(DoorRules):
    """Subclass it in a test file as ``Test…`` and name what the kit cannot know (see `WrittenChannel`)."""

    # --- What it says

    def test_its_folder_holds_captured_payloads_that_open_a_ticket(self) -> None:
        """Without a real payload nothing is proven."""
        found = read_folder(self.fixtures)
        assert found, f"no captured payload in {self.fixtures}"
        assert not stray_expectations(self.fixtures), "expectations without a payload"
        assert any(self.opens_as in one.outcomes for one in found), "no payload that opens a ticket"

    def test_an_input_says_what_was_written_down(self, captured: Captured) -> None:
        """Every field that parse fills is expected, and nothing else."""
        channel = self.channel("captured")
        raw = self.signed(captured, "captured")
        messages = parsed(channel, raw)
        said = [plain(one) for one in messages]
        if captured.says is None:
            shown = as_json(said)
            pytest.fail(f"{captured.name}.expected.json is missing; if this is right, save it:\n{shown}", pytrace=False)
        expected = [{key: one[key] for key in one if key != "outcome"} for one in captured.says]
        assert [{key: one[key] for key in one if key != "outcome"} for one in said] == expected
        assert not [fault for one in messages for fault in faults(one)]
        for one in messages:
            if isinstance(one, InboundMessage):
                assert one.channel == "captured", "a message belongs to the configured name, not to the kind"
                assert one.raw is raw
                assert one.received_at == raw.received_at

    def test_reading_needs_no_clock_no_network_and_no_time_zone(self, captured: Captured) -> None:
        """Parse is pure: the same bytes give the same values, on every machine, whenever."""
        self._says(captured)
        channel = self.channel("pure")
        raw = self.signed(captured, "pure")
        parsed(channel, raw)  # what it imports while it reads the first time is not its fault
        found: list[str] = []

        def read() -> Sequence[Parsed]:
            with watched(found):
                return channel.parse(raw)

        results = []
        for zone in ("UTC", "Pacific/Kiritimati", "America/St_Johns"):
            with in_zone(zone):
                results.append(outcome_of(attempt(read, _PATIENCE)))
        assert not found
        assert results[0] == results[1] == results[2]

    def test_a_second_delivery_has_the_same_id(self, captured: Captured) -> None:
        """It comes later and signed anew, so the id must come from what the sender said."""
        self._says(captured)
        channel = self.channel("again")
        later = self.received_at + timedelta(days=1, minutes=7)
        first, second = (
            ids_of(parsed(channel, self.signed(captured, "again", at))) for at in (self.received_at, later)
        )
        assert first == second
        if not self.own_ids:
            assert all(name is None or name.startswith("sha256:") for name in first)  # garbage is known by its bytes
            return
        assert None not in first, "a message without an id opens a ticket each time it is delivered"
        assert len(set(first)) == len(first), "two messages of one input share an id: the second would be lost"

    # --- One input, one effect

    def test_an_input_has_its_outcome_in_the_journal(self, captured: Captured, tmp_path: Path) -> None:
        """With its raw bytes and their hash."""
        says = self._says(captured)

        async def scene(house: House) -> None:
            raw = self.signed(captured, "journal")
            await house.accept(self._admitted(house, "journal"), raw)
            lines = await house.journal()
            assert sorted(line.entry.outcome for line in lines) == sorted(journaled(says))
            for line in lines:
                assert line.raw == raw.body
                assert line.entry.sha256 == hashlib.sha256(raw.body).hexdigest()
                assert line.entry.channel == "journal"

        play(tmp_path, scene)

    def test_delivered_five_times_at_once_it_has_one_effect(self, captured: Captured, tmp_path: Path) -> None:
        """Platforms repeat what they are not sure of."""
        self._says(captured)

        async def scene(house: House) -> None:
            channel = self._admitted(house, "five")
            raws = [self.signed(captured, "five", self.received_at + timedelta(seconds=n)) for n in range(5)]
            await asyncio.gather(*(house.accept(channel, raw) for raw in raws))
            effects = [line for line in await house.journal() if line.entry.outcome != "receipt"]
            expected = [one for one in captured.outcomes if one != "receipt"]
            assert len(effects) == sum(1 if self.own_ids or one == "triage" else 5 for one in expected)
            assert await house.tickets() == len({line.entry.ticket_id for line in effects} - {None})

        play(tmp_path, scene)

    def test_delivered_in_any_order_and_again_every_input_has_one_effect(self, tmp_path: Path) -> None:
        """All captured payloads, three times each, shuffled, some at once."""
        doors = issubclass(self.adapter, Webhook | Polling | Listening)
        assert self.own_ids or not doors, "whoever delivers by itself also delivers again: own_ids must be True"
        if not self.own_ids:
            pytest.skip(f"{self.kind}: a person sits in front of each input, so nobody repeats one")
        payloads = [one for one in read_folder(self.fixtures) if one.says]
        reader = self.channel("shuffled")
        known = {name for one in payloads for name in ids_of(parsed(reader, self.signed(one, "shuffled")))}

        async def scene(house: House) -> None:
            channel = self._admitted(house, "shuffled")
            raws = [self.signed(one, "shuffled") for one in payloads * 3]
            random.Random(7).shuffle(raws)  # noqa: S311  the same disorder every time, no secret
            for start in range(0, len(raws), 4):
                await asyncio.gather(*(house.accept(channel, raw) for raw in raws[start : start + 4]))
            effects = [line for line in await house.journal() if line.entry.outcome != "receipt"]
            assert sorted(str(line.entry.external_id) for line in effects) == sorted(str(name) for name in known)

        assert payloads, "no captured payload"
        play(tmp_path, scene)

    def test_two_configured_names_are_two_channels(self, tmp_path: Path) -> None:
        """The same bytes on both are two inputs."""
        captured = self._first()

        async def scene(house: House) -> None:
            for name in ("one", "two"):
                await house.accept(self._admitted(house, name), self.signed(captured, name))
            lines = await house.journal()
            assert {line.entry.channel for line in lines} == {"one", "two"}
            assert len(lines) == 2 * len(journaled(self._says(captured)))

        play(tmp_path, scene)

    # --- Bad days

    def test_whatever_a_payload_becomes_it_ends_in_the_journal(self, captured: Captured, tmp_path: Path) -> None:
        """Cut off, garbled, in another charset, with other types inside: no exception, no silence, no naive time."""
        if not self._says(captured):
            pytest.skip(f"{self.kind}: {captured.name} is a sign of life, nothing to lose")

        async def scene(house: House) -> None:
            await self._survives(house, [(name, body) for name, body in hostile.mutations(captured.body)])

        play(tmp_path, scene)

    def test_garbage_is_a_ticket_for_a_person_and_only_once(self, tmp_path: Path) -> None:
        """What is authentic and not understood is triage, with its raw bytes; delivered again it is known."""

        async def scene(house: House) -> None:
            await self._survives(house, list(hostile.garbage()))
            before = await house.tickets()
            await self._survives(house, list(hostile.garbage()))
            assert await house.tickets() == before

        play(tmp_path, scene)

    def test_a_full_store_tells_the_sender_to_come_again(self, tmp_path: Path) -> None:
        """Nothing is marked as done that is not committed."""
        self._needs_a_door()
        captured = self._first()

        async def scene(house: House) -> None:
            async with self.other_side(house, "busy") as deliver:
                async with house.full():
                    assert not await deliver(self._now(captured, "busy")), "told 'taken', and nothing was taken"
                    assert await house.journal() == []
                assert await deliver(self._now(captured, "busy"))
            assert len(await house.journal()) == len(journaled(self._says(captured)))

        play(tmp_path, scene)

    def test_nobody_is_told_taken_before_the_commit(self, tmp_path: Path) -> None:
        """A slow store makes a slow answer."""
        self._needs_a_door()
        captured = self._first()

        async def scene(house: House) -> None:
            async with self.other_side(house, "slow") as deliver:
                async with house.slow():
                    answer = asyncio.create_task(deliver(self._now(captured, "slow")))
                    await asyncio.sleep(0.4)
                    assert not answer.done()
                assert await answer
            assert len(await house.journal()) == len(journaled(self._says(captured)))

        play(tmp_path, scene)

    def test_a_crash_after_the_commit_makes_no_second_ticket(self, tmp_path: Path) -> None:
        """The sender never heard an answer and delivers again."""
        self._needs_a_door()
        captured = self._first()

        async def scene(house: House) -> None:
            async with self.other_side(house, "crash") as deliver:
                house.crashes = True
                assert not await deliver(self._now(captured, "crash"))
                before = await house.tickets(), len(await house.journal())
                assert before[1], "the crash comes after the commit"
                house.crashes = False
                assert await deliver(self._now(captured, "crash"))
            assert (await house.tickets(), len(await house.journal())) == before

        play(tmp_path, scene)

    def test_what_is_too_large_is_stopped_at_the_door(self, tmp_path: Path) -> None:
        """One byte over the limit is not taken, and its body is not kept."""
        self._needs_a_door()

        async def scene(house: House) -> None:
            async with self.other_side(house, "large") as deliver:
                body = self._oversized(self.channel("measure"))
                if issubclass(self.adapter, Polling) and not issubclass(self.adapter, Webhook):
                    pytest.fail("say what a polling channel does with it: override this test")
                assert not await deliver(self._now(self._like(body), "large"))
            assert await house.journal() == []

        play(tmp_path, scene)

    # --- Steps of the above

    async def _survives(self, house: House, inputs: Sequence[tuple[str, bytes]]) -> None:
        channel = self._admitted(house, "hostile")
        for name, body in inputs:
            future = attempt(lambda raw=self.signed(body, "hostile"): channel.parse(raw), _PATIENCE)  # type: ignore[misc]
            if future.exception() is None:
                assert not [fault for one in future.result() for fault in faults(one)], name
        raws = [self.signed(body, "hostile") for _, body in inputs]
        accepted = await asyncio.gather(*(house.accept(channel, raw) for raw in raws))
        kept = {(line.entry.id, line.raw) for line in await house.journal()}
        bodies = {raw for _, raw in kept}
        for (name, _), raw, effects in zip(inputs, map(whole, raws), accepted, strict=True):
            assert {one.outcome for one in effects} <= _OUTCOMES, name
            known = any(one.outcome == "duplicate" for one in effects)
            assert effects or raw.body in bodies, f"silence: {name} left no trace"
            assert known or all((one.inbound_id, raw.body) in kept for one in effects), name
