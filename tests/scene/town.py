"""A gateway with many channels, the providers around it, and people who complain by each of them."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import itertools
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from aiohttp import ClientSession, web

from gateway.app import Parts
from gateway.message import Raw
from gateway.testing.loopback import Loopback
from tests.channels.dingtalk import at_hand as dingtalk
from tests.channels.feishu import at_hand as feishu
from tests.channels.telegram.at_hand import written
from tests.channels.tencent.at_hand import CORP, KF, SETTINGS, as_xml
from tests.channels.transfer.at_hand import SECRET as CITY_SECRET
from tests.channels.transfer.at_hand import hmac_of
from tests.channels.transfer.body import Body
from tests.channels.transfer.interface import Interface
from tests.channels.webchat import at_hand as webchat
from tests.scene.layout import ACCOUNT, HOUSE_SECRET, OPS_MAIL, OPS_PHONE
from tests.servers.dingtalk import DingTalkServer
from tests.servers.dovecot import Dovecot
from tests.servers.feishu import FeishuServer
from tests.servers.line import Line
from tests.servers.open311 import KEY as EAST_KEY
from tests.servers.open311 import Open311Server
from tests.servers.smtp import SmtpServer
from tests.servers.telegram import TOKEN, TelegramServer
from tests.servers.wecom import WeComServer
from ticket_core.model import Command
from ticket_core.number import find_numbers

#: How a channel can be dead.
Way = Literal["wrong token", "unreachable", "expired", "hanging", "dripping"]
_LAMP = "路灯坏了{}号"
#: What refuses by a status.
_STATUS: Mapping[Way | None, int] = {"wrong token": 401, "expired": 403}


@dataclass(slots=True, kw_only=True)
class Teller(Loopback):
    """A provider of SMS by HTTP, or a room's robot; `refusal` is a status that it gives instead of telling anybody."""

    refusal: int = 0
    sent: list[dict[str, Any]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        """One text."""
        if self.refusal:
            return web.json_response({"code": "AccountExpired"}, status=self.refusal)
        self.sent.append(await request.json())
        return web.json_response({"id": f"t-{len(self.sent)}", "errcode": 0})


@dataclass(slots=True, kw_only=True)
class Town:
    """All of it. `complain` are the ways in by name; `dead` are the parts that can die, by the name in ``/readyz``."""

    gateway: Parts
    web: ClientSession
    bot: TelegramServer
    desk: WeComServer
    kf: WeComServer
    corp: DingTalkServer
    stream: DingTalkServer
    lark: FeishuServer
    east: Open311Server
    city: Body
    pull: Interface
    post: SmtpServer
    texts: Teller
    room: Teller
    mailbox: Dovecot
    lines: Mapping[str, Line]
    pages: dict[int, dict[str, str]] = field(default_factory=dict)  # who talks on a page of ours, and the token
    waiting: set[asyncio.Task[None]] = field(default_factory=set)  # messages that a platform has not delivered yet
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    # --- People who complain; each is somebody new, and says something of his own

    def person(self) -> int:
        """A number for somebody who never complained before."""
        return next(self._numbers)

    async def complain(self, by: str, person: int) -> None:
        """Somebody complains; returns when the platform has it, not when we have."""
        await _COMPLAIN[by](self, person)

    async def acknowledged(self, by: str, person: int) -> bool:
        """Whether the acknowledgement has arrived where it belongs; of what we pass on, whether it has been heard."""
        match by:
            case "bot":
                return any(one["chat_id"] == str(700 + person) for one in self.bot.sent)
            case "desk":
                return any(one["touser"] == f"li{person}" for one in self.desk.sent)
            case "kf":
                return any(one["touser"] == f"wm{person}" for one in self.kf.sent)
            case "corp":
                return any(one["userIds"] == [f"li{person}"] for one in self.corp.sent)
            case "stream":
                return any(one["userIds"] == [f"li{person}"] for one in self.stream.sent)
            case "lark":
                return any(one["to"] == f"ou_{person}" for one in self.lark.sent)
            case "page":
                headers = {"X-Chat-Session": self.pages[person]["token"]}
                async with self.web.get("/chat/page/lines", headers=headers) as response:
                    return any(line["by"] == "us" for line in (await response.json())["lines"])
            case "mailbox":
                return any(f"li{person}@example.com" in one.recipients for one in self.post.taken)
            case "city":
                return f"CD{person:06}" in self.city.cases
            case "east":
                return any(_LAMP.format(person) in one["description"] for one in self.east.requests.values())
            case "room":
                return any(_LAMP.format(person) in one["text"]["content"] for one in self.room.sent)
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
            case "dripping":
                await line.drip()
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

    async def _by_corp(self, person: int) -> None:
        raw = Raw(channel="corp", body=self._message(person), received_at=datetime.now(UTC))
        await self._push("corp", raw.body, headers=_headers(dingtalk.signed(raw)))

    async def _by_stream(self, person: int) -> None:
        frame = self.stream.frame(self._message(person).decode())

        async def deliver() -> None:
            taken = None
            while taken is None:
                with contextlib.suppress(TimeoutError, OSError):
                    taken = await self.stream.push(frame, within=2)

        self.waiting.add(asyncio.create_task(deliver()))

    @staticmethod
    def _message(person: int) -> bytes:
        said = dingtalk.written(str(person), f"空调不制冷{person}", senderStaffId=f"li{person}", sessionWebhook="")
        return json.dumps(said, ensure_ascii=False).encode()

    async def _by_lark(self, person: int) -> None:
        said = feishu.written(str(person), f"电梯异响{person}", account=f"ou_{person}")
        raw = Raw(channel="lark", body=json.dumps(said).encode(), received_at=datetime.now(UTC))
        made = feishu.signed(raw)
        await self._push("lark", made.body, headers=_headers(made))

    async def _by_page(self, person: int) -> None:
        async with self.web.post("/chat/page/sessions") as response:
            self.pages[person] = await response.json()
        headers = {"X-Chat-Session": self.pages[person]["token"]}
        said = webchat.body(
            webchat.said(f"网页打不开{person}", f"message-{person:04}"), b"", self.pages[person]["account"]
        )
        await self._push("page", said, headers=headers)

    async def _by_city(self, person: int) -> None:
        body = json.dumps(_case(person), ensure_ascii=False).encode()
        at, nonce = str(int(time.time())), f"n{person}"
        mac = hmac_of("hmac-sha256", CITY_SECRET, f"{at}\n{nonce}\n".encode() + body)
        marks = {"x-timestamp": at, "x-nonce": nonce, "x-signature": mac.hex(), "Content-Type": "application/json"}
        answer = await self._push("city", body, headers=marks)
        (ticket,) = find_numbers(json.loads(answer)["cases"][0]["number"])
        command = Command(
            ticket_id=ticket, action="sign", actor="sun", role="supervisor", at=datetime.now(UTC), fields={}
        )
        await self.gateway.reception.act(command)

    async def _by_pull(self, person: int) -> None:
        self.pull.cases.append({**_case(person), "联系电话": f"1380000{person:04d}", "id": person})

    async def _by_lamp(self, person: int) -> None:
        await self._by_crm(person, _LAMP.format(person))

    async def _by_crm(self, person: int, text: str = "") -> None:
        said = {"id": f"c{person}", "content": text or f"扣费有误{person}", "phone": f"1380000{person:04d}"}
        body = json.dumps(said).encode()
        mac = hmac.new(HOUSE_SECRET.encode(), body, hashlib.sha256).hexdigest()
        await self._push("crm", body, headers={"X-Signature": mac, "Content-Type": "application/json"})

    async def _by_text(self, person: int) -> None:
        said = {"from": f"1380000{person:04d}", "text": f"燃气味{person}", "id": f"s{person}"}
        await self._push("reports", json.dumps(said).encode(), params={"secret": HOUSE_SECRET})

    async def _push(self, channel: str, body: bytes, **more: Any) -> str:
        async with self.web.post(f"/channels/{channel}", data=body, **more) as response:
            assert response.status == 200, await response.text()
            return await response.text()

    def _refuse_bot(self, way: Way | None) -> None:
        self.bot.token = TOKEN if way is None else "1:revoked"

    def _refuse_desk(self, way: Way | None) -> None:
        _refuse_by(self.desk, way)

    def _refuse_kf(self, way: Way | None) -> None:
        _refuse_by(self.kf, way)

    def _refuse_corp(self, way: Way | None) -> None:
        _refuse_by(self.corp, way)

    def _refuse_stream(self, way: Way | None) -> None:
        _refuse_by(self.stream, way)

    def _refuse_lark(self, way: Way | None) -> None:
        _refuse_by(self.lark, way)

    def _refuse_east(self, way: Way | None) -> None:
        self.east.key = EAST_KEY if way is None else "another"

    def _refuse_city(self, way: Way | None) -> None:
        self.city.refusal = _STATUS.get(way, 0)

    def _refuse_pull(self, way: Way | None) -> None:
        self.pull.fault = "locked" if way in _STATUS else None

    def _refuse_room(self, way: Way | None) -> None:
        self.room.refusal = _STATUS.get(way, 0)

    def _refuse_mailbox(self, way: Way | None) -> None:
        password = "secret" if way is None else "another"
        (self.mailbox.folder / "users").write_text(f"tousu:{{PLAIN}}{password}\n")

    def _refuse_post(self, way: Way | None) -> None:
        self.post.account = ACCOUNT if way != "wrong token" else ("out", "another")
        self.post.after_data = "530 5.7.0 your account has expired" if way == "expired" else "250 2.0.0 taken"

    def _refuse_texts(self, way: Way | None) -> None:
        self.texts.refusal = _STATUS.get(way, 0)


def _refuse_by(server: WeComServer | DingTalkServer | FeishuServer, way: Way | None) -> None:
    server.secret = "another" if way == "wrong token" else "synthetic-secret"
    server.stale = way == "expired"
    server.forget_tokens()


def _headers(raw: Raw) -> dict[str, str]:
    return {**raw.headers, "Content-Type": "application/json"}


def _case(person: int) -> dict[str, Any]:
    return {
        "工单编号": f"CD{person:06}",
        "诉求类型": "投诉",
        "标题": f"停水{person}",
        "诉求内容": f"小区停水{person}",
        "来电人": "李四",
    }


_COMPLAIN: Mapping[str, Callable[[Town, int], Awaitable[None]]] = {
    "bot": Town._by_bot,
    "desk": Town._by_desk,
    "kf": Town._by_kf,
    "corp": Town._by_corp,
    "stream": Town._by_stream,
    "lark": Town._by_lark,
    "page": Town._by_page,
    "city": Town._by_city,
    "pull": Town._by_pull,
    "east": Town._by_lamp,
    "room": Town._by_lamp,
    "mailbox": Town._by_mail,
    "crm": Town._by_crm,
    "reports": Town._by_text,
}
_REFUSE: Mapping[str, Callable[[Town, Way | None], None]] = {
    "bot": Town._refuse_bot,
    "desk": Town._refuse_desk,
    "kf": Town._refuse_kf,
    "corp": Town._refuse_corp,
    "stream": Town._refuse_stream,
    "lark": Town._refuse_lark,
    "city": Town._refuse_city,
    "pull": Town._refuse_pull,
    "east": Town._refuse_east,
    "mailbox": Town._refuse_mailbox,
    "transports.post": Town._refuse_post,
    "transports.texts": Town._refuse_texts,
    "transports.room": Town._refuse_room,
}
WAYS_IN = tuple(_COMPLAIN)
PARTS = tuple(_REFUSE)
#: Whoever complains by this way needs these parts to be heard, and these to be answered.
HEARD_BY: Mapping[str, frozenset[str]] = {
    by: frozenset({by}) if by in {"bot", "kf", "stream", "pull", "mailbox"} else frozenset() for by in WAYS_IN
}
ANSWERED_BY: Mapping[str, str] = {
    **{by: by for by in WAYS_IN},
    "mailbox": "transports.post",
    "room": "transports.room",
    **dict.fromkeys(("crm", "reports", "pull"), "transports.texts"),
}
