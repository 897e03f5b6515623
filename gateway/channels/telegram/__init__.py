"""Telegram: private chats with a bot, taken in by webhook or by asking, and answered where they are held."""

from gateway.channels.telegram.channel import Telegram
from gateway.channels.telegram.settings import TelegramSettings

__all__ = ["Telegram", "TelegramSettings"]
