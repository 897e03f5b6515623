"""Two gateways over one PostgreSQL that are told to read the same mailbox."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from gateway.channels.email import EmailSettings
from tests.channels.email.desk import mail, open_desk
from tests.servers.dovecot import Dovecot


async def test_each_mail_has_one_effect_whoever_reads_it(
    postgres_url: str, mailbox: Callable[..., EmailSettings], imap_server: Dovecot
) -> None:
    async with (
        open_desk(postgres_url) as one,
        open_desk(postgres_url) as other,
        one.running(mailbox()) as here,
        other.running(mailbox()) as there,
    ):
        await one.connected()
        await one.until(lambda: here.reason == there.reason == "")
        for number in range(6):
            imap_server.deliver(mail(f"第{number}封", sender=f"a{number}@example.com", subject=f"第{number}封"))
        await one.until(lambda: one.received >= 6 and other.received >= 6)
        assert Counter(line.outcome for line in await one.lines(6)) == {"opened": 6}
        assert len(await one.notified()) == 6
        assert (here.why, there.why) == ("", "")
