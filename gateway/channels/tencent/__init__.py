"""WeCom 企业微信 and WeChat 微信: application, bot, 微信客服 and 服务号, taken in and answered."""

from gateway.channels.tencent.account import WeChat
from gateway.channels.tencent.app import WeComApp
from gateway.channels.tencent.bot import WeComBot
from gateway.channels.tencent.service import WeComService

__all__ = ["WeChat", "WeComApp", "WeComBot", "WeComService"]
