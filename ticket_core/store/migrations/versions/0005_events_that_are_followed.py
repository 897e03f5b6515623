"""An index for what became of tickets, by time."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_FOLLOWED = (
    "kind IN ('accepted', 'answered', 'assigned', 'closed', 'extended', 'refused', 'reopened', 'responded', 'resumed', "
    "'suspended', 'withdrawn')"
)


def upgrade() -> None:
    op.create_index(
        "ix_event_followed",
        "event",
        ["at", "ticket_id", "seq"],
        unique=False,
        sqlite_where=sa.text(_FOLLOWED),
        postgresql_where=sa.text(_FOLLOWED),
    )
