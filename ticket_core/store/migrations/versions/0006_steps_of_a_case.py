"""Steps of one case are told one after the other, found by their channel and the case's number."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_STEPS_DUE = sa.text("role = 'source' AND due = 1")


def upgrade() -> None:
    op.create_index(
        "ix_notice_step",
        "notice",
        ["medium", "address"],
        unique=False,
        sqlite_where=_STEPS_DUE,
        postgresql_where=_STEPS_DUE,
    )
