"""The door for notices of WeChat Pay against the conformance kit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

from gateway.message import Raw
from gateway.testing.captured import Captured
from gateway.testing.forgery import Forgery
from gateway.testing.kit import ChannelConformance, House, http_side
from gateway.testing.steps import play
from tests.servers.wechat_pay import keys, notice, pushed, signed


class TestWeChatPay(ChannelConformance):
    """Notices, and what is asked for after them."""

    kind = "wechat-pay"
    settings: ClassVar = keys().settings()
    secrets = ("api_key",)
    fixtures = Path(__file__).parent / "fixtures"
    fresh_for = timedelta(minutes=5)

    def sign(self, raw: Raw, settings: Mapping[str, Any]) -> Raw:
        """As the platform signs."""
        return pushed(raw)

    def _forged(self, forgery: Forgery) -> Sequence[Raw]:
        """Signed by another platform key than the one it names, and by WeChat itself, wrongly on purpose."""
        if forgery != "another secret":
            return super()._forged(forgery)
        bare = self._first().raw("forged", self.received_at)
        genuine = pushed(bare)
        at = self.received_at.timestamp()
        mixed = {**genuine.headers, "wechatpay-signature": signed(bare.body, at + 1)["wechatpay-signature"]}
        probe = {**genuine.headers, "wechatpay-signature": "WECHATPAY/SIGNTEST/" + mixed["wechatpay-signature"][19:]}
        other = {**genuine.headers, "wechatpay-serial": list(keys().platform)[1]}
        unknown = {**genuine.headers, "wechatpay-serial": "5157F09EFDC096DE15EBE81A47057A7232F1B8E1"}
        return [replace(genuine, headers=headers) for headers in (mixed, probe, other, unknown)]

    def test_what_is_too_large_is_stopped_at_the_door(self, tmp_path: Path) -> None:
        """Notices are small; an answer that is too large is not read to its end, as with all interfaces."""

        async def scene(house: House) -> None:
            channel = self.channel("large")
            body = self._oversized(channel)
            async with http_side(house, channel, pushed) as deliver:
                assert not await deliver(self._now(self._like(body), "large"))
            assert await house.journal() == []

        play(tmp_path, scene)

    def _first(self) -> Captured:
        """A notice that opens a ticket: an urge about a complaint that nobody told of."""
        return replace(super()._first(), name="an urge", body=notice("2002018", "USER_APPLY_PLATFORM_SERVICE"))
