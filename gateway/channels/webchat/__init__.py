"""Web chat: conversations on pages of our own, taken in by push and answered from the outbox."""

from gateway.channels.webchat.channel import WebChat
from gateway.channels.webchat.settings import WebChatSettings

__all__ = ["WebChat", "WebChatSettings"]
