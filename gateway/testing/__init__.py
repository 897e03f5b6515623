"""The conformance kit: what every adapter proves before it is trusted, ours and strangers' alike."""

import pytest

# So that a failing check shows its values, as in any test file.
pytest.register_assert_rewrite(
    "gateway.testing.house",
    "gateway.testing.captured",
    "gateway.testing.adapter",
    "gateway.testing.channel",
    "gateway.testing.door",
    "gateway.testing.written",
    "gateway.testing.sides",
    "gateway.testing.transport",
)
