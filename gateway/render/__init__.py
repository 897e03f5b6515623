"""Notices: from plain views to subject, text, short and html. Wording lives in `templates/`, never here."""

from gateway.render.check import Problem, check
from gateway.render.filters import masked
from gateway.render.renderer import FORMS, Form, Rendered, Renderer, SmsTemplate
from gateway.render.sample import sample_view
from gateway.render.views import (
    DueView,
    LinkView,
    NoticeView,
    OrganisationView,
    RecipientView,
    TicketView,
)

__all__ = [
    "FORMS",
    "DueView",
    "Form",
    "LinkView",
    "NoticeView",
    "OrganisationView",
    "Problem",
    "RecipientView",
    "Rendered",
    "Renderer",
    "SmsTemplate",
    "TicketView",
    "check",
    "masked",
    "sample_view",
]
