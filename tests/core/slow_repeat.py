"""The repeat rule as the contract words it (section 5): plain lists, every pair compared, nothing remembered twice."""

from __future__ import annotations

from dataclasses import dataclass, field

WINDOW = 4 * 3600
SHARED = "phone:+862810086000"


@dataclass(frozen=True, kw_only=True)
class Said:
    """One input of a history. `lodged` and `received` are seconds; `about` is the place of an input it quotes."""

    identities: tuple[str, ...]
    lodged: int
    received: int
    channel: str = "web"
    kind: str = "complaint"
    service_number: str = ""
    matter: str = ""  # category and respondent
    text: str = ""
    anonymous: bool = False
    visit: bool = False
    answered: bool = False  # on the phone, at once
    automatic: bool = False
    about: int | None = None
    reply: bool = False  # `about` is proven by a token: a supplement


@dataclass(kw_only=True)
class SlowTicket:
    """What is known of a ticket: its statements by their place in the history, who belongs to it, how it stands."""

    first: Said
    open: bool
    statements: list[int] = field(default_factory=list)
    belongs: list[str] = field(default_factory=list)
    grievance: bool = False
    by_repeat: bool = False
    repeats: list[set[int]] = field(default_factory=list)  # each link: the tickets that it may lead to


@dataclass(kw_only=True)
class Slow:
    """A history as it comes in. `linked` are groups of identities that an agent has joined."""

    linked: list[list[str]]
    said: list[Said] = field(default_factory=list)
    tickets: list[SlowTicket] = field(default_factory=list)
    where: list[int | None] = field(default_factory=list)  # the ticket of each input
    outcomes: list[str] = field(default_factory=list)
    counting: list[int] = field(default_factory=list)  # places of the complaints that count

    def take(self, one: Said) -> None:
        """The next input arrives."""
        place = len(self.said)
        self.said.append(one)
        self.where.append(None)
        if one.automatic:
            self.outcomes.append("automatic")
            return
        quoted = None if one.about is None else self.where[one.about]
        if one.reply and quoted is not None and self._is_theirs(one, self.tickets[quoted]):
            self.tickets[quoted].statements.append(place)
            self.where[place] = quoted
            self.outcomes.append("appended")
            return
        counts = one.kind == "complaint" and not one.anonymous and bool(self._names(one.identities))
        others = [other for other in self.counting if counts and self._same_person(one, self.said[other])]
        before = [other for other in others if 0 <= one.lodged - self.said[other].lodged <= WINDOW]
        behind = [other for other in others if 0 < self.said[other].lodged - one.lodged <= WINDOW]
        mine = self._ticket_it_is_about(one, quoted, bool(before))
        joined = mine is not None
        if mine is None:
            mine = self._open(one)
        ticket = self.tickets[mine]
        ticket.statements.append(place)
        ticket.belongs += one.identities
        self.where[place] = mine
        if counts:
            self.counting.append(place)
        if one.visit and one.kind == "complaint":
            ticket.grievance = True
        in_it = joined and any(self.where[other] == mine for other in behind)
        if before and not joined:
            latest = max(self.said[other].lodged for other in before)
            ticket.repeats.append({self.where[other] or 0 for other in before if self.said[other].lodged == latest})
        if before or in_it:
            self._escalate(ticket)
        for other in behind:
            stored = self.tickets[self.where[other] or 0]
            if stored is not ticket and not stored.by_repeat and not stored.repeats:
                stored.repeats.append({mine})
                self._escalate(stored)
        self.outcomes.append("repeated" if before or in_it else "appended" if joined else "opened")

    def _open(self, one: Said) -> int:
        self.tickets.append(SlowTicket(first=one, open=not one.answered))
        return len(self.tickets) - 1

    def _escalate(self, ticket: SlowTicket) -> None:
        ticket.by_repeat = ticket.by_repeat or not ticket.grievance
        ticket.grievance = True

    def _names(self, identities: tuple[str, ...] | list[str]) -> list[str]:
        """Strong identities with those linked to them; a shared number is none."""
        own = [key for key in identities if key != SHARED]
        return own + [other for group in self.linked for other in group if any(key in group for key in own)]

    def _same_person(self, one: Said, other: Said) -> bool:
        return any(key in self._names(one.identities) for key in other.identities if key != SHARED)

    def _is_theirs(self, one: Said, ticket: SlowTicket) -> bool:
        return ticket.open and any(key in self._names(one.identities) for key in ticket.belongs)

    def _ticket_it_is_about(self, one: Said, quoted: int | None, repeats: bool) -> int | None:
        """The open ticket of that person that it concerns; without a repeat only one it quotes."""
        if one.answered:
            return None
        for place in reversed(range(len(self.tickets))):
            if place == quoted and self._may_join(one, self.tickets[place], proven=one.reply):
                return place
        for place in reversed(range(len(self.tickets))):
            ticket = self.tickets[place]
            same = (
                (one.service_number and one.service_number == ticket.first.service_number)
                or (one.matter and one.matter == ticket.first.matter)
                or one.text == ticket.first.text
            )
            if repeats and same and ticket.first.kind == "complaint" and self._may_join(one, ticket, proven=False):
                return place
        return None

    def _may_join(self, one: Said, ticket: SlowTicket, *, proven: bool) -> bool:
        return self._is_theirs(one, ticket) and (proven or not (one.anonymous or ticket.first.anonymous))
