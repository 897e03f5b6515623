"""The parts of an update that we read (https://core.telegram.org/bots/api#update), with their types.

What has another type is not an update: then validation raises. Fields that we do not read may hold anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import ConfigDict, Field, TypeAdapter

_STRICT = ConfigDict(strict=True, extra="ignore")
#: At most 52 significant bits today (documentation of `User.id`); a database keeps 63.
_Id = Annotated[int, Field(gt=-(1 << 63), lt=1 << 63)]
_Time = Annotated[int, Field(ge=0, lt=1 << 33)]  # seconds since 1970
_Degrees = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Who did something."""

    __pydantic_config__ = _STRICT
    id: _Id
    is_bot: bool = False
    first_name: str = ""
    last_name: str = ""

    @property
    def name(self) -> str:
        """As Telegram shows it."""
        return f"{self.first_name} {self.last_name}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """Where it was done: ``private``, ``group``, ``supergroup``, ``channel``."""

    __pydantic_config__ = _STRICT
    id: _Id
    type: str

    @property
    def private(self) -> bool:
        """Whether one person talks with the bot here."""
        return self.type == "private"


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """A photo in one size, document, voice, audio, video, video note or animation."""

    __pydantic_config__ = _STRICT
    file_id: str
    file_name: str = ""
    mime_type: str = ""
    width: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A point."""

    __pydantic_config__ = _STRICT
    latitude: _Degrees
    longitude: _Degrees


@dataclass(frozen=True, slots=True, kw_only=True)
class Venue:
    """A place with a name."""

    __pydantic_config__ = _STRICT
    location: Location
    title: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A card of the address book; with the sender's own `user_id` it was shared by the button for that."""

    __pydantic_config__ = _STRICT
    phone_number: str
    first_name: str = ""
    last_name: str = ""
    user_id: _Id | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message. Of a message of ours that was deleted only chat and id are there, and `date` is 0."""

    __pydantic_config__ = _STRICT
    message_id: _Id
    date: _Time
    chat: Chat
    from_: Annotated[User | None, Field(alias="from")] = None
    edit_date: _Time | None = None
    text: str = ""
    caption: str = ""
    photo: tuple[Media, ...] = ()
    document: Media | None = None
    voice: Media | None = None
    audio: Media | None = None
    video: Media | None = None
    video_note: Media | None = None
    animation: Media | None = None
    location: Location | None = None
    venue: Venue | None = None
    contact: Contact | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """A button that was pressed."""

    __pydantic_config__ = _STRICT
    id: str
    from_: Annotated[User, Field(alias="from")]
    message: Message | None = None
    data: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """What the bot is in a chat: of a private one ``member``, or ``kicked`` when it was blocked."""

    __pydantic_config__ = _STRICT
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """That the bot was blocked or unblocked, or taken into a group or out of it."""

    __pydantic_config__ = _STRICT
    chat: Chat
    from_: Annotated[User, Field(alias="from")]
    date: _Time
    new_chat_member: Member


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """One thing that happened; at most one of these is there, none for what we do not know."""

    __pydantic_config__ = _STRICT
    update_id: _Id
    message: Message | None = None
    edited_message: Message | None = None
    channel_post: Message | None = None
    edited_channel_post: Message | None = None
    callback_query: Press | None = None
    my_chat_member: Membership | None = None


_UPDATE = TypeAdapter(Update)


def read_update(body: bytes) -> Update:
    """The update in these bytes.

    Raises:
        ValueError: it is not one, or not as documented.
    """
    return _UPDATE.validate_json(body)
