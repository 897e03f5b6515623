"""A slow, obvious reading of conversations (contract, section 5.1): what one person says, and what becomes of it.

It keeps apart what the real one keeps in one row: the question that waits, the complaint that is being made, and the
ticket that further words belong to. It knows no database, no identity and no repeat rule: "new" is opened or repeated.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

FINISHED = ("closed", "withdrawn")
DAY, QUARTER, MINUTE, TEN_MINUTES = (
    timedelta(days=1),
    timedelta(minutes=15),
    timedelta(minutes=1),
    timedelta(minutes=10),
)
Question = Literal["", "kind", "text", "contact", "files", "confirm", "withdraw"]


@dataclass(kw_only=True)
class Matter:
    """A ticket as its person knows it."""

    stage: str = "received"
    said: list[str] = field(default_factory=list)
    urges: int = 0
    rating: int | None = None


@dataclass(frozen=True, kw_only=True)
class Words:
    """One message: a command (pressed or typed) and what stands behind it, or words; `about` is a ticket it names."""

    name: str
    at: datetime
    command: str = ""
    pressed: bool = False
    text: str = ""
    files: int = 0
    contact: bool = False
    kind: bool = False
    about: int | None = None
    score: int | None = None
    revises: str = ""
    deleted: bool = False

    @property
    def empty(self) -> bool:
        """Nothing that could be kept."""
        return not self.text and not self.files


@dataclass(frozen=True, kw_only=True)
class Heard:
    """What became of a message: on which ticket it had an effect."""

    what: Literal["new", "appended", "automatic", "duplicate"]
    matter: int | None = None


@dataclass(kw_only=True)
class Talk:
    """One person and us."""

    matters: list[Matter] = field(default_factory=list)
    question: Question = ""
    making: int | None = None  # the complaint that is being made, not handed in yet
    current: int | None = None  # what further words belong to
    leaving: int | None = None  # whose withdrawal waits for a yes
    asked: int = 0
    due: datetime | None = None  # when what is being made is handed in as it is
    last_word: datetime | None = None
    added_at: datetime | None = None
    told: int = 0
    told_from: datetime | None = None
    notices: list[tuple[datetime, str, int]] = field(default_factory=list)
    sent: int = 0  # of these
    seen: dict[str, Heard] = field(default_factory=dict)
    statements: dict[str, int] = field(default_factory=dict)  # messages that are kept with a ticket
    replies: list[str] = field(default_factory=list)

    # --- What happens

    def hear(self, words: Words) -> Heard:
        """The person says something, or the platform says it again."""
        if words.name in self.seen:
            return Heard(what="duplicate", matter=self.seen[words.name].matter)
        if words.revises in self.statements:
            matter = self.statements[words.revises]
            if not words.deleted:
                self._keep(words, matter)
                if self.question == "confirm" and matter == self.making:
                    self._ask("confirm", words.at)
                    self._reply("confirm", words.at)
            heard = Heard(what="appended", matter=matter)
        elif words.revises and words.empty:
            heard = Heard(what="automatic")
        else:
            heard = self._listen(words)
        self.seen[words.name] = heard
        return heard

    def _listen(self, words: Words) -> Heard:
        heard, reply = self._turn(words)
        self.last_word = max(self.last_word or words.at, words.at)
        if reply:
            self._reply(reply, words.at)
        return heard

    def agent(self, matter: int, stage: str, at: datetime) -> None:
        """Somebody of the house answers or closes."""
        self.matters[matter].stage = stage
        self._notice({"answered": "answer", "closed": "closing"}[stage], matter, at)

    def send(self) -> None:
        """All that is owed has been sent."""
        self.sent = len(self.notices)

    def pass_by(self, now: datetime) -> None:
        """The clock looks: what was left is handed in."""
        if self.due is None or self.due > now:
            return
        if self.making is not None:
            self._hand_in(now)
        self._rest()

    # --- Talking

    def _turn(self, words: Words) -> tuple[Heard, str]:
        match words.command:
            case "help":
                return self._nothing("welcome")
            case "stop":
                return self._nothing("")
            case "status":
                mine = self.matters if words.about is None else self.matters[words.about : words.about + 1]
                return self._nothing("status" if mine else "not_found")
            case "new":
                return self._new(words)
            case "urge":
                return self._urge(words)
            case "add":
                return self._add(words)
            case "rate":
                return self._rate(words)
            case "withdraw":
                return self._withdraw(words)
            case "skip" | "confirm" | "cancel":
                return self._yes_or_no(words)
        return self._say(words)

    def _say(self, words: Words) -> tuple[Heard, str]:
        if words.kind:  # a button with a kind
            if self.question not in ("kind", "text"):
                return self._nothing("welcome")
            self._ask("text", words.at)
            return self._nothing("ask_text")
        match self.question:
            case "kind" | "text":
                if words.empty or words.command:  # a yes or a no is not what happened
                    self._ask("text", words.at)
                    return self._nothing("ask_text")
                heard = self._open(words, "draft")
                self._ask("files" if words.contact else "contact", words.at)
                return heard, f"ask_{self.question}"
            case "contact":
                heard = self._keep(words, self.making)
                if words.contact or self.asked:
                    self._ask("files", words.at)
                    return heard, "ask_files"
                self._ask("contact", words.at)
                self.asked = 1
                return heard, "ask_contact_again"
            case "files":
                self.due = words.at + QUARTER
                return self._keep(words, self.making), self._once_a_minute("kept", words.at)
            case "confirm":
                self._ask("confirm", words.at)
                return self._keep(words, self.making), "confirm"
        if self.question == "withdraw":
            self._back(words.at)
        rated = self._asked_to_rate()
        if words.score is not None and rated is not None:
            return self._mark(rated, words.score, words.at)
        if self.making is not None:
            return self._keep(words, self.making), self._once_a_minute("added", words.at)
        if self._still_talking(words.at):
            return self._keep(words, self.current), self._once_a_minute("added", words.at)
        if words.score is not None:  # nobody asked for it
            return self._nothing("welcome")
        return self._open(words, "received"), ""

    def _new(self, words: Words) -> tuple[Heard, str]:
        if self.making is not None:  # one after the other
            self._ask("confirm", words.at)
            return self._nothing("unfinished")
        self._rest()
        if words.pressed and not words.empty:  # what is typed is the command alone
            return self._open(words, "received"), ""
        self.current = None
        self._ask("kind", words.at)
        return self._nothing("ask_kind")

    def _urge(self, words: Words) -> tuple[Heard, str]:
        matter = self._meant(words, lambda one: one.stage not in (*FINISHED, "draft"))
        if matter is None:
            return self._nothing("not_found")
        if self.matters[matter].stage != "received":
            return self._nothing("not_now")
        self.matters[matter].urges += 1
        return Heard(what="appended", matter=matter), "urged"

    def _add(self, words: Words) -> tuple[Heard, str]:
        matter = self._meant(words, lambda one: one.stage not in (*FINISHED, "draft"))
        if matter is None or self.matters[matter].stage in FINISHED:
            return self._nothing("not_found")
        if words.empty:
            if self.making is not None and matter != self.making:
                self._ask("confirm", words.at)
                return self._nothing("unfinished")
            self.current = matter
            return self._nothing("ask_more")
        if self.making is None:
            self.current = matter
        return self._keep(words, matter), self._once_a_minute("added", words.at)

    def _rate(self, words: Words) -> tuple[Heard, str]:
        matter = self._asked_to_rate() if words.about is None else None
        if matter is None:
            matter = self._meant(words, lambda one: one.stage in ("answered", "closed"))
        if matter is None:
            return self._nothing("not_found")
        if words.score is None:
            return self._nothing("ask_rating")
        return self._mark(matter, words.score, words.at)

    def _mark(self, matter: int, score: int, at: datetime) -> tuple[Heard, str]:
        if self.matters[matter].stage not in ("answered", "closed"):
            return self._nothing("not_now")
        self.matters[matter].rating = score
        self._back(at)
        return Heard(what="appended", matter=matter), "rated"

    def _withdraw(self, words: Words) -> tuple[Heard, str]:
        matter = self._meant(words, lambda one: one.stage not in (*FINISHED, "draft"))
        if matter is None:
            return self._nothing("not_found")
        self.question, self.leaving = "withdraw", matter
        return self._nothing("ask_withdraw")

    def _yes_or_no(self, words: Words) -> tuple[Heard, str]:
        command, at = words.command, words.at
        if command == "skip":
            following: dict[Question, Question] = {
                "contact": "files", "files": "confirm", "confirm": "confirm", "kind": "text"
            }  # fmt: skip
            if self.question in following:
                self._ask(following[self.question], at)
                return self._nothing("confirm" if self.question == "confirm" else f"ask_{self.question}")
        elif self.question == "withdraw":
            matter, self.leaving = self.leaving, None
            assert matter is not None
            if command == "confirm" and self.matters[matter].stage in FINISHED:
                self.leaving = matter
                return self._nothing("not_now")
            if command == "confirm" and matter == self.making:
                self._rest()
            self._back(at)
            if command == "cancel":
                return self._nothing("kept_open")
            return self._end(matter, at), ""
        elif self.making is not None:
            matter = self.making
            if command == "confirm":
                self._hand_in(at)
                self._rest()
                return Heard(what="appended", matter=matter), ""
            self._rest()
            self.current = None
            return self._end(matter, at), ""
        elif command == "cancel" and self.question:
            self._rest()
            return self._nothing("cancelled")
        return self._nothing("welcome") if words.pressed else self._say(words)

    # --- Steps of the above

    def _nothing(self, reply: str) -> tuple[Heard, str]:
        return Heard(what="automatic"), reply

    def _ask(self, question: Question, at: datetime) -> None:
        self.question, self.asked, self.due = question, 0, at + QUARTER

    def _rest(self) -> None:
        """No question is open, and nothing is being made."""
        self.question, self.leaving, self.asked, self.due, self.making = "", None, 0, None, None

    def _back(self, at: datetime) -> None:
        """No question is open; what is being made is not forgotten."""
        making = self.making
        self._rest()
        if making is not None:
            self.making, self.due = making, at + QUARTER

    def _open(self, words: Words, stage: str) -> Heard:
        self.matters.append(Matter(stage=stage))
        matter = len(self.matters) - 1
        self._keep(words, matter)
        self.current = matter
        if stage == "draft":
            self.making = matter
        else:
            self._notice("acknowledgement", matter, words.at)
        return Heard(what="new", matter=matter)

    def _keep(self, words: Words, matter: int | None) -> Heard:
        assert matter is not None
        self.matters[matter].said.append(words.text)
        self.statements[words.name] = matter
        return Heard(what="appended", matter=matter)

    def _hand_in(self, at: datetime) -> None:
        assert self.making is not None
        matter = self.matters[self.making]
        matter.stage = "received"
        matter.said[0] = next(filter(None, matter.said), "")  # the statement reads as what was handed in
        self._notice("acknowledgement", self.making, at)

    def _end(self, matter: int, at: datetime) -> Heard:
        self.matters[matter].stage = "withdrawn"
        self._notice("withdrawn", matter, at)
        return Heard(what="appended", matter=matter)

    def _still_talking(self, at: datetime) -> bool:
        if self.current is None or self.matters[self.current].stage in FINISHED:
            return False
        newest = max((one[0] for one in self.notices[: self.sent]), default=None)
        last = max(filter(None, (self.last_word, newest)))
        return at - last <= DAY

    def _asked_to_rate(self) -> int | None:
        newest = max(self.notices[: self.sent], default=None)
        return newest[2] if newest is not None and newest[1] in ("answer", "closing") else None

    def _meant(self, words: Words, fits: object) -> int | None:
        if words.about is not None:
            return words.about
        assert callable(fits)
        of_talk = self.making if self.making is not None else self.current
        if of_talk is not None and fits(self.matters[of_talk]):
            return of_talk
        return max((place for place, one in enumerate(self.matters) if fits(one)), default=None)

    def _once_a_minute(self, reply: str, at: datetime) -> str:
        if self.added_at is not None and abs(at - self.added_at) < MINUTE:
            return ""
        self.added_at = at
        return reply

    def _notice(self, name: str, matter: int, at: datetime) -> None:
        self.notices.append((at, name, matter))
        self.replies.append(name)

    def _reply(self, name: str, at: datetime) -> None:
        """No more than twenty in ten minutes: two machines end so."""
        if self.told_from is None or abs(at - self.told_from) > TEN_MINUTES:
            self.told, self.told_from = 0, at
        self.told += 1
        if self.told <= 21:
            self.replies.append(f"chat_{name}" if self.told <= 20 else "chat_slow_down")
