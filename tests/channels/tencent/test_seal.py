"""Signatures and encryption beside the platforms' published examples and the output of an SDK."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest

from gateway.channels.tencent import WeChat, WeComApp, WeComBot
from gateway.channels.tencent.seal import Seal
from gateway.channels.tencent.settings import AccountSettings, AppSettings, BotSettings
from gateway.errors import Refused
from gateway.message import Raw
from tests.channels.tencent.at_hand import CORP, KEY, SETTINGS, TOKEN, encrypted, pushed

# Published with WeCom's libraries (Sample of WXBizMsgCrypt).
ECHO = "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ=="
ECHO_QUERY = {
    "msg_signature": "5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3",
    "timestamp": "1409659589",
    "nonce": "263014780",
    "echostr": ECHO,
}
SENT = (
    "RypEvHKD8QQKFhvQ6QleEB4J58tiPdvo+rtK1I9qca6aM/wvqnLSV5zEPeusUiX5L5X/0lWfrf0QADHHhGd3QczcdCUpj911L3vg3W/sYYvuJTs3"
    "TUUkSUXxaccAS0qhxchrRYt66wiSpGLYL42aM6A8dTT+6k4aSknmPj48kzJs8qLjvd4Xgpue06DOdnLxAUHzM6+kDZ+HMZfJYuR+LtwGc2hgf5gs"
    "ijff0ekUNXZiqATP7PF5mZxZ3Izoun1s4zG4LUMnvw2r+KqCKIw+3IQH03v+BCA9nMELNqbSf6tiWSrXJB3LAVGUcallcrw8V2t9EL4EhzJWrQUa"
    "x5wLVMNS0+rUPA3k22Ncx4XXZS9o0MBH27Bo6BpNelZpS+/uh9KsNlY6bHCmJU9p8g7m3fVKn28H3KDYA5Pl/T8Z1ptDAVe0lXdQ2YoyyH2uyPIG"
    "HBZZIs2pDBS8R07+qN+E7Q=="
)
SENT_QUERY = {
    "msg_signature": "477715d11cdb4164915debcba66cb864d751f3e6",
    "timestamp": "1409659813",
    "nonce": "1372623149",
}
# Made once with wechatpy 1.8.18: WeChatCrypto("synthetic", KEY, "wx2c2769f8efd9abc2").encrypt_message(…, nonce, time)
SDK = (
    "5KO81QLSeSWFMoVMtl79evlYkkEMRi5gMcC/4k2ImnG0j0cNTS8yCFyuPEyMGOIC1AxhO8VnkUiA21+gWpWOph+FHigJQ/YBBjmg2q71yo5By0cd"
    "DEOyqjXk5VwMM/B/EaaLvkp6UqoZrX/5zKFJAlC8y7bfoJ30KZMKlXQcBLGuxk9uavfpN1C0oNC+A1ItCibhqFej7IpdG9lXSs5edWO3pOdp6XzT"
    "mzHGH+zZe8B8tC5MUJOYocWydiWOzhsI08qFYLAwWPE1HR0OK48+xaUXHg7TC8ZP/ppPweEjkp3xt77Ot0kXKdFiWXOikF8I5+rnUakq0a/htuZv"
    "5BAu1k20wzf5E2ZhXc8f7pg8ugUctrzQXFepzvcEIlCY4FxkJezsyA5L4thCxb0fGW+RBHC/frl0ioeoPBXnKpZoxW4="
)
SDK_QUERY = {
    "msg_signature": "534e7ad27973362e7ce32b832cf3bb89f64485a2",
    "timestamp": "1409735669",
    "nonce": "1320562132",
}


def app() -> WeComApp:
    return WeComApp("wecom", AppSettings(**SETTINGS["wecom-app"]))


def knock(query: dict[str, str], body: bytes = b"", late: timedelta = timedelta()) -> Raw:
    now = datetime.fromtimestamp(int(query.get("timestamp", "1409659589")), UTC) + late
    return Raw(channel="wecom", body=body, received_at=now, query=query)


def test_the_published_check_of_an_address_is_answered() -> None:
    answer = app().challenge(knock(ECHO_QUERY))
    assert answer is not None
    assert answer.body == b"1616140317555161061"


def test_the_published_message_is_taken_and_read() -> None:
    raw = knock(SENT_QUERY, f"<xml><Encrypt><![CDATA[{SENT}]]></Encrypt><AgentID>218</AgentID></xml>".encode())
    channel = app()
    channel.verify(raw)
    (said,) = channel.parse(raw)
    assert (getattr(said, "text", ""), getattr(said, "external_id", "")) == ("hello", "4561255354251345929")


def test_what_an_sdk_encrypted_is_opened() -> None:
    seal = Seal("synthetic", KEY, "wx2c2769f8efd9abc2")
    seal.check(knock(SDK_QUERY), "msg_signature", SDK)
    assert b"<Content><![CDATA[hello]]></Content>" in seal.open(SDK)


@pytest.mark.parametrize(
    ("change", "late"),
    [
        ({"msg_signature": "0" * 40}, timedelta()),
        ({"nonce": "1"}, timedelta()),
        ({"echostr": ECHO[:-4] + "AAA="}, timedelta()),
        ({"timestamp": "x"}, timedelta()),
        ({}, timedelta(minutes=6)),
        ({}, -timedelta(minutes=6)),
    ],
)
def test_a_check_that_nobody_signed_now_is_refused(change: dict[str, str], late: timedelta) -> None:
    now = datetime.fromtimestamp(1409659589, UTC) + late
    with pytest.raises(Refused):
        app().challenge(Raw(channel="wecom", body=b"", received_at=now, query={**ECHO_QUERY, **change}))


def test_a_push_for_another_corporation_is_refused() -> None:
    said = encrypted(b"<xml/>", "wx0000000000000000")
    raw = pushed(knock({}), f"<xml><Encrypt>{said}</Encrypt></xml>".encode(), said, TOKEN)
    with pytest.raises(Refused):
        app().verify(raw)


def test_the_receiver_of_a_bot_is_empty() -> None:
    bot = WeComBot("bot", BotSettings(**SETTINGS["wecom-bot"]))
    for receiver, good in ("", True), (CORP, False):
        said = encrypted(b"{}", receiver)
        raw = pushed(knock({}), f'{{"encrypt":"{said}"}}'.encode(), said, TOKEN)
        if good:
            bot.verify(raw)
        else:
            with pytest.raises(Refused):
                bot.verify(raw)


@pytest.mark.parametrize("text", ["", "AAAA", "é", base64.b64encode(b"x" * 32).decode(), SENT[:64]])
def test_what_was_not_made_with_our_key_is_not_opened(text: str) -> None:
    with pytest.raises(ValueError):
        Seal(TOKEN, KEY, CORP).open(text)


def test_an_account_with_a_key_takes_no_plain_push() -> None:
    account = WeChat("wechat", AccountSettings(**SETTINGS["wechat"]))
    raw = pushed(knock({}), b"<xml><MsgType>text</MsgType></xml>", "", TOKEN)
    query = {**raw.query, "signature": raw.query["msg_signature"]}
    with pytest.raises(Refused):
        account.verify(Raw(channel="wechat", body=raw.body, received_at=raw.received_at, query=query))


def test_wechat_wants_its_word_back_as_it_is() -> None:
    account = WeChat("wechat", AccountSettings(**SETTINGS["wechat"]))
    raw = pushed(knock({}), b"", "", TOKEN)
    query = {**raw.query, "signature": raw.query["msg_signature"], "echostr": "4375120948345356249"}
    answer = account.challenge(Raw(channel="wechat", body=b"", received_at=raw.received_at, query=query))
    assert answer is not None
    assert answer.body == b"4375120948345356249"
