"""Write every sample as `fixtures/NAME.eml` with what is expected of it as `NAME.json`."""

from __future__ import annotations

import json
from pathlib import Path

from tests.normalize.mail.corpus import automatic, chinese, structure

FIXTURES = Path(__file__).parent.parent / "fixtures"


def main() -> None:
    """Overwrite the fixtures of all samples."""
    FIXTURES.mkdir(exist_ok=True)
    for mails in (chinese.MAILS, structure.MAILS, automatic.MAILS):
        for name, (raw, expected) in mails.items():
            (FIXTURES / f"{name}.eml").write_bytes(raw)
            text = json.dumps(expected, ensure_ascii=False, indent=1, sort_keys=True)
            (FIXTURES / f"{name}.json").write_text(text + "\n", encoding="utf-8")


main()
