"""One person at a time: identity rows are the lock, and lead to what the person complained about before."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import Connection, select, update

from ticket_core.decide.repeat import Past
from ticket_core.model import Ticket
from ticket_core.store.clock import from_us
from ticket_core.store.rows import ticket_of
from ticket_core.store.schema import contact, identity, ticket
from ticket_core.store.tx import Tx

#: No person has more open tickets and complaints in a window than this; beyond it only the newest are looked at.
_MOST_PER_BATCH = 20_000


@dataclass(slots=True)
class People:
    """The identities of a batch, locked, with their history; grows while the batch goes on."""

    ids: dict[str, int] = field(default_factory=dict)
    linked: dict[str, tuple[str, ...]] = field(default_factory=dict)
    past: dict[str, list[Past]] = field(default_factory=dict)
    tickets: dict[int, Ticket] = field(default_factory=dict)
    tickets_of: dict[str, set[int]] = field(default_factory=dict)

    def same_person(self, keys: Collection[str]) -> tuple[str, ...]:
        """These identities and those an agent has linked with them."""
        return tuple(dict.fromkeys(other for key in keys for other in self.linked.get(key, (key,))))


def lock_people(tx: Tx, keys: Collection[str], window: timedelta, instants: Sequence[int]) -> People:
    """Lock these identities, making those that are new, and load their history around the given instants (µs).

    New identities have none, so a batch of first-time complainants reads nothing.
    """
    people = People()
    wanted = sorted(keys)
    if not wanted:
        return people
    known = _identities(tx.connection, wanted)
    fresh = [key for key in wanted if key not in known]
    if fresh:
        tx.insert(identity, [(tx.next_id("identity"), key, None) for key in fresh], ignore=True)
    # On PostgreSQL this waits for whoever holds the person; what came in between is seen only now.
    seen_before = set(known)
    known = _identities(tx.connection, wanted, lock=True)
    people.ids = {key: row[0] for key, row in known.items()}
    sole_writer = tx.connection.dialect.name == "sqlite"
    old = {row[0]: key for key, row in known.items() if key in seen_before or not sole_writer}
    persons = {row[1] for row in known.values() if row[1] is not None}
    if persons:
        _add_linked(tx.connection, persons, known, old, people)
    if old:
        _load_history(tx.connection, old, people, window, instants)
    return people


def _identities(
    connection: Connection, keys: Sequence[str], *, lock: bool = False
) -> dict[str, tuple[int, int | None]]:
    query = select(identity.c.key, identity.c.id, identity.c.person).where(identity.c.key.in_(keys))
    if lock:
        query = query.order_by(identity.c.key).with_for_update()
    return {key: (row_id, person) for key, row_id, person in connection.execute(query)}


def _add_linked(
    connection: Connection,
    persons: set[int],
    known: Mapping[str, tuple[int, int | None]],
    old: dict[int, str],
    people: People,
) -> None:
    """Identities that an agent has linked with one of ours belong to the same person."""
    query = select(identity.c.key, identity.c.id, identity.c.person).where(identity.c.person.in_(persons))
    groups: dict[int, list[str]] = {}
    for key, row_id, person in connection.execute(query.order_by(identity.c.key).with_for_update()):
        groups.setdefault(person, []).append(key)
        old[row_id] = key
        people.ids[key] = row_id
    for key, (_, own) in known.items():
        if own is not None:
            people.linked[key] = tuple(groups[own])


def _load_history(
    connection: Connection, old: Mapping[int, str], people: People, window: timedelta, instants: Sequence[int]
) -> None:
    """Complaints that could be in a window with one of `instants`, and all open tickets."""
    reach = window // timedelta(microseconds=1)
    first, last = min(instants) - reach, max(instants) + reach
    near = contact.c.lodged_at.between(first, last)
    query = (
        select(
            contact.c.identity_id,
            contact.c.lodged_at.label("said_at"),
            contact.c.seq,
            contact.c.counts,
            contact.c.channel.label("said_on"),
            ticket,
        )
        .join(ticket, ticket.c.id == contact.c.ticket_id)
        .where(contact.c.identity_id.in_(old), near | (ticket.c.open == 1))
        .order_by(contact.c.lodged_at.desc())
        .limit(_MOST_PER_BATCH)
    )
    for row in connection.execute(query):
        key = old[row.identity_id]
        if row.id not in people.tickets:
            people.tickets[row.id] = ticket_of(row)
        people.tickets_of.setdefault(key, set()).add(row.id)
        if row.counts and first <= row.said_at <= last:
            people.past.setdefault(key, []).append(
                Past(
                    ticket_id=row.id,
                    seq=row.seq,
                    lodged_at=from_us(row.said_at),
                    channel=row.said_on,
                    identity=key,
                )
            )


def link_identities(tx: Tx, keys: Collection[str]) -> None:
    """Say that these identities are one person's; all that were linked with any of them before are included."""
    people = lock_people(tx, keys, timedelta(0), [0])
    everyone = sorted({people.ids[key] for key in people.same_person(keys)})
    tx.connection.execute(update(identity).where(identity.c.id.in_(everyone)).values(person=everyone[0]))


def unlink_identity(tx: Tx, key: str) -> None:
    """Take one identity out of its group again."""
    tx.connection.execute(update(identity).where(identity.c.key == key).values(person=None))
