"""Errors of the gateway.

    GatewayError
    ├── ConfigError            the operator's file or environment is wrong; lists every problem
    ├── RenderError            a notice could not be rendered; it is held, never sent blank
    ├── Refused                an input was turned away at the door and its sender told
    └── DeliveryError
        ├── TransientDelivery  try again, not before `retry_after`
        └── PermanentDelivery  never try this address again with this notice

No message of these carries a secret, a token or a full text.
"""

from __future__ import annotations

from datetime import timedelta


class GatewayError(Exception):
    """Base of every error the gateway raises on purpose."""


class ConfigError(GatewayError):
    """The configuration is wrong; `problems` has one line per problem, with file and key."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class RenderError(GatewayError):
    """A notice cannot be rendered with what is known."""

    def __init__(self, notice: str, form: str, reason: str) -> None:
        super().__init__(f"{notice}/{form}: {reason}")
        self.notice = notice
        self.form = form
        self.reason = reason


class Refused(GatewayError):
    """An input is not taken in; `status` is the HTTP status that tells the sender.

    Where a person is told, `kind` names the words for it, with `context` for their placeholders; `field` is what of the
    input is wrong. Without one, the sender is a program and `reason` is enough.
    """

    def __init__(
        self,
        status: int,
        reason: str,
        *,
        retry_after: timedelta | None = None,
        kind: str = "",
        field: str = "",
        **context: object,
    ) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.retry_after = retry_after
        self.kind = kind
        self.field = field
        self.context = context


class DeliveryError(GatewayError):
    """A transport could not hand a notice to its provider."""


class TransientDelivery(DeliveryError):
    """Worth another try; `retry_after` is the provider's own wish where it told one."""

    def __init__(self, reason: str, *, retry_after: timedelta | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after


class PermanentDelivery(DeliveryError):
    """Another try cannot help; `status` is the provider's code, such as ``5.1.1``."""

    def __init__(self, reason: str, *, status: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status
