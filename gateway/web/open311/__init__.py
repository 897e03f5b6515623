"""Open311 GeoReport v2: civic programs list what can be reported, report it, and follow what became of it."""

from gateway.web.open311.channel import Open311

__all__ = ["Open311"]
