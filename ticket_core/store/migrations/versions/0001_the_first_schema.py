"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    # the tables of ticket_core.store.schema
    op.create_table(
        "access",
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), server_default="", nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("role", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_access")),
    )
    op.create_table(
        "account",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), server_default="", nullable=False),
        sa.Column("doc", sa.Text(), server_default="", nullable=False),
        sa.Column("password_hash", sa.Text(), server_default="", nullable=False),
        sa.Column("active", sa.SmallInteger(), server_default="1", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_account")),
    )
    op.create_table(
        "blob",
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_blob")),
    )
    op.create_table(
        "complaint",
        sa.Column("ticket_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), server_default="", nullable=False),
        sa.Column("channel", sa.Text(), server_default="", nullable=False),
        sa.Column("lodged_at", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), server_default="", nullable=False),
        sa.Column("inbound_id", sa.BigInteger(), nullable=True),
        sa.Column("counts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("text", sa.Text(), server_default="", nullable=False),
        sa.Column("doc", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("ticket_id", "seq", name=op.f("pk_complaint")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "contact",
        sa.Column("who", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("lodged_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("counts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("channel", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("who", "lodged_at", "ticket_id", "seq", name=op.f("pk_contact")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "counter",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("next", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counter")),
    )
    op.create_table(
        "cursor",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("channel", "name", name=op.f("pk_cursor")),
    )
    op.create_table(
        "delivery",
        sa.Column("notice_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), server_default="", nullable=False),
        sa.Column("provider_id", sa.Text(), server_default="", nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.Column("kind", sa.Text(), server_default="try", nullable=False),
        sa.Column("part", sa.Text(), server_default="", nullable=False),
        sa.Column("parts", sa.Integer(), server_default="1", nullable=False),
        sa.Column("wait", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("notice_id", "seq", name=op.f("pk_delivery")),
    )
    op.create_table(
        "event",
        sa.Column("ticket_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), server_default="", nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), server_default="", nullable=False),
        sa.Column("data", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("ticket_id", "seq", name=op.f("pk_event")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "inbound",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("channel", sa.Text(), server_default="", nullable=False),
        sa.Column("source_key", sa.Text(), nullable=True),
        sa.Column("sha256", sa.Text(), server_default="", nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.Text(), server_default="", nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("actor", sa.Text(), server_default="", nullable=False),
        sa.Column("raw_type", sa.Text(), server_default="", nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbound")),
    )
    with op.batch_alter_table("inbound", schema=None) as batch_op:
        batch_op.create_index(
            "uq_inbound_source_key",
            ["source_key"],
            unique=True,
            sqlite_where=sa.text("source_key IS NOT NULL"),
            postgresql_where=sa.text("source_key IS NOT NULL"),
        )

    op.create_table(
        "linked",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("person", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_linked")),
    )
    with op.batch_alter_table("linked", schema=None) as batch_op:
        batch_op.create_index("ix_linked_person", ["person"], unique=False)

    op.create_table(
        "meta",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_meta")),
    )
    op.create_table(
        "notice",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("event_seq", sa.Integer(), nullable=False),
        sa.Column("notice", sa.Text(), server_default="", nullable=False),
        sa.Column("role", sa.Text(), server_default="", nullable=False),
        sa.Column("medium", sa.Text(), server_default="", nullable=False),
        sa.Column("address", sa.Text(), server_default="", nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("locale", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.Text(), server_default="queued", nullable=False),
        sa.Column("due", sa.SmallInteger(), server_default="1", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("send_at", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("epoch", sa.Integer(), server_default="0", nullable=False),
        sa.Column("transport", sa.Text(), server_default="", nullable=False),
        sa.Column("provider_id", sa.Text(), server_default="", nullable=False),
        sa.Column("cause", sa.Text(), server_default="", nullable=False),
        sa.Column("template_version", sa.Text(), server_default="", nullable=False),
        sa.Column("rendered", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
    )
    with op.batch_alter_table("notice", schema=None) as batch_op:
        batch_op.create_index(
            "ix_notice_address",
            ["address", "created_at"],
            unique=False,
            sqlite_where=sa.text("due = 0 AND state <> 'suppressed'"),
            postgresql_where=sa.text("due = 0 AND state <> 'suppressed'"),
        )
        batch_op.create_index(
            "ix_notice_due",
            ["medium", "send_at", "id"],
            unique=False,
            sqlite_where=sa.text("due = 1"),
            postgresql_where=sa.text("due = 1"),
        )
        batch_op.create_index(
            "ix_notice_provider_id",
            ["provider_id"],
            unique=False,
            sqlite_where=sa.text("provider_id <> ''"),
            postgresql_where=sa.text("provider_id <> ''"),
        )
        batch_op.create_index("ix_notice_ticket_id", ["ticket_id"], unique=False)

    op.create_table(
        "stray_receipt",
        sa.Column("provider_id", sa.Text(), nullable=False),
        sa.Column("part", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("parts", sa.Integer(), server_default="1", nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("provider_id", "part", "status", "detail", name=op.f("pk_stray_receipt")),
    )
    op.create_table(
        "ticket",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("profile", sa.Text(), server_default="", nullable=False),
        sa.Column("kind", sa.Text(), server_default="", nullable=False),
        sa.Column("grade", sa.Text(), server_default="", nullable=False),
        sa.Column("priority", sa.Text(), server_default="", nullable=False),
        sa.Column("status", sa.Text(), server_default="", nullable=False),
        sa.Column("stage", sa.Text(), server_default="", nullable=False),
        sa.Column("open", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("channel", sa.Text(), server_default="", nullable=False),
        sa.Column("source_body", sa.Text(), server_default="", nullable=False),
        sa.Column("source_case", sa.Text(), server_default="", nullable=False),
        sa.Column("grp", sa.Text(), server_default="", nullable=False),
        sa.Column("assignee", sa.Text(), server_default="", nullable=False),
        sa.Column("triage", sa.Text(), server_default="", nullable=False),
        sa.Column("subject", sa.Text(), server_default="", nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("lodged_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("doc", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket")),
    )
    with op.batch_alter_table("ticket", schema=None) as batch_op:
        batch_op.create_index(
            "ix_ticket_assignee",
            ["assignee", "id"],
            unique=False,
            sqlite_where=sa.text("assignee <> ''"),
            postgresql_where=sa.text("assignee <> ''"),
        )
        batch_op.create_index(
            "ix_ticket_grp",
            ["grp", "id"],
            unique=False,
            sqlite_where=sa.text("open = 1"),
            postgresql_where=sa.text("open = 1"),
        )
        batch_op.create_index(
            "ix_ticket_source_case",
            ["source_case"],
            unique=False,
            sqlite_where=sa.text("source_case <> ''"),
            postgresql_where=sa.text("source_case <> ''"),
        )
        batch_op.create_index(
            "ix_ticket_triage",
            ["id"],
            unique=False,
            sqlite_where=sa.text("triage <> ''"),
            postgresql_where=sa.text("triage <> ''"),
        )

    op.create_table(
        "timer",
        sa.Column("ticket_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=True),
        sa.Column("met_at", sa.BigInteger(), nullable=True),
        sa.Column("cancelled_at", sa.BigInteger(), nullable=True),
        sa.Column("provisional", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("doc", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("ticket_id", "name", name=op.f("pk_timer")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("timer", schema=None) as batch_op:
        batch_op.create_index(
            "ix_timer_next_at",
            ["next_at"],
            unique=False,
            sqlite_where=sa.text("next_at IS NOT NULL"),
            postgresql_where=sa.text("next_at IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_timer_provisional",
            ["ticket_id"],
            unique=False,
            sqlite_where=sa.text("provisional = 1"),
            postgresql_where=sa.text("provisional = 1"),
        )


def downgrade() -> None:
    # the tables of ticket_core.store.schema
    with op.batch_alter_table("timer", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_timer_provisional",
            sqlite_where=sa.text("provisional = 1"),
            postgresql_where=sa.text("provisional = 1"),
        )
        batch_op.drop_index(
            "ix_timer_next_at",
            sqlite_where=sa.text("next_at IS NOT NULL"),
            postgresql_where=sa.text("next_at IS NOT NULL"),
        )

    op.drop_table("timer")
    with op.batch_alter_table("ticket", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_ticket_triage", sqlite_where=sa.text("triage <> ''"), postgresql_where=sa.text("triage <> ''")
        )
        batch_op.drop_index(
            "ix_ticket_source_case",
            sqlite_where=sa.text("source_case <> ''"),
            postgresql_where=sa.text("source_case <> ''"),
        )
        batch_op.drop_index("ix_ticket_grp", sqlite_where=sa.text("open = 1"), postgresql_where=sa.text("open = 1"))
        batch_op.drop_index(
            "ix_ticket_assignee", sqlite_where=sa.text("assignee <> ''"), postgresql_where=sa.text("assignee <> ''")
        )

    op.drop_table("ticket")
    op.drop_table("stray_receipt")
    with op.batch_alter_table("notice", schema=None) as batch_op:
        batch_op.drop_index("ix_notice_ticket_id")
        batch_op.drop_index(
            "ix_notice_provider_id",
            sqlite_where=sa.text("provider_id <> ''"),
            postgresql_where=sa.text("provider_id <> ''"),
        )
        batch_op.drop_index("ix_notice_due", sqlite_where=sa.text("due = 1"), postgresql_where=sa.text("due = 1"))
        batch_op.drop_index(
            "ix_notice_address",
            sqlite_where=sa.text("due = 0 AND state <> 'suppressed'"),
            postgresql_where=sa.text("due = 0 AND state <> 'suppressed'"),
        )

    op.drop_table("notice")
    op.drop_table("meta")
    with op.batch_alter_table("linked", schema=None) as batch_op:
        batch_op.drop_index("ix_linked_person")

    op.drop_table("linked")
    with op.batch_alter_table("inbound", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_inbound_source_key",
            sqlite_where=sa.text("source_key IS NOT NULL"),
            postgresql_where=sa.text("source_key IS NOT NULL"),
        )

    op.drop_table("inbound")
    op.drop_table("event")
    op.drop_table("delivery")
    op.drop_table("cursor")
    op.drop_table("counter")
    op.drop_table("contact")
    op.drop_table("complaint")
    op.drop_table("blob")
    op.drop_table("account")
    op.drop_table("access")
