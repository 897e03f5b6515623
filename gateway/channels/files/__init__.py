"""Voicemail, fax and scans 留言、传真、扫描件: each file is a ticket for a person to listen to or read."""

from gateway.channels.files.channel import Files

__all__ = ["Files"]
