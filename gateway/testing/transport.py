"""`TransportConformance`: every rule that a way out keeps, as tests that its author inherits."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Any, ClassVar, get_args

import pytest

from gateway.channels.base import PermanentDelivery, TransientDelivery, Transport
from gateway.message import DeliveryReceipt, OutboundMessage
from gateway.testing.adapter import AdapterConformance, secret_of
from gateway.testing.line import Line, led_over
from gateway.testing.provider import BUSY_FOR, Fault, Provider

_PATIENCE = 10.0  # seconds within which any send must have come to an end; the tested timeout is shorter
_MOST_READ = 32 << 20  # bytes of an answer, buffers of the machine included
_FORMS = ("subject", "text", "short", "html", "choices")
_ADDRESSES: Mapping[str, str] = {"email": "li@example.com", "sms": "+8613800001234"}
_TEXT = "您的投诉已受理，编号 261120-00000001-7。"
_TWO_RECIPIENTS = "{0}\r\nBcc: wang@example.com", "{0}\nRCPT TO:<wang@example.com>", "{0},{0}", "{0};{0}", "{0}\x00"
_TRICKS = (
    "一行\r\n.\r\nMAIL FROM:<x@example.com>\r\n",
    "Bcc: wang@example.com\r\n\r\n正文",
    "&to=13800009999&text=x",
    '"}, "to": "13800009999", {"',
    "{to} {text} ${reference} %(to)s {{ 7*7 }} \\u0041 %0d%0a",
    "生僻字𠮷 emoji 👨‍👩‍👧 ；«»",
    "<b>&amp;</b>",
)


class TransportConformance(AdapterConformance):
    """Subclass it in a test file as ``Test…`` and start a provider for it.

    `sends` is False for a transport that only shows. `tells_wait`: the provider's protocol can say how long to wait.
    """

    section: ClassVar[str] = "transports"
    sends: ClassVar[bool] = True
    tells_wait: ClassVar[bool] = True
    #: Settings by which it waits for some seconds, where nothing is wrong but the machine is busy.
    patient: ClassVar[Mapping[str, Any]] = {"timeout": 5}
    #: A recipient that the provider serves; empty: the usual one of the medium.
    address: ClassVar[str] = ""

    # --- What the author says

    def provider(self) -> AbstractAsyncContextManager[Provider]:
        """The other end, on this machine; see `gateway.testing.provider.http_provider` for one that speaks HTTP."""
        pytest.fail("provider() is not written: nothing is proven without somebody to send to")

    # --- What it is

    def test_it_asks_for_forms_that_exist(self) -> None:
        """A medium it serves, forms that can be rendered, at least one send at a time."""
        made = self._built({})
        assert made.medium
        assert made.forms
        assert set(made.forms) <= set(_FORMS)
        assert made.concurrency >= 1

    def test_it_gets_ready_without_its_provider(self) -> None:
        """The gateway starts while the provider is down; closing twice is no error."""

        async def scene() -> None:
            made = self._built({})
            await made.open()
            await made.close()
            await made.close()

        _play(scene)

    def test_a_notice_is_accepted_under_our_reference(self) -> None:
        """The receipt is aware of time and counts parts; the provider has address, text and reference, once."""

        async def scene() -> None:
            async with self._opened() as (made, provider):
                notice = self._notice(made)
                receipt = await _sent(made, notice)
                _well_formed(receipt, notice)
                if provider is not None:
                    (one,) = provider.arrived
                    assert one.to == (notice.to,)
                    assert notice.reference in one.reference, "the provider cannot know a second try as one"
                    assert _TEXT in one.text

        _play(scene)

    @pytest.mark.parametrize("trick", _TRICKS, ids=range(len(_TRICKS)))
    def test_no_text_becomes_a_header_a_field_or_a_second_recipient(self, trick: str) -> None:
        """Whatever stands in the forms and in the name arrives as text, at one recipient."""

        async def scene() -> None:
            async with self._opened() as (made, provider):
                notice = self._notice(made, text=trick, name=trick)
                _well_formed(await _sent(made, notice), notice)
                if provider is not None:
                    (one,) = provider.arrived
                    assert one.to == (notice.to,)
                    assert _lines(trick) in _lines(one.text)
                    assert "\n" not in one.subject

        _play(scene)

    # --- What can go wrong

    @pytest.mark.parametrize("address", _TWO_RECIPIENTS, ids=range(len(_TWO_RECIPIENTS)))
    def test_an_address_that_names_two_is_never_sent_to(self, address: str) -> None:
        """It is a permanent failure, and nothing arrives."""
        self._needs_a_provider()

        async def scene() -> None:
            async with self._opened() as (made, provider):
                notice = self._notice(made)
                with pytest.raises(PermanentDelivery):
                    await _sent(made, replace(notice, to=address.format(notice.to)))
                assert provider is not None
                assert provider.arrived == []

        _play(scene)

    @pytest.mark.parametrize("fault", get_args(Fault))
    def test_a_fault_is_told_by_its_type_and_the_next_notice_goes_out(self, fault: Fault) -> None:
        """Refused is permanent, all else is worth another try; no retry inside; no secret in the reason."""
        self._needs_a_provider()
        expected = PermanentDelivery if fault == "refused" else TransientDelivery

        async def scene() -> None:
            async with self._opened() as (made, provider):
                assert provider is not None
                notice = self._notice(made)
                provider.behave(fault)
                with pytest.raises(expected) as caught:
                    await _sent(made, notice)
                assert len(provider.arrived) == (fault == "dropped"), "send() tried again by itself"
                assert not any(secret_of(self.settings, name) in str(caught.value) for name in self.secrets)
                if fault == "busy" and self.tells_wait:
                    assert isinstance(caught.value, TransientDelivery)
                    assert caught.value.retry_after == BUSY_FOR
                provider.behave(None)
                await _sent(made, notice)
                assert len({one.reference for one in provider.arrived}) == 1, "each try has the same reference"

        _play(scene)

    def test_nobody_at_the_other_end_is_worth_another_try(self) -> None:
        """Connection refused."""
        self._needs_a_provider()

        async def scene() -> None:
            async with self.provider() as provider:
                settings = dict(provider.settings)
            async with self._ready(settings) as made:
                with pytest.raises(TransientDelivery):
                    await _sent(made, self._notice(made))

        _play(scene)

    def test_an_answer_in_pieces_is_read_whole(self) -> None:
        """No more than a few bytes come at a time."""
        self._needs_a_provider()

        async def scene() -> None:
            async with (
                self.provider() as provider,
                led_over("in pieces", provider.settings) as led,
                self._ready({**led.settings, **self.patient}) as made,
            ):
                notice = self._notice(made)
                _well_formed(await _sent(made, notice), notice)

        _play(scene)

    @pytest.mark.parametrize("line", get_args(Line))
    def test_an_answer_that_is_none_ends_in_time_and_goes_nowhere_else(self, line: Line) -> None:
        """Byte for byte, without end, or from somebody who sends us on: little of it is read, and soon it is over."""
        self._needs_a_provider()

        async def scene() -> None:
            async with self.provider() as provider, led_over(line, provider.settings) as led:
                async with self._ready(led.settings) as made:
                    failed = await _failed(made, self._notice(made))
                assert line == "never ends" or failed, "nobody has taken it"  # 200 may be all that a provider says
                assert line == "sends elsewhere" or not isinstance(failed, PermanentDelivery), (
                    "it says nothing of the recipient"
                )
                assert led.sent < _MOST_READ, "it reads whatever comes"
                assert not led.strayed, "it went where somebody sent it, with what it had to say"
                assert not any(secret_of(self.settings, name) in str(failed) for name in self.secrets)

        _play(scene)

    def test_a_send_that_was_broken_off_leaves_nothing_behind(self) -> None:
        """The dispatcher stops waiting; the next notice is not mixed up with the one before."""
        self._needs_a_provider()

        async def scene() -> None:
            async with self._opened() as (made, provider):
                assert provider is not None
                provider.behave("silent")
                task = asyncio.create_task(made.send(self._notice(made)))
                await asyncio.sleep(0.2)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                provider.behave(None)
                await _sent(made, replace(self._notice(made), reference="n18"))
                assert "n18" in provider.arrived[-1].reference

        _play(scene)

    def test_many_at_once_all_arrive_and_no_more_than_it_said(self) -> None:
        """As many at a time as `concurrency`, each once."""
        self._needs_a_provider()

        async def scene() -> None:
            async with self._opened() as (made, provider):
                assert provider is not None
                slots = asyncio.Semaphore(made.concurrency)

                async def one(number: int) -> None:
                    async with slots:
                        await _sent(made, replace(self._notice(made), reference=f"n{number}"))

                count = 3 * made.concurrency + 1
                await asyncio.gather(*(one(number) for number in range(100, 100 + count)))
                assert len({arrived.reference for arrived in provider.arrived}) == len(provider.arrived) == count
                assert provider.most_at_once <= made.concurrency

        _play(scene)

    def test_close_leaves_no_connection_open(self) -> None:
        """Within a second."""
        self._needs_a_provider()

        async def scene() -> None:
            async with self.provider() as provider:
                made = self._built(provider.settings)
                await made.open()
                await asyncio.gather(*(_sent(made, self._notice(made)) for _ in range(min(2, made.concurrency))))
                await made.close()
                async with asyncio.timeout(1):
                    while provider.connections:  # noqa: ASYNC110  the other end tells nobody
                        await asyncio.sleep(0.01)

        _play(scene)

    # --- Steps of the above

    def _built(self, settings: Mapping[str, Any]) -> Transport:
        made = self.build("tested", **settings)
        assert isinstance(made, Transport)
        return made

    def _needs_a_provider(self) -> None:
        if not self.sends:
            pytest.skip(f"{self.kind} sends nothing: its notices are only shown")

    @contextlib.asynccontextmanager
    async def _opened(self) -> AsyncIterator[tuple[Transport, Provider | None]]:
        async with contextlib.AsyncExitStack() as stack:
            provider = await stack.enter_async_context(self.provider()) if self.sends else None
            yield await stack.enter_async_context(self._ready(provider.settings if provider else {})), provider

    @contextlib.asynccontextmanager
    async def _ready(self, settings: Mapping[str, Any]) -> AsyncIterator[Transport]:
        made = self._built(settings)
        await made.open()
        try:
            yield made
        finally:
            await made.close()

    def _notice(self, made: Transport, *, text: str = _TEXT, name: str = "李小明") -> OutboundMessage:
        return OutboundMessage(
            reference="n17",
            to=self.address or _ADDRESSES[made.medium],
            name=name,
            forms=dict.fromkeys([form for form in made.forms if form != "choices"], text),
            ticket_number="261120-00000001-7",
            token="261120000000017.rt4zcappfsxx4dj6",  # noqa: S106  synthetic
        )


def _play(scene: Callable[[], Awaitable[None]]) -> None:
    async def played() -> None:
        await scene()

    asyncio.run(played())


async def _sent(made: Transport, notice: OutboundMessage) -> DeliveryReceipt:
    async with asyncio.timeout(_PATIENCE):
        return await made.send(notice)


async def _failed(made: Transport, notice: OutboundMessage) -> TransientDelivery | PermanentDelivery | None:
    try:
        await _sent(made, notice)
    except (TransientDelivery, PermanentDelivery) as error:
        return error
    return None


def _well_formed(receipt: DeliveryReceipt, notice: OutboundMessage) -> None:
    assert receipt.status in ("accepted", "delivered")
    assert receipt.at.utcoffset() is not None
    assert receipt.reference in ("", notice.reference)
    assert receipt.parts >= 1


def _lines(text: str) -> str:
    return "\n".join(line.strip() for line in text.replace("\r\n", "\n").split("\n")).strip()
