"""What came in by a chat: something that somebody said, or something that only stands in the journal."""

from __future__ import annotations

from datetime import UTC, datetime

from gateway.message import Address, File, InboundMessage, Raw, Talk


def spoken(
    channel: str,
    raw: Raw,
    external_id: str,
    account: str,
    at: datetime | None,
    text: str,
    files: tuple[File, ...] = (),
    *,
    name: str = "",
    place: str = "",
    talk: Talk | None = None,
) -> InboundMessage:
    """A message of a conversation."""
    return InboundMessage(
        channel=channel,
        external_id=external_id,
        received_at=raw.received_at,
        raw=raw,
        sender=(Address(medium="chat", value=f"{channel}:{account}", name=name),),
        text=text,
        lodged_at=at,
        attachments=files,
        fields={"place": place} if place else {},
        talk=talk or Talk(account=account),
    )


def noted(channel: str, raw: Raw, external_id: str, marker: str, at: datetime | None = None) -> InboundMessage:
    """What nobody said to us: it stands in the journal and is acknowledged, and that is all."""
    return InboundMessage(
        channel=channel,
        external_id=external_id,
        received_at=raw.received_at,
        raw=raw,
        lodged_at=at,
        automatic=marker,
    )


def moment(seconds: float) -> datetime:
    """A time of the platform's clock."""
    return datetime.fromtimestamp(seconds, UTC)
