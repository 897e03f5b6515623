"""An SMS gateway for tests: Debian's Kannel (bearerbox and smsbox) in front of our own short message centre."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from tests.servers.process import free_port, program, running, scratch_folder
from tests.servers.smsc import Smsc, smsc

_CONFIGURATION = """
group = core
admin-port = {admin_port}
admin-interface = 127.0.0.1
admin-password = secret
smsbox-port = {smsbox_port}
smsbox-interface = 127.0.0.1
box-allow-ip = 127.0.0.1
box-deny-ip = *.*.*.*
dlr-storage = internal
sms-resend-freq = 1
sms-resend-retry = 2

group = smsc
smsc = smpp
smsc-id = centre
host = 127.0.0.1
port = {smsc_port}
transceiver-mode = true
smsc-username = gateway
smsc-password = secret
system-type = ""
address-range = ""
reconnect-delay = 1

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {sendsms_port}
sendsms-interface = 127.0.0.1
global-sender = 10690000
mo-recode = true

group = sendsms-user
username = gateway
password = secret
concatenation = true
max-messages = 10

group = sms-service
keyword = default
catch-all = true
max-messages = 0
omit-empty = true
get-url = "{mo_url}"
"""

# What Kannel puts into its MO callback: sender, our number, time in UTC, its own message id, text in UTF-8.
_MO_ARGUMENTS = "from=%p&to=%P&at=%t&id=%I&charset=%C&text=%b"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kannel:
    """A running gateway and the centre behind it.

    POST or GET `sendsms_url` with `arguments` and to, text, coding=2, charset=UTF-8, dlr-mask=31, dlr-url.
    """

    sendsms_url: str
    admin_url: str
    smsc: Smsc
    username: str = "gateway"
    password: str = "secret"

    @property
    def arguments(self) -> dict[str, str]:
        """The sign-in arguments of every request."""
        return {"username": self.username, "password": self.password}


@contextlib.asynccontextmanager
async def kannel(mo_url: str = "http://127.0.0.1:9/nobody") -> AsyncIterator[Kannel]:
    """Run Kannel, bound to a centre of its own; texts from telephones are sent to `mo_url` by GET."""
    bearerbox, smsbox = (program(f"/usr/sbin/{box}", "kannel") for box in ("bearerbox", "smsbox"))
    ports = {name: free_port() for name in ("admin_port", "smsbox_port", "sendsms_port")}
    with scratch_folder("sms") as folder:
        async with smsc() as centre:
            file = folder / "kannel.conf"
            callback = f"{mo_url}{'&' if '?' in mo_url else '?'}{_MO_ARGUMENTS}"
            file.write_text(_CONFIGURATION.format(**ports, smsc_port=centre.port, mo_url=callback))
            children = contextlib.ExitStack()
            try:
                children.enter_context(
                    running([bearerbox, str(file)], log=folder / "bearerbox", port=ports["admin_port"])
                )
                children.enter_context(running([smsbox, str(file)], log=folder / "smsbox", port=ports["sendsms_port"]))
                await centre.wait_until_bound()
                yield Kannel(
                    sendsms_url=f"http://127.0.0.1:{ports['sendsms_port']}/cgi-bin/sendsms",
                    admin_url=f"http://127.0.0.1:{ports['admin_port']}",
                    smsc=centre,
                )
            finally:
                await asyncio.to_thread(children.close)  # it takes leave of the centre, which lives in this loop
