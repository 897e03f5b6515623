"""Renders notices from plain views to subject, text, short and html; their wording lives in `templates/`."""

from gateway.render.check import Problem, check
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
    "sample_view",
]
