"""What everybody may read is found without looking at everything."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, insert, text

from gateway.web.open311.views import STATE_AFTER
from tests.core.builders import NINE
from ticket_core.store.clock import to_us
from ticket_core.store.followed import FOLLOWED
from ticket_core.store.published import changes
from ticket_core.store.schema import complaint, event, ticket
from ticket_core.store.store import Store
from ticket_core.store.tx import Tx

_MANY = 3_000
_EXPLAIN = {"sqlite": "EXPLAIN QUERY PLAN", "postgresql": "EXPLAIN"}


def test_what_is_told_of_a_ticket_is_what_the_index_holds() -> None:
    assert set(STATE_AFTER) == set(FOLLOWED)


def filled(tx: Tx) -> None:
    """A ticket a minute, each received and answered at once."""
    at = [to_us(NINE + timedelta(minutes=number)) for number in range(_MANY)]
    row: dict[str, Any] = {"version": 1, "channel": "city", "stage": "answered", "doc": "{}"}
    times = ("received_at", "lodged_at", "updated_at")
    tx.connection.execute(
        insert(ticket), [{**row, "id": number, **dict.fromkeys(times, then)} for number, then in enumerate(at, 1)]
    )
    tx.connection.execute(
        insert(complaint),
        [
            {"ticket_id": number, "seq": 1, "channel": "city", "lodged_at": then, "received_at": then}
            for number, then in enumerate(at, 1)
        ],
    )
    tx.connection.execute(
        insert(event),
        [
            {"ticket_id": number, "seq": seq, "kind": kind, "at": then}
            for number, then in enumerate(at, 1)
            for seq, kind in enumerate(("received", "answered"), 1)
        ],
    )
    tx.connection.execute(text("ANALYZE"))


async def test_changes_cost_what_happened_in_their_time_and_no_more(store: Store) -> None:
    await store.run(filled)

    def look(connection: Connection) -> tuple[str, int]:
        query = changes("city", NINE + timedelta(minutes=10), NINE + timedelta(minutes=19), 1_000)
        written = query.compile(connection, compile_kwargs={"literal_binds": True})
        plan = connection.exec_driver_sql(f"{_EXPLAIN[connection.dialect.name]} {written}")
        return "\n".join(str(row) for row in plan), len(connection.execute(query).all())

    plan, found = await store.read(look)
    assert found == 10
    assert "ix_event_followed" in plan, plan
    for word in ("SCAN ", "Seq Scan", "TEMP B-TREE"):
        assert word not in plan, plan
