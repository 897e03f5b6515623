"""Mail: raw bytes of a message to a `ParsedMail`, without network, clock or exceptions."""

from gateway.normalize.mail.markup import safe_html
from gateway.normalize.mail.model import Bounce, MailAddress, MailFile, MailLimits, ParsedMail
from gateway.normalize.mail.parse import parse_mail

__all__ = ["Bounce", "MailAddress", "MailFile", "MailLimits", "ParsedMail", "parse_mail", "safe_html"]
