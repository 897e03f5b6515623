"""Where the sample mails come from; `python -m tests.normalize.mail.corpus` writes them as files.

The expectations are written by hand from the standards and from what users of similar systems reported, never from what
the parser says.
"""
