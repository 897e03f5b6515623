"""Consumer complaints of WeChat Pay 微信支付消费者投诉2.0, interface version 3."""

from gateway.channels.transfer.wechat_pay.channel import WeChatPay

__all__ = ["WeChatPay"]
