"""Sheets in which steps back to forwarding bodies are reported."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_UNREPORTED = "role = 'source' AND due = 0 AND state IN ('queued', 'failed', 'expired')"


def upgrade() -> None:
    op.create_table(
        "reply_sheet",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("source", sa.Text(), server_default="", nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("form", sa.Text(), server_default="", nullable=False),
        sa.Column("sha256", sa.Text(), server_default="", nullable=False),
        sa.Column("actor", sa.Text(), server_default="", nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("cases", sa.Integer(), server_default="0", nullable=False),
        sa.Column("steps", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reply_sheet")),
    )
    op.create_index("ix_reply_sheet_source", "reply_sheet", ["source", "id"], unique=False)
    op.create_index(
        "ix_notice_unreported",
        "notice",
        ["id"],
        unique=False,
        sqlite_where=sa.text(_UNREPORTED),
        postgresql_where=sa.text(_UNREPORTED),
    )
