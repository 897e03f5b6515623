"""All tables, the same on SQLite and PostgreSQL.

Times are integer microseconds since 1970 UTC: exact, ordered and the same on both. Documents are JSON text, truth
values 0 and 1. Rows that intake writes have sequential keys, so that a large database costs no more than an empty one.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, SmallInteger, Table, Text, text

from ticket_core.store.followed import IS_FOLLOWED

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

#: SQLite makes only a column declared INTEGER its row id.
Key = BigInteger().with_variant(Integer(), "sqlite")


def _text(name: str, default: str = "") -> Column[str]:
    return Column(name, Text, nullable=False, server_default=default)


def _flag(name: str) -> Column[int]:
    return Column(name, SmallInteger, nullable=False, server_default="0")


def _time(name: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable)


#: Next free number of each series; a process takes a block at a time.
counter = Table("counter", metadata, Column("name", Text, primary_key=True), Column("next", BigInteger, nullable=False))

#: Settings of the database itself, such as the secret that signs keys.
meta = Table("meta", metadata, Column("name", Text, primary_key=True), _text("value"))

#: Identities that an agent has said are one person's: those of the same `person`.
linked = Table(
    "linked",
    metadata,
    Column("key", Text, primary_key=True),
    Column("person", BigInteger, nullable=False),
    Index("ix_linked_person", "person"),
)

blob = Table(
    "blob",
    metadata,
    Column("sha256", Text, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("content", LargeBinary, nullable=False),
)

#: The journal of inputs.
inbound = Table(
    "inbound",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=False),
    _text("channel"),
    Column("source_key", Text, nullable=True),
    _text("sha256"),
    _time("received_at"),
    _text("outcome"),
    Column("ticket_id", BigInteger, nullable=True),
    _text("note"),
    _text("actor"),
    _text("raw_type"),
    Column("raw", LargeBinary, nullable=False),
    Index(
        "uq_inbound_source_key",
        "source_key",
        unique=True,
        sqlite_where=text("source_key IS NOT NULL"),
        postgresql_where=text("source_key IS NOT NULL"),
    ),
)

ticket = Table(
    "ticket",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=False),
    Column("version", Integer, nullable=False),
    _text("profile"),
    _text("kind"),
    _text("grade"),
    _text("priority"),
    _text("status"),
    _text("stage"),
    _flag("open"),
    _text("channel"),
    _text("source_body"),
    _text("source_case"),
    _text("grp"),
    _text("assignee"),
    _text("triage"),
    _text("subject"),
    _time("received_at"),
    _time("lodged_at"),
    _time("updated_at"),
    _text("doc"),
    Index("ix_ticket_grp", "grp", "id", sqlite_where=text("open = 1"), postgresql_where=text("open = 1")),
    Index(
        "ix_ticket_assignee",
        "assignee",
        "id",
        sqlite_where=text("assignee <> ''"),
        postgresql_where=text("assignee <> ''"),
    ),
    Index("ix_ticket_triage", "id", sqlite_where=text("triage <> ''"), postgresql_where=text("triage <> ''")),
    Index(
        "ix_ticket_source_case",
        "source_case",
        sqlite_where=text("source_case <> ''"),
        postgresql_where=text("source_case <> ''"),
    ),
)

complaint = Table(
    "complaint",
    metadata,
    Column("ticket_id", BigInteger, primary_key=True, autoincrement=False),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    _text("kind"),
    _text("channel"),
    _time("lodged_at"),
    _time("received_at"),
    _text("actor"),
    Column("inbound_id", BigInteger, nullable=True),
    _flag("counts"),
    _text("text"),
    _text("doc"),
    sqlite_with_rowid=False,
)

#: Which identity stands behind which statement; `counts` is whether the repeat rule counts it. `who` is a 64-bit hash
#: of the identity: whoever reads compares the identity itself with the ticket's.
contact = Table(
    "contact",
    metadata,
    Column("who", BigInteger, primary_key=True, autoincrement=False),
    Column("lodged_at", BigInteger, primary_key=True, autoincrement=False),
    Column("ticket_id", BigInteger, primary_key=True, autoincrement=False),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    _flag("counts"),
    _text("channel"),
    sqlite_with_rowid=False,
)

event = Table(
    "event",
    metadata,
    Column("ticket_id", BigInteger, primary_key=True, autoincrement=False),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    _text("kind"),
    _time("at"),
    _text("actor"),
    _text("data"),
    Index("ix_event_followed", "at", "ticket_id", "seq", sqlite_where=IS_FOLLOWED, postgresql_where=IS_FOLLOWED),
    sqlite_with_rowid=False,
)

timer = Table(
    "timer",
    metadata,
    Column("ticket_id", BigInteger, primary_key=True, autoincrement=False),
    Column("name", Text, primary_key=True),
    _time("due_at"),
    _time("next_at", nullable=True),
    _time("met_at", nullable=True),
    _time("cancelled_at", nullable=True),
    _flag("provisional"),
    _text("doc"),
    Index(
        "ix_timer_next_at",
        "next_at",
        sqlite_where=text("next_at IS NOT NULL"),
        postgresql_where=text("next_at IS NOT NULL"),
    ),
    Index(
        "ix_timer_provisional",
        "ticket_id",
        sqlite_where=text("provisional = 1"),
        postgresql_where=text("provisional = 1"),
    ),
    sqlite_with_rowid=False,
)

#: What is said on a chat channel with one account 会话. `ticket_id` is the ticket that further messages belong to,
#: `step` the question that waits for its answer, `doc` what is answered so far; at `due_at` an unfinished complaint is
#: submitted as it is. `route` is where the platform wants answers until `route_until`.
conversation = Table(
    "conversation",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("ticket_id", BigInteger, nullable=True),
    _text("step"),
    _text("doc"),
    _time("heard_at"),
    _time("told_at", nullable=True),
    _time("due_at", nullable=True),
    _text("route"),
    _time("route_until", nullable=True),
    Index(
        "ix_conversation_due_at",
        "due_at",
        sqlite_where=text("due_at IS NOT NULL"),
        postgresql_where=text("due_at IS NOT NULL"),
    ),
)

#: Attachments whose bytes are still at the provider; gone when they came or never will.
awaited_file = Table(
    "awaited_file",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=False),
    _text("channel"),
    _text("reference"),
    Column("ticket_id", BigInteger, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("place", Integer, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    _time("created_at"),
    _time("next_at", nullable=True),
    _text("problem"),
    Index(
        "ix_awaited_file_next_at",
        "next_at",
        sqlite_where=text("next_at IS NOT NULL"),
        postgresql_where=text("next_at IS NOT NULL"),
    ),
)

#: An uploaded or found sheet of cases, and what became of each of its rows.
imported = Table(
    "imported",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=False),
    _text("channel"),
    _text("source"),
    _text("name"),
    _text("sha256"),
    _text("actor"),
    _time("started_at"),
    _time("finished_at", nullable=True),
    _text("doc"),
)
imported_row = Table(
    "imported_row",
    metadata,
    Column("import_id", BigInteger, primary_key=True, autoincrement=False),
    Column("row", Integer, primary_key=True, autoincrement=False),
    _text("sheet"),
    _text("case_number"),
    _text("outcome"),
    Column("ticket_id", BigInteger, nullable=True),
    _text("detail"),
    sqlite_with_rowid=False,
)

#: Notices that a chat holds ready and nobody has confirmed.
UNFETCHED = "state = 'accepted' AND event_seq > 0 AND medium <> 'email' AND medium <> 'sms'"

#: A file in which steps back to a forwarding body were reported 反馈表; its bytes are a `blob`, what it reported are
#: receipts of the notices (``sheet-ID``).
reply_sheet = Table(
    "reply_sheet",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=False),
    _text("source"),
    _text("name"),
    _text("form"),
    _text("sha256"),
    _text("actor"),
    _time("made_at"),
    Column("cases", Integer, nullable=False, server_default="0"),
    Column("steps", Integer, nullable=False, server_default="0"),
    Index("ix_reply_sheet_source", "source", "id"),
)

#: Steps that their forwarding body has not heard of and that nobody sends any more.
UNREPORTED = text("role = 'source' AND due = 0 AND state IN ('queued', 'failed', 'expired')")
#: Steps back to forwarding bodies that are still to be told.
STEPS_DUE = text("role = 'source' AND due = 1")

#: The outbox. What is owed in a conversation and not because of a ticket has the ticket 0 and tells what it `said`.
#: `due` is 1 while the dispatcher has something to do with it, next at `send_at`: the first try, a retry,
#: or the end of the lease of whoever sends it now, so that work of one who died comes back by itself. `epoch` counts
#: leases.
notice = Table(
    "notice",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=False),
    Column("ticket_id", BigInteger, nullable=False),
    Column("event_seq", Integer, nullable=False),
    _text("notice"),
    _text("role"),
    _text("medium"),
    _text("address"),
    _text("name"),
    _text("locale"),
    _text("state", "queued"),
    Column("due", SmallInteger, nullable=False, server_default="1"),
    _time("created_at"),
    _time("send_at"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("epoch", Integer, nullable=False, server_default="0"),
    _text("transport"),
    _text("provider_id"),
    _text("cause"),
    _text("template_version"),
    _text("rendered"),
    _text("said"),
    Index("ix_notice_due", "medium", "send_at", "id", sqlite_where=text("due = 1"), postgresql_where=text("due = 1")),
    Index("ix_notice_ticket_id", "ticket_id"),
    Index("ix_notice_step", "medium", "address", sqlite_where=STEPS_DUE, postgresql_where=STEPS_DUE),
    Index("ix_notice_unreported", "id", sqlite_where=UNREPORTED, postgresql_where=UNREPORTED),
    # Only what was sent is counted by address, so that intake does not pay for it: addresses come in no order.
    Index(
        "ix_notice_address",
        "address",
        "created_at",
        sqlite_where=text("due = 0 AND state <> 'suppressed'"),
        postgresql_where=text("due = 0 AND state <> 'suppressed'"),
    ),
    Index(
        "ix_notice_provider_id",
        "provider_id",
        sqlite_where=text("provider_id <> ''"),
        postgresql_where=text("provider_id <> ''"),
    ),
    Index("ix_notice_unfetched", "medium", "send_at", sqlite_where=text(UNFETCHED), postgresql_where=text(UNFETCHED)),
)

#: Everything a provider ever said about a notice (`kind` receipt), and every try of ours (try, or held: no words).
#: `part` is the SMS segment a receipt is about, `parts` how many there are; `wait` is what the provider asked for, µs.
delivery = Table(
    "delivery",
    metadata,
    Column("notice_id", BigInteger, primary_key=True, autoincrement=False),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    _time("at"),
    _text("status"),
    _text("provider_id"),
    _text("detail"),
    _text("kind", "try"),
    _text("part"),
    Column("parts", Integer, nullable=False, server_default="1"),
    _time("wait", nullable=True),
)

#: Receipts whose notice is not known yet: the provider was faster than the record of the send, or they are not ours.
stray_receipt = Table(
    "stray_receipt",
    metadata,
    Column("provider_id", Text, primary_key=True),
    Column("part", Text, primary_key=True),
    Column("status", Text, primary_key=True),
    Column("detail", Text, primary_key=True),
    Column("parts", Integer, nullable=False, server_default="1"),
    _time("at"),
)

account = Table(
    "account",
    metadata,
    Column("name", Text, primary_key=True),
    _text("role"),
    _text("doc"),
    _text("password_hash"),
    Column("active", SmallInteger, nullable=False, server_default="1"),
    _time("created_at"),
)

#: Console sessions and API tokens; only the SHA-256 of the secret is kept.
access = Table(
    "access",
    metadata,
    Column("hash", Text, primary_key=True),
    _text("kind"),
    _text("name"),
    _text("role"),
    _time("created_at"),
    _time("expires_at", nullable=True),
)

#: How far a polling channel has read.
cursor = Table(
    "cursor",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    _text("value"),
)
