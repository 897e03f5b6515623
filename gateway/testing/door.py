"""What the door of a webhook proves: nobody else gets in, nothing that was changed, whatever is written beside it."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.channels.base import Polling, Webhook
from gateway.errors import Refused
from gateway.message import Raw
from gateway.testing.adapter import with_other_secrets
from gateway.testing.captured import Captured, plain, read_folder
from gateway.testing.forgery import FORGERIES, Forgery, changed, forged
from gateway.testing.house import House
from gateway.testing.sides import http_door
from gateway.testing.steps import parsed, play
from gateway.testing.written import WrittenChannel

_YEAR = timedelta(days=366)
#: What may stand as the type of a body, whatever the body is.
_MEDIA_TYPES = (
    "",
    "application/json; charset=no-such-charset",
    "text/xml; charset=utf-16",
    "text/plain; charset=gb2312",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "multipart/form-data; boundary=x",
)


class DoorRules(WrittenChannel):
    """The rules for webhooks; other channels have doors that are proven by `other_side`."""

    @pytest.mark.parametrize("forgery", FORGERIES)
    def test_a_forged_input_is_refused_and_not_kept(self, forgery: Forgery, tmp_path: Path) -> None:
        """`verify` says no with `Refused`, whatever the headers hold; the door says 4xx and keeps nothing."""
        webhook = self._webhook()
        raws = self._forged(forgery)
        if not raws:
            pytest.skip(self._why_not(forgery))
        webhook.verify(self.signed(self._first(), webhook.name))  # the genuine one passes
        for raw in raws:
            with pytest.raises(Refused) as refused:
                webhook.verify(raw)
            assert 400 <= refused.value.status < 500

        async def scene(house: House) -> None:
            async with http_door(house, webhook) as knock:
                for raw in filter(_can_be_sent, self._forged_now(forgery)):
                    methods = ("POST", "GET") if forgery in ("nothing signed", "another secret") else ("POST",)
                    for method in methods:
                        status = await knock(method, raw)
                        assert 400 <= status < 500, f"{method} was answered {status}"
            assert await house.journal() == []

        play(tmp_path, scene)

    def test_what_is_said_of_its_signature_is_true(self) -> None:
        """What `covers` and `fresh_for` leave out is left out because the platform's signature cannot tell."""
        webhook, captured = self._authentic()
        genuine = self.signed(captured, webhook.name)
        if self.covers == "sender":
            for raw in changed(genuine)[:1]:
                assert _passes(webhook, raw), 'its signature covers the body: say covers = "body"'
        if self.fresh_for is None:
            late = replace(genuine, received_at=genuine.received_at + _YEAR)
            assert _passes(webhook, late), "its signature holds a time: say fresh_for"

    def test_what_was_changed_on_the_way_is_refused_or_says_the_same(self) -> None:
        """One bit anywhere in the body: what the signature does not cover must not be believed."""
        if self.covers == "sender":
            pytest.skip(self._why_not("another body"))
        webhook, captured = self._authentic()
        genuine = self.signed(captured, webhook.name)
        says = [plain(one) for one in parsed(webhook, genuine)]
        for raw in changed(genuine):
            if _passes(webhook, raw):
                assert [plain(one) for one in parsed(webhook, raw)] == says, "it believes what nobody signed"

    def test_whatever_type_a_body_is_said_to_be_it_ends_in_the_journal(self, tmp_path: Path) -> None:
        """Unknown, missing, with a charset of nowhere: taken or refused, never an error of ours, never silence."""
        webhook, captured = self._authentic()

        async def scene(house: House) -> None:
            async with http_door(house, webhook) as knock:
                for media_type in _MEDIA_TYPES:
                    one = replace(captured, media_type=media_type)
                    raw = self.signed(one, webhook.name, datetime.now(UTC))
                    status = await knock("POST", replace(raw, media_type=media_type))
                    assert status < 500, f"{media_type!r} was answered {status}"
                    kept = any(line.raw == raw.body for line in await house.journal())
                    assert kept or not captured.says or status >= 400, f"silence: {media_type!r} left no trace"

        play(tmp_path, scene)

    # --- Steps of the above

    def _webhook(self) -> Webhook:
        if not issubclass(self.adapter, Webhook):
            pytest.skip(f"{self.kind} is no webhook: nobody pushes to it over HTTP")
        made = self.channel("forged")
        assert isinstance(made, Webhook)
        return made

    def _authentic(self) -> tuple[Webhook, Captured]:
        """The webhook, and a captured payload that it lets in."""
        webhook = self._webhook()
        payloads = [self._first(), *read_folder(self.fixtures)]
        found = next((one for one in payloads if _passes(webhook, self.signed(one, webhook.name))), None)
        if found is None and issubclass(self.adapter, Polling):
            pytest.skip(f"{self.kind} as it is set here asks for its inputs: its door lets nothing in")
        assert found is not None, "its door lets no captured payload in"
        return webhook, found

    def _why_not(self, forgery: Forgery) -> str:
        """Why the platform's signature cannot tell; that this is true is proven too."""
        match forgery:
            case "too old":
                return f"{self.kind}: the signature holds no time (fresh_for = None)"
            case "another body":
                return f"{self.kind}: the signature says who sends, and covers no body (covers = 'sender')"
        return f"{self.kind}: it has no secret that signs"

    def _forged(self, forgery: Forgery) -> Sequence[Raw]:
        bare = self._first().raw("forged", self.received_at)
        others = [self.sign(bare, one) for one in with_other_secrets(self.settings, self.secrets)]
        genuine = self.sign(bare, self.settings)
        return forged(forgery, bare, genuine, others, covers=self.covers, fresh_for=self.fresh_for)

    def _forged_now(self, forgery: Forgery) -> Sequence[Raw]:
        """The same, so that the door, whose clock is the machine's, refuses it for no other reason."""
        now = datetime.now(UTC)
        if forgery == "too old" and self.fresh_for is not None:
            age = self.fresh_for + timedelta(minutes=1)
            return [self.signed(self._first(), "forged", now + way) for way in (age, -age)]
        later = copy.copy(self)
        vars(later)["received_at"] = now
        return later._forged(forgery)


def _passes(webhook: Webhook, raw: Raw) -> bool:
    try:
        webhook.verify(raw)
    except Refused:
        return False
    return True


def _can_be_sent(raw: Raw) -> bool:
    """HTTP carries no control characters in a header."""
    return all(value.isprintable() for value in raw.headers.values())
