"""The sandbox in which templates run: plain values in, text out, and one kind of error."""

from __future__ import annotations

import re
import traceback
from collections.abc import Mapping
from typing import TypeAlias

from jinja2 import DictLoader, StrictUndefined, Template, TemplateError, TemplateNotFound, UndefinedError, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.runtime import Context
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import escape

from gateway.errors import RenderError
from gateway.render.filters import filters_of
from gateway.render.views import VIEW_FIELDS, VIEWS

Values: TypeAlias = dict[str, object]

# What a template can raise: its own errors, and those of operators and filters over values of the wrong type.
FAULTS = (TemplateError, TypeError, ValueError, AttributeError, LookupError, ArithmeticError)
_MARKS = re.compile("[&<>'\"]")


class _Code(CodeGenerator):
    """Python of a template that reads a view's field as such and prints by one call, which halves its time.

    Whatever is not a field of the view that bears its name goes through the sandbox all the same.
    """

    def visit_Template(self, node: nodes.Template, frame: Frame | None = None) -> None:  # noqa: N802  Jinja's name
        super().visit_Template(node, frame)
        self.writeline("from gateway.render.views import " + ", ".join(view.__name__ for view in VIEWS.values()))

    def visit_Getattr(self, node: nodes.Getattr, frame: Frame) -> None:  # noqa: N802
        name = node.node.name if isinstance(node.node, nodes.Name) else ""
        view = VIEWS.get(name)
        if view is None or node.attr not in VIEW_FIELDS[view]:
            super().visit_Getattr(node, frame)
            return
        value = frame.symbols.ref(name)
        self.write(f"({value}.{node.attr} if type({value}) is {view.__name__} else ")
        super().visit_Getattr(node, frame)
        self.write(")")

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: CodeGenerator._FinalizeInfo) -> None:
        if frame.eval_ctx.volatile:
            super()._output_child_pre(node, frame, finalize)
        else:
            self.write("environment.escaped(" if frame.eval_ctx.autoescape else "environment.printed(")

    def _output_child_post(self, node: nodes.Expr, frame: Frame, finalize: CodeGenerator._FinalizeInfo) -> None:
        if frame.eval_ctx.volatile:
            super()._output_child_post(node, frame, finalize)
        else:
            self.write(")")


class _Environment(SandboxedEnvironment):
    """The sandbox, narrowed: of a view only its fields, of a mapping only its keys can be read."""

    code_generator_class = _Code

    def getattr(self, obj: object, attribute: str) -> object:
        fields = VIEW_FIELDS.get(type(obj))
        if fields is not None:
            return getattr(obj, attribute) if attribute in fields else self.undefined(obj=obj, name=attribute)
        if isinstance(obj, Mapping):
            return obj[attribute] if attribute in obj else self.undefined(obj=obj, name=attribute)
        return super().getattr(obj, attribute)

    @staticmethod
    def printed(value: object) -> str:
        """A value as text shows it."""
        return value if type(value) is str else str(_no_blank(value))

    @staticmethod
    def escaped(value: object) -> str:
        """A value as HTML shows it."""
        return value if type(value) is str and not _MARKS.search(value) else escape(_no_blank(value))


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
    """What `Template.render` does, but over `values` as they are: no globals, and nothing to merge."""
    context = Context(template.environment, values, template.name, template.blocks)
    try:
        return "".join(template.root_render_func(context))
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
