"""DashScope's regions: where they are, what they cost.

What it may not do: decide which region a key belongs to; only its owner knows.

How it works: published addresses and prices as data. wan2.7-i2v is served in Beijing
(``cn``) and Singapore (``intl``). Prices are per output second, as published in 2026; a
profile's own ``price`` replaces them.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from urllib.parse import urlsplit

from wanbatch.model.price import PriceList

_CLASSIC = {"cn": "https://dashscope.aliyuncs.com", "intl": "https://dashscope-intl.aliyuncs.com"}
_PLACES = {"cn": "cn-beijing", "intl": "ap-southeast-1"}

DASHSCOPE_PRICES: Mapping[str, PriceList] = {
    "cn": PriceList({"720P": Decimal("0.6"), "1080P": Decimal("1.0")}, "CNY", "2026-01-01"),
    "intl": PriceList({"720P": Decimal("0.10"), "1080P": Decimal("0.15")}, "USD", "2026-01-01"),
}


def dashscope_base_url(region: str, workspace: str) -> str:
    """The root of a region's API, by workspace domain where there is one; empty without
    a region."""
    if region not in _CLASSIC:
        return ""
    return (
        f"https://{workspace}.{_PLACES[region]}.maas.aliyuncs.com"
        if workspace
        else _CLASSIC[region]
    )


def dashscope_region(base_url: str) -> str:
    """The region that an address of Alibaba's belongs to, or an empty text."""
    try:
        host = urlsplit(base_url).hostname or ""
    except ValueError:
        return ""
    for region, classic in _CLASSIC.items():
        if host == urlsplit(classic).hostname or host.endswith(
            f".{_PLACES[region]}.maas.aliyuncs.com"
        ):
            return region
    return ""
