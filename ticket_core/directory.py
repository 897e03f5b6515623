"""Who works here: people with their roles, groups and addresses, as the profile's notify table needs them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import ConfigDict, Field


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who works on tickets. `roles` (agent, handler, supervisor, admin) and `groups` are the profile's.

    `email`, `phone` and `chats` are where notices go; empty ones are left out. A chat is ``NAME:WHOM``: the transport's
    configured name, and whom it writes to or, in a room, calls by name (``duty-room:13800000001``; ``duty-room:`` is
    the room).
    """

    __pydantic_config__ = ConfigDict(extra="forbid")
    name: str
    label: str = ""
    roles: tuple[str, ...] = ("handler",)
    groups: tuple[str, ...] = ()
    email: str = ""
    phone: str = ""
    chats: tuple[Annotated[str, Field(pattern="^[^:]+:")], ...] = ()
    locale: str = "zh-CN"


@dataclass(frozen=True, slots=True)
class Directory:
    """All people, with the look-ups that saving needs made once."""

    people: tuple[Person, ...] = ()
    _handlers: dict[str, tuple[Person, ...]] = field(init=False, repr=False, default_factory=dict)
    _by_name: dict[str, Person] = field(init=False, repr=False, default_factory=dict)
    _by_chat: dict[str, Person] = field(init=False, repr=False, default_factory=dict)
    supervisors: tuple[Person, ...] = field(init=False, default=())

    def __post_init__(self) -> None:
        for person in self.people:
            self._by_name[person.name] = person
            self._by_chat.update({f"chat:{chat}": person for chat in person.chats})
            if "handler" in person.roles:
                for group in person.groups:
                    self._handlers[group] = (*self._handlers.get(group, ()), person)
        object.__setattr__(self, "supervisors", tuple(one for one in self.people if "supervisor" in one.roles))

    def person(self, name: str) -> Person | None:
        """The person of this name."""
        return self._by_name.get(name)

    def by_chat(self, identities: Iterable[str]) -> Person | None:
        """Who has one of these chats."""
        return next((self._by_chat[one] for one in identities if one in self._by_chat), None)

    def handlers(self, group: str) -> tuple[Person, ...]:
        """Who handles the tickets of a group; nobody's group falls to the supervisors, so that somebody is told."""
        return self._handlers.get(group) or self.supervisors
