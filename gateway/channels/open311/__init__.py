"""Another city's Open311 endpoint: what it shall do is reported there, and what it says of that comes back."""

from gateway.channels.open311.channel import Open311City

__all__ = ["Open311City"]
