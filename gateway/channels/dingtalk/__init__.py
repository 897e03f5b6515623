"""DingTalk 钉钉: talks with the robot of an organisation, pushed by HTTP or over a connection of ours, and answered."""

from gateway.channels.dingtalk.channel import DingTalk
from gateway.channels.dingtalk.settings import DingTalkSettings

__all__ = ["DingTalk", "DingTalkSettings"]
