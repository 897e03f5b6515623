"""Documents 公文 for forwarding bodies and complainants, written from templates that operators can replace."""

from gateway.documents.of_ticket import Writable, Writer
from gateway.documents.writing import FORMS, MEDIA_TYPES, DocumentError, Documents, check, sample_values, values_of

__all__ = [
    "FORMS",
    "MEDIA_TYPES",
    "DocumentError",
    "Documents",
    "Writable",
    "Writer",
    "check",
    "sample_values",
    "values_of",
]
