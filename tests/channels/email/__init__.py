"""The e-mail channel, with a real mailbox and real mail servers, in front of the real store."""
