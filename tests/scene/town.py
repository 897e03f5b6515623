"""A gateway with many channels, the providers around it, and people who complain by each of them."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import itertools
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from aiohttp import ClientSession, web

from gateway.app import assemble, running, serving
from gateway.channels.telegram import Telegram
from gateway.config import Alarms, Database, Dispatch, Http, Settings
from gateway.message import Raw
from tests.channels.telegram.at_hand import FastPace, written
from tests.channels.tencent.at_hand import CORP, KF, SETTINGS, as_xml
from tests.servers.dovecot import Dovecot
from tests.servers.line import Line, line_to
from tests.servers.process import free_port
from tests.servers.smtp import SmtpServer, smtp_server
from tests.servers.telegram import TOKEN, TelegramServer, telegram_server
from tests.servers.wecom import WeComServer, wecom_server
from ticket_core.directory import Person

#: How a channel can be dead.
Way = Literal["wrong token", "unreachable", "expired", "hanging"]
OPS_MAIL, OPS_PHONE = "ops@example.com", "+8613800009999"
_SECRET = "synthetic-secret-of-a-test"
_ACCOUNT = ("out", "synthetic-password")
_FAST = {"timeout": 0.7}


@dataclass(slots=True)
class Texts:
    """A provider of SMS by HTTP; `refusal` is a status that it gives instead of taking a text."""

    url: str = ""
    refusal: int = 0
    sent: list[dict[str, str]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        """One text."""
        if self.refusal:
            return web.json_response({"code": "AccountExpired"}, status=self.refusal)
        self.sent.append(await request.json())
        return web.json_response({"id": f"t-{len(self.sent)}"})


@dataclass(slots=True, kw_only=True)
class Town:
    """All of it. `complain` are the ways in by name; `dead` are the parts that can die, by the name in ``/readyz``."""

    address: str
    web: ClientSession
    bot: TelegramServer
    desk: WeComServer
    kf: WeComServer
    post: SmtpServer
    texts: Texts
    mailbox: Dovecot
    lines: Mapping[str, Line]
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    # --- People who complain; each is somebody new, and says something of his own

    def person(self) -> int:
        """A number for somebody who never complained before."""
        return next(self._numbers)

    async def complain(self, by: str, person: int) -> None:
        """Somebody complains; returns when the platform has it, not when we have."""
        await _COMPLAIN[by](self, person)

    def acknowledged(self, by: str, person: int) -> bool:
        """Whether the acknowledgement has arrived where it belongs."""
        match by:
            case "bot":
                return any(one["chat_id"] == str(700 + person) for one in self.bot.sent)
            case "desk":
                return any(one["touser"] == f"li{person}" for one in self.desk.sent)
            case "kf":
                return any(one["touser"] == f"wm{person}" for one in self.kf.sent)
            case "mailbox":
                return any(f"li{person}@example.com" in one.recipients for one in self.post.taken)
            case _:
                return any(one["to"] == f"+861380000{person:04d}" for one in self.texts.sent)

    def told_of(self, part: str, *, well: bool) -> set[str]:
        """By which media the people who run the house were told of a part, lastly."""
        word = "恢复" if well else "异常"
        mails = [str(one.message["Subject"]) for one in self.post.taken if OPS_MAIL in one.recipients]
        texts = [one["text"] for one in self.texts.sent if one["to"] == OPS_PHONE]
        found = {"email": mails, "sms": texts}
        return {medium for medium, said in found.items() if any(part in one and word in one for one in said)}

    async def unwell(self) -> dict[str, str]:
        """The parts that ``/readyz`` names, with what is wrong."""
        async with self.web.get("/readyz") as response:
            parts = (await response.json())["parts"]
            assert response.status == (200 if all(one["ok"] for one in parts.values()) else 503)
            return {name: one["reason"] for name, one in parts.items() if not one["ok"]}

    # --- Dying and healing

    async def kill(self, part: str, way: Way) -> None:
        """A part is dead from now on, in this way."""
        line = self.lines[part]
        match way:
            case "unreachable":
                await line.cut()
            case "hanging":
                await line.fall_silent()
            case _:
                _REFUSE[part](self, way)
                await line.hang_up()

    async def heal(self, part: str) -> None:
        """It is well again."""
        _REFUSE[part](self, None)
        await self.lines[part].mend()

    # --- Steps of the above

    async def _by_bot(self, person: int) -> None:
        await self.bot.happen(written(person, f"路灯不亮了，第{person}天", account=700 + person))

    async def _by_desk(self, person: int) -> None:
        body = (
            f"<xml><ToUserName>{CORP}</ToUserName><FromUserName>li{person}</FromUserName>"
            f"<CreateTime>{int(time.time())}</CreateTime><MsgType>text</MsgType><Content>电梯停了{person}</Content>"
            f"<MsgId>{person}</MsgId><AgentID>1000002</AgentID></xml>"
        )
        raw = Raw(channel="desk", body=body.encode(), received_at=datetime.now(UTC), media_type="text/xml")
        signed = as_xml(raw, SETTINGS["wecom-app"])
        await self._push("desk", signed.body, params=dict(signed.query))

    async def _by_kf(self, person: int) -> None:
        self.kf.messages.append(
            {
                "msgid": f"k{person}",
                "open_kfid": KF,
                "external_userid": f"wm{person}",
                "send_time": int(time.time()),
                "origin": 3,
                "msgtype": "text",
                "text": {"content": f"停水{person}天"},
            }
        )

    async def _by_mail(self, person: int) -> None:
        mail = (
            f"From: li{person}@example.com\nTo: tousu@example.com\nSubject: Noise {person}\n"
            f"Message-ID: <n{person}@example.com>\nDate: {datetime.now(UTC):%a, %d %b %Y %H:%M:%S} +0000\n\n"
            f"The bar number {person} is loud at night.\n"
        )
        await asyncio.to_thread(self.mailbox.deliver, mail.encode())

    async def _by_crm(self, person: int) -> None:
        said = {"id": f"c{person}", "content": f"扣费有误{person}", "phone": f"1380000{person:04d}"}
        body = json.dumps(said).encode()
        mac = hmac.new(_SECRET.encode(), body, hashlib.sha256).hexdigest()
        await self._push("crm", body, headers={"X-Signature": mac, "Content-Type": "application/json"})

    async def _by_text(self, person: int) -> None:
        said = {"from": f"1380000{person:04d}", "text": f"燃气味{person}", "id": f"s{person}"}
        await self._push("reports", json.dumps(said).encode(), params={"secret": _SECRET})

    async def _push(self, channel: str, body: bytes, **more: Any) -> None:
        async with self.web.post(f"/channels/{channel}", data=body, **more) as response:
            assert response.status == 200, await response.text()

    def _refuse_bot(self, way: Way | None) -> None:
        self.bot.token = TOKEN if way is None else "1:revoked"

    def _refuse_desk(self, way: Way | None) -> None:
        _refuse_wecom(self.desk, way)

    def _refuse_kf(self, way: Way | None) -> None:
        _refuse_wecom(self.kf, way)

    def _refuse_mailbox(self, way: Way | None) -> None:
        password = "secret" if way is None else "another"
        (self.mailbox.folder / "users").write_text(f"tousu:{{PLAIN}}{password}\n")

    def _refuse_post(self, way: Way | None) -> None:
        self.post.account = _ACCOUNT if way != "wrong token" else ("out", "another")
        self.post.after_data = "530 5.7.0 your account has expired" if way == "expired" else "250 2.0.0 taken"

    def _refuse_texts(self, way: Way | None) -> None:
        self.texts.refusal = {None: 0, "wrong token": 401, "expired": 403}.get(way, 0)


def _refuse_wecom(server: WeComServer, way: Way | None) -> None:
    server.secret = "another" if way == "wrong token" else "synthetic-secret"
    server.stale = way == "expired"
    server.forget_tokens()


_COMPLAIN: Mapping[str, Callable[[Town, int], Awaitable[None]]] = {
    "bot": Town._by_bot,
    "desk": Town._by_desk,
    "kf": Town._by_kf,
    "mailbox": Town._by_mail,
    "crm": Town._by_crm,
    "reports": Town._by_text,
}
_REFUSE: Mapping[str, Callable[[Town, Way | None], None]] = {
    "bot": Town._refuse_bot,
    "desk": Town._refuse_desk,
    "kf": Town._refuse_kf,
    "mailbox": Town._refuse_mailbox,
    "transports.post": Town._refuse_post,
    "transports.texts": Town._refuse_texts,
}
WAYS_IN = tuple(_COMPLAIN)
PARTS = tuple(_REFUSE)
#: Whoever complains by this way needs these parts to be heard, and these to be answered.
HEARD_BY: Mapping[str, frozenset[str]] = {
    "bot": frozenset({"bot"}),
    "desk": frozenset(),
    "kf": frozenset({"kf"}),
    "mailbox": frozenset({"mailbox"}),
    "crm": frozenset(),
    "reports": frozenset(),
}
ANSWERED_BY: Mapping[str, str] = {
    "bot": "bot",
    "desk": "desk",
    "kf": "kf",
    "mailbox": "transports.post",
    "crm": "transports.texts",
    "reports": "transports.texts",
}


def _settings(folder: Path, lines: Mapping[str, Line]) -> Settings:
    port = free_port()
    url = {part: f"http://127.0.0.1:{line.port}" for part, line in lines.items()}
    imap = {
        "host": "127.0.0.1",
        "port": lines["mailbox"].port,
        "security": "none",
        "user": "tousu",
        "password": "secret",
        "timeout": 1,
        "step_limit": 3,
        "idle_refresh": 1,
        "retry": 0.1,
        "retry_at_most": 0.5,
    }
    return Settings(
        secret=base64.b64encode(_SECRET.encode()).decode(),
        database=Database(url=f"sqlite:///{folder}/gateway.sqlite3"),
        http=Http(port=port, public_url=f"http://127.0.0.1:{port}"),
        dispatch=Dispatch(retry=(timedelta(milliseconds=300),)),
        alarms=Alarms(after=timedelta(milliseconds=300)),
        people=(Person(name="qian", roles=("admin",), email=OPS_MAIL, phone=OPS_PHONE),),
        channels={
            "bot": {"kind": "telegram", "token": TOKEN, "api_url": url["bot"], "long_poll": 1, **_FAST},
            "desk": {"kind": "wecom-app", **SETTINGS["wecom-app"], "api_url": url["desk"], **_FAST},
            "kf": {"kind": "wecom-kf", **SETTINGS["wecom-kf"], "api_url": url["kf"], **_FAST},
            "mailbox": {"kind": "email", "address": "tousu@example.com", "imap": imap},
            "crm": {
                "kind": "webhook",
                "secret": _SECRET,
                "fields": {"text": "content", "phone": "phone"},
                "external_id": "id",
            },
            "reports": {"kind": "sms-reports", "secret": _SECRET},
        },
        transports={
            "post": {
                "kind": "smtp",
                "host": "127.0.0.1",
                "port": lines["transports.post"].port,
                "security": "none",
                "address": "out@example.com",
                "user": _ACCOUNT[0],
                "password": _ACCOUNT[1],
                **_FAST,
            },
            "texts": {"kind": "sms", "url": f"{url['transports.texts']}/send", **_FAST},
        },
    )


@contextlib.asynccontextmanager
async def _texts() -> AsyncIterator[Texts]:
    texts = Texts()
    app = web.Application()
    app.router.add_post("/send", texts.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    texts.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield texts
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def town(folder: Path, mailbox: Dovecot) -> AsyncIterator[Town]:
    """All providers, and the gateway serving, until the end of the block."""
    async with contextlib.AsyncExitStack() as stack:
        bot = await stack.enter_async_context(telegram_server())
        desk, kf = [await stack.enter_async_context(wecom_server()) for _ in range(2)]
        post = await stack.enter_async_context(smtp_server(account=_ACCOUNT))
        texts = await stack.enter_async_context(_texts())
        ports = {
            "bot": _port(bot.url),
            "desk": _port(desk.url),
            "kf": _port(kf.url),
            "mailbox": mailbox.port,
            "transports.post": post.port,
            "transports.texts": _port(texts.url),
        }
        lines = {part: await stack.enter_async_context(line_to(port)) for part, port in ports.items()}
        parts = assemble(_settings(folder, lines))
        for channel in parts.channels.values():
            if isinstance(channel, Telegram):
                channel.pace = FastPace()
        address = await stack.enter_async_context(serving(parts))
        await stack.enter_async_context(running(parts))
        yield Town(
            address=address,
            web=await stack.enter_async_context(ClientSession(address)),
            bot=bot,
            desk=desk,
            kf=kf,
            post=post,
            texts=texts,
            mailbox=mailbox,
            lines=lines,
        )


def _port(url: str) -> int:
    return int(url.rpartition(":")[2])
