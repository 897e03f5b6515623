"""The conformance kit by the names that authors of adapters use."""

from gateway.testing.channel import ChannelConformance
from gateway.testing.house import House
from gateway.testing.provider import BUSY_FOR, Arrived, Fault, Provider, http_provider
from gateway.testing.sides import Deliver, Knock, http_door, http_side, running_channel
from gateway.testing.transport import TransportConformance

__all__ = [
    "BUSY_FOR",
    "Arrived",
    "ChannelConformance",
    "Deliver",
    "Fault",
    "House",
    "Knock",
    "Provider",
    "TransportConformance",
    "http_door",
    "http_provider",
    "http_side",
    "running_channel",
]
