"""A winmail.dat gives the same content as the reference library finds in it."""

from __future__ import annotations

from tnefparse import TNEF

from gateway.normalize.mail.tnef import unpack
from tests.normalize.mail.corpus.outlook import winmail


def test_text_and_files_are_those_that_tnefparse_finds() -> None:
    stream = winmail(
        "家里断网三天", [("合同.pdf", b"%PDF-1.4 x" * 30), ("照片.jpg", b"\xff\xd8" + bytes(range(1, 99)))]
    )
    reference, ours = TNEF(stream), unpack(stream)
    assert ours is not None
    assert ours.text == reference.body == "家里断网三天"
    assert [(each.name, each.content) for each in ours.files] == [
        (each.long_filename(), each.data) for each in reference.attachments
    ]
    assert len(ours.files) == 2


def test_what_is_no_tnef_is_not_unpacked() -> None:
    assert unpack(b"") is None
    assert unpack(b"x\x9f>\x22") is None
    assert unpack(b"%PDF-1.4 not at all") is None
