"""The statutory holidays of the People's Republic of China, computed from the law alone.

Source: 全国年节及纪念日放假办法 (State Council orders 270, 513, 644, 795). The yearly notice adds 调休 days around
them; those are never computed here. The lunar dates are astronomy, not policy, so they stand as a reviewed table.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

# Month and day, as mmdd, of 春节 (first day), 端午 and 中秋. Compared in the tests with the `holidays` package.
_LUNAR = {
    2004: (122, 622, 928), 2005: (209, 611, 918), 2006: (129, 531, 1006), 2007: (218, 619, 925),
    2008: (207, 608, 914), 2009: (126, 528, 1003), 2010: (214, 616, 922), 2011: (203, 606, 912),
    2012: (123, 623, 930), 2013: (210, 612, 919), 2014: (131, 602, 908), 2015: (219, 620, 927),
    2016: (208, 609, 915), 2017: (128, 530, 1004), 2018: (216, 618, 924), 2019: (205, 607, 913),
    2020: (125, 625, 1001), 2021: (212, 614, 921), 2022: (201, 603, 910), 2023: (122, 622, 929),
    2024: (210, 610, 917), 2025: (129, 531, 1006), 2026: (217, 619, 925), 2027: (206, 609, 915),
    2028: (126, 528, 1003), 2029: (213, 616, 922), 2030: (203, 605, 912), 2031: (123, 624, 1001),
    2032: (211, 612, 919), 2033: (131, 601, 908), 2034: (219, 620, 927), 2035: (208, 610, 916),
    2036: (128, 530, 1004), 2037: (215, 618, 924), 2038: (204, 607, 913), 2039: (124, 527, 1002),
    2040: (212, 614, 920), 2041: (201, 603, 910), 2042: (122, 622, 928), 2043: (210, 611, 917),
    2044: (130, 531, 1005), 2045: (217, 619, 925), 2046: (206, 608, 915), 2047: (126, 529, 1004),
    2048: (214, 615, 922), 2049: (202, 604, 911), 2050: (123, 623, 930),
}  # fmt: skip

# The wordings of the law: first year, days counted from the first of 春节, days of May, 清明 with 端午 and 中秋 or not.
_WORDINGS = (
    (2025, (-1, 0, 1, 2), (1, 2), True),
    (2014, (0, 1, 2), (1,), True),
    (2008, (-1, 0, 1), (1,), True),
    (1, (0, 1, 2), (1, 2, 3), False),
)


def statutory_days(year: int) -> Iterator[tuple[date, str]]:
    """Yield the statutory holidays of a year with their Chinese names.

    Outside 2004..2050 only the days with a fixed solar date are known and yielded. Nothing is said about 调休.
    """
    _, spring, may, festivals = next(wording for wording in _WORDINGS if year >= wording[0])
    yield date(year, 1, 1), "元旦"
    yield from ((date(year, 5, day), "劳动节") for day in may)
    yield from ((date(year, 10, day), "国庆节") for day in (1, 2, 3))
    if year not in _LUNAR:
        return
    first, dragon_boat, mid_autumn = (date(year, *divmod(mmdd, 100)) for mmdd in _LUNAR[year])
    yield from ((first + timedelta(offset), "春节" if offset >= 0 else "除夕") for offset in spring)
    if festivals:
        yield _tomb_sweeping(year), "清明"
        yield dragon_boat, "端午"
        yield mid_autumn, "中秋"


def _tomb_sweeping(year: int) -> date:
    """Return 清明 by the usual formula of the solar term, exact for 2001..2099."""
    century = year % 100
    return date(year, 4, (century * 2422 + 48100) // 10000 - century // 4)
