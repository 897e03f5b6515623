"""What a clock that went ahead put off once it has been set back: else it would wait until the clock is there again."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import exists, or_, update

from ticket_core.store.clock import to_us
from ticket_core.store.schema import awaited_file, conversation, delivery, notice
from ticket_core.store.tx import Tx

_SKEW = timedelta(minutes=1)  # so far the clocks of several machines may differ


def due_again(tx: Tx, now: datetime) -> int:
    """Make due what was written or tried at a moment that is yet to come; returns how many notices and files that were.

    What somebody sends now is left to him. A complaint that was begun has its usual time from now on.
    """
    present, ahead = to_us(now), to_us(now + _SKEW)
    tried = exists().where(delivery.c.notice_id == notice.c.id, delivery.c.at > ahead)
    notices = (
        update(notice)
        .where(notice.c.due == 1, notice.c.state != "sending", notice.c.send_at > present)
        .where(or_(notice.c.created_at > ahead, tried))
        .values(send_at=present)
    )
    files = (
        update(awaited_file)
        .where(awaited_file.c.next_at.is_not(None), awaited_file.c.created_at > ahead)
        .values(next_at=present)
    )
    begun = (
        update(conversation)
        .where(conversation.c.due_at.is_not(None), conversation.c.heard_at > ahead)
        .values(due_at=conversation.c.due_at - conversation.c.heard_at + present, heard_at=present)
    )
    tx.connection.execute(begun)
    return tx.connection.execute(notices).rowcount + tx.connection.execute(files).rowcount
