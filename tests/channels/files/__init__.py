"""Voicemail, fax and scans."""
