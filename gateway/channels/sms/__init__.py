"""SMS through any provider that speaks HTTP, described by data: the transport ``sms``, the door ``sms-reports``."""

from gateway.channels.sms.reports import SmsReports, SmsReportsSettings
from gateway.channels.sms.transport import Sms, SmsSettings

__all__ = ["Sms", "SmsReports", "SmsReportsSettings", "SmsSettings"]
