"""The sandbox in which templates run: plain values in, text out, and one kind of error."""

from __future__ import annotations

import re
import traceback
from collections.abc import Mapping
from typing import TypeAlias

from jinja2 import DictLoader, StrictUndefined, Template, TemplateError, TemplateNotFound, UndefinedError
from jinja2.sandbox import SandboxedEnvironment

from gateway.errors import RenderError
from gateway.render.filters import filters_of
from gateway.render.views import VIEW_FIELDS

Values: TypeAlias = dict[str, object]

# What a template can raise: its own errors, and those of operators and filters over values of the wrong type.
FAULTS = (TemplateError, TypeError, ValueError, AttributeError, LookupError, ArithmeticError)


class _Environment(SandboxedEnvironment):
    """The sandbox, narrowed: of a view only its fields, of a mapping only its keys can be read."""

    def getattr(self, obj: object, attribute: str) -> object:
        fields = VIEW_FIELDS.get(type(obj))
        if fields is not None:
            return getattr(obj, attribute) if attribute in fields else self.undefined(obj=obj, name=attribute)
        if isinstance(obj, Mapping):
            return obj[attribute] if attribute in obj else self.undefined(obj=obj, name=attribute)
        return super().getattr(obj, attribute)


def environment_of(locale: str, files: dict[str, str]) -> SandboxedEnvironment:
    """The environment of one locale over its `files`; compiled templates stay in memory."""
    environment = _Environment(
        loader=DictLoader(files),
        undefined=StrictUndefined,
        autoescape=lambda name: name is not None and name.endswith(".html.j2"),
        finalize=_no_blank,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
    )
    environment.filters.update(filters_of(locale))
    return environment


def _no_blank(value: object) -> object:
    if value is None:
        raise UndefinedError("a value that is None would have been printed")
    return value


def output_of(template: Template, values: Values, notice: str, form: str) -> str:
    """Renders one template. Raises RenderError when it fails or comes out empty."""
    try:
        output = _joined(template, values).strip()
    except FAULTS as error:
        raise RenderError(notice, form, reason_of(error)) from error
    if not output:
        raise RenderError(notice, form, "came out empty")
    return output


def _joined(template: Template, values: Values) -> str:
    """What `Template.render` does, but over `values` as they are: merging them with globals is slow."""
    try:
        return "".join(template.root_render_func(template.new_context(values, shared=True)))
    except FAULTS:
        template.environment.handle_exception()  # raises again, with the template's own line numbers


def reason_of(error: BaseException) -> str:
    """Where and why a template failed, without any of the values it was given."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == "<template>"]
    line = getattr(error, "lineno", None) or (lines[-1] if lines else None)
    where = f"line {line}: " if line else ""
    match error:
        case TemplateNotFound():
            return f"{where}template {error.name} does not exist"
        case TemplateError():
            return where + re.sub(
                r"'gateway\.render\.views\.(\w+) object'", r"\1", error.message or type(error).__name__
            )
        case _:
            return where + type(error).__name__
