"""Mail out: the transport ``smtp``."""

from gateway.channels.smtp.transport import Smtp, SmtpSettings

__all__ = ["Smtp", "SmtpSettings"]
