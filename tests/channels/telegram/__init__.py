"""Telegram: the kit, our reading beside python-telegram-bot's own, and a Bot API server that has bad days."""
