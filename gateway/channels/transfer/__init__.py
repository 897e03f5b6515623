"""Cases that a forwarding body 转办来源 sends: pushed, in sheets, in a folder; and the steps that go back to it."""

from gateway.channels.transfer.channel import Transfer

__all__ = ["Transfer"]
