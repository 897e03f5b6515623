"""WeChat Pay's complaints in the test's own event loop: signatures both ways, codes, limits and bad days as theirs.

Written after https://pay.weixin.qq.com/doc/v3/merchant/4012533431 (complaints), …/4012533439 (history),
…/4012365342 and …/4013053249 (signatures), …/4012081709 (codes).
"""

from __future__ import annotations

import asyncio
import base64
import functools
import json
import re
import secrets
import tempfile
import time
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from aiohttp import web
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.message import Raw
from gateway.testing.loopback import Loopback, hang_up, listening

JSON = dict[str, Any]
MERCHANT, SERIAL = "1900000001", "5157F09EFDC096DE15EBE81A47057A7232F1B8E1"
KEY_ID, OLD_KEY_ID = "PUB_KEY_ID_0119000000012024101100397200000006", "PUB_KEY_ID_0000000000000024101100397200000001"
API_KEY = "synthetic-apiv3-key-32-bytes-lng"
Fault = Literal["busy", "broken", "unsigned", "probing", "silent", "locked", "missing", "dropped"]
_AUTHORIZATION = re.compile(r'(\w+)="([^"]*)"')
_PKCS, _SHA = padding.PKCS1v15(), hashes.SHA256()


@dataclass(frozen=True, slots=True)
class Keys:
    """The merchant's key and two of the platform's: the one in use and the one before."""

    merchant: rsa.RSAPrivateKey
    platform: Mapping[str, rsa.RSAPrivateKey]
    folder: Path

    def settings(self, **more: Any) -> JSON:
        """What an operator writes."""
        return {
            "source": "wechat-pay",
            "merchant": MERCHANT,
            "serial": SERIAL,
            "private_key": self.folder / "merchant.pem",
            "api_key": API_KEY,
            "platform_keys": {name: self.folder / f"{name}.pem" for name in self.platform},
            "api_url": "http://127.0.0.1:9",
            "timeout": 1,
            **more,
        }


@functools.cache
def keys() -> Keys:
    """Made once for all tests of a process."""
    folder = Path(tempfile.mkdtemp(prefix="wechat-pay-"))
    made = [rsa.generate_private_key(65537, 2048) for _ in range(3)]
    pem, none = serialization.Encoding.PEM, serialization.NoEncryption()
    (folder / "merchant.pem").write_bytes(made[0].private_bytes(pem, serialization.PrivateFormat.PKCS8, none))
    for name, key in zip((KEY_ID, OLD_KEY_ID), made[1:], strict=True):
        public = key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
        (folder / f"{name}.pem").write_bytes(public)
    return Keys(made[0], dict(zip((KEY_ID, OLD_KEY_ID), made[1:], strict=True)), folder)


def signed(body: bytes, at: float, key_id: str = KEY_ID, nonce: str = "n0nce") -> dict[str, str]:
    """The headers by which the platform proves a body."""
    stamp = str(int(at))
    signature = keys().platform[key_id].sign(f"{stamp}\n{nonce}\n".encode() + body + b"\n", _PKCS, _SHA)
    return {
        "wechatpay-timestamp": stamp,
        "wechatpay-nonce": nonce,
        "wechatpay-signature": base64.b64encode(signature).decode(),
        "wechatpay-serial": key_id,
    }


def notice(number: str, action: str = "CREATE_COMPLAINT", notice_id: str = "", key: str = API_KEY) -> bytes:
    """The body of a notice about a complaint."""
    said = json.dumps({"complaint_id": number, "action_type": action}).encode()
    sealed = AESGCM(key.encode()).encrypt(b"0123456789ab", said, b"complaint")
    event = "COMPLAINT.CREATE" if action == "CREATE_COMPLAINT" else "COMPLAINT.STATE_CHANGE"
    document = {
        "id": notice_id or f"EV-{number}-{action}",
        "create_time": "2026-03-02T09:29:00+08:00",
        "resource_type": "encrypt-resource",
        "event_type": event,
        "summary": "投诉通知",
        "resource": {
            "algorithm": "AEAD_AES_256_GCM",
            "ciphertext": base64.b64encode(sealed).decode(),
            "nonce": "0123456789ab",
            "associated_data": "complaint",
            "original_type": "complaint",
        },
    }
    return json.dumps(document, ensure_ascii=False).encode()


def pushed(raw: Raw, key_id: str = KEY_ID) -> Raw:
    """The push with its signature, made at `raw.received_at`."""
    return replace(raw, headers={**raw.headers, **signed(raw.body, raw.received_at.timestamp(), key_id)})


def complaint(number: str, **more: Any) -> JSON:
    """One complaint as their page shows it, its telephone number sealed for the merchant."""
    oaep = padding.OAEP(mgf=padding.MGF1(hashes.SHA1()), algorithm=hashes.SHA1(), label=None)
    phone = keys().merchant.public_key().encrypt(str(more.pop("phone", "13800001234")).encode(), oaep)
    return {
        "complaint_id": number,
        "complaint_time": "2026-03-02T09:28:00.120+08:00",
        "complaint_detail": f"{number}：重复扣费",
        "complainted_mchid": MERCHANT,
        "complaint_state": "PENDING",
        "payer_phone": base64.b64encode(phone).decode(),
        "payer_openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o",
        "complaint_order_info": [
            {"transaction_id": "4200000404201909069117582536", "out_trade_no": f"T{number}", "amount": 3}
        ],
        "complaint_full_refunded": False,
        "incoming_user_response": True,
        "problem_description": "不满意商家服务",
        "problem_type": "REFUND",
        "user_complaint_times": 1,
        **more,
    }


@dataclass(slots=True, kw_only=True)
class WeChatPayServer(Loopback):
    """One merchant's complaints by number, what was said about each, and every request that came."""

    complaints: dict[str, JSON] = field(default_factory=dict)
    histories: dict[str, list[JSON]] = field(default_factory=dict)
    told: list[tuple[str, str, JSON]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    fault: Fault | None = None
    fault_of: str = ""  # only requests whose path holds this
    pictures: dict[str, bytes] = field(default_factory=dict)

    def says(self, number: str, kind: str, text: str, at: str = "2026-03-02T10:00:00+08:00", **more: Any) -> None:
        """Somebody adds something to a complaint."""
        entries = self.histories.setdefault(number, [])
        entries.append(
            {
                "log_id": f"{number}{len(entries)}",
                "operator": "投诉人",
                "operate_time": at,
                "operate_type": kind,
                "operate_details": text,
                **more,
            }
        )

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """One call."""
        body = await request.read()
        self.asked.append(f"{request.method} {request.raw_path}")
        if not _is_merchants(request, body):
            return _code(401, "SIGN_ERROR")
        if self.fault and self.fault_of in request.path:
            if self.fault == "dropped":
                self._take(request, body)
                return hang_up(request)
            if self.fault in ("busy", "broken", "silent", "locked", "missing"):
                return await self._on_a_bad_day()
        made = self._take(request, body)
        if self.fault == "unsigned" and self.fault_of in request.path:
            return made
        headers = signed(bytes(made.body or b""), time.time(), nonce=secrets.token_hex(8))  # type: ignore[arg-type]
        if self.fault == "probing" and self.fault_of in request.path:
            headers["wechatpay-signature"] = "WECHATPAY/SIGNTEST/" + headers["wechatpay-signature"][19:]
        made.headers.update(headers)
        return made

    async def _on_a_bad_day(self) -> web.StreamResponse:
        match self.fault:
            case "busy":
                return web.json_response({"code": "FREQUENCY_LIMITED"}, status=429, headers={"Retry-After": "2"})
            case "broken":
                return _code(500, "SYSTEM_ERROR")
            case "locked":
                return _code(403, "NO_AUTH")
            case "missing":
                return _code(404, "RESOURCE_NOT_EXISTS")
        await asyncio.sleep(60)
        return web.Response()

    def _take(self, request: web.Request, body: bytes) -> web.Response:
        _, _, rest = request.path.partition("/complaints-v2")
        if request.path.startswith("/v3/merchant-service/images/"):
            content = self.pictures.get(request.path.rpartition("/")[2])
            return web.Response(body=content, content_type="image/png") if content else _code(404, "NO_SUCH_IMAGE")
        number, _, step = rest.strip("/").partition("/")
        if not number:
            return self._listed(request.query)
        if number not in self.complaints:
            return _code(404, "RESOURCE_NOT_EXISTS")
        one = self.complaints[number]
        if request.method == "GET":
            entries = list(reversed(self.histories.get(number, [])))
            return web.json_response(
                {"data": entries, "limit": 300, "offset": 0, "total_count": len(entries)} if step else one
            )
        said = json.loads(body)
        if said.get("complainted_mchid") != one["complainted_mchid"]:
            return _code(400, "PARAM_ERROR")
        if step == "response":
            if not 0 < len(said["response_content"]) <= 500:
                return _code(400, "PARAM_ERROR")
            self.says(number, "MERCHANT_RESPONSE", said["response_content"], "2026-03-02T11:00:00+08:00")
            one["complaint_state"] = "PROCESSING"
        elif one["complaint_state"] == "PROCESSED":
            return _code(400, "INVALID_REQUEST")
        else:
            one["complaint_state"] = "PROCESSED"
        self.told.append((number, step, said))
        return web.Response(status=204)

    def _listed(self, query: Mapping[str, str]) -> web.Response:
        offset, limit = int(query["offset"]), int(query["limit"])
        if limit > 50 or not query["begin_date"] <= query["end_date"]:
            return _code(400, "PARAM_ERROR")
        page = list(self.complaints.values())[offset : offset + limit]
        return web.json_response({"data": page, "limit": limit, "offset": offset, "total_count": len(self.complaints)})


def _is_merchants(request: web.Request, body: bytes) -> bool:
    scheme, _, marks = request.headers.get("Authorization", "").partition(" ")
    given = dict(_AUTHORIZATION.findall(marks))
    if scheme != "WECHATPAY2-SHA256-RSA2048" or (given.get("mchid"), given.get("serial_no")) != (MERCHANT, SERIAL):
        return False
    said = f"{request.method}\n{request.raw_path}\n{given['timestamp']}\n{given['nonce_str']}\n".encode() + body + b"\n"
    try:
        keys().merchant.public_key().verify(base64.b64decode(given["signature"]), said, _PKCS, _SHA)
    except InvalidSignature:
        return False
    return abs(time.time() - int(given["timestamp"])) < 300


def _code(status: int, code: str) -> web.Response:
    return web.json_response({"code": code, "message": "synthetic"}, status=status)


def wechat_pay_server() -> AbstractAsyncContextManager[WeChatPayServer]:
    """One on a free port."""
    return listening(WeChatPayServer())
