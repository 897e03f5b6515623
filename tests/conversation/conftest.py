"""The same conversations on both databases."""

from __future__ import annotations

import pytest

from tests.conversation.talker import Talker
from tests.store.conftest import migrated_postgres, store, url
from ticket_core.store.store import Store

__all__ = ["migrated_postgres", "store", "url"]


@pytest.fixture
def li(store: Store) -> Talker:
    """Somebody who talks with our bot."""
    return Talker(store=store)
