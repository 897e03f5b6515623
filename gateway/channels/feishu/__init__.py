"""Feishu 飞书 and Lark: talks with the bot of a self-built application, taken in and answered."""

from gateway.channels.feishu.channel import Feishu
from gateway.channels.feishu.settings import FeishuSettings

__all__ = ["Feishu", "FeishuSettings"]
