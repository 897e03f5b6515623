"""Chats on our own pages: notices that lie ready there and that nobody has fetched."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    unfetched = sa.text("state = 'accepted' AND event_seq > 0 AND medium <> 'email' AND medium <> 'sms'")
    op.create_index(
        "ix_notice_unfetched",
        "notice",
        ["medium", "send_at"],
        unique=False,
        sqlite_where=unfetched,
        postgresql_where=unfetched,
    )
