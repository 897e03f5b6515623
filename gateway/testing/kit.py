"""The conformance kit by the names that authors of adapters use."""

from gateway.testing.channel import ChannelConformance
from gateway.testing.house import House
from gateway.testing.sides import Deliver, http_side, running_channel

__all__ = ["ChannelConformance", "Deliver", "House", "http_side", "running_channel"]
