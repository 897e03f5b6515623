"""Chats on our own pages: the page, the panel for other sites, and the stream by which a page hears of what is said."""
