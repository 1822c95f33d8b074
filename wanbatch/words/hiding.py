"""Texts that may quote a URL, without its query: lines of a manifest, messages, help.

What it may not do: decide what a URL is known by (``urls`` does), or make sense of the
text around it.

How it works: everything behind the ``?`` of an address goes, up to the quote that
closes it or to where a plain value ends; so does what stands like a query without an
address before it, because a URL may be folded over lines or come from a template.
Rather too much is hidden than too little: the texts are for people, who know their
files.
"""

from __future__ import annotations

import re

_TEMPLATE = r"\{\{[^}\n]{0,300}\}\}|\{%[^%\n]{0,300}%\}"
_MARK = r"(?:\?|\\x3[fF]|\\u003[fF]|%3[fF])"
"""A question mark as it is, as YAML and JSON escape it, or inside another URL."""
_START = r"(?:\b[a-z][a-z0-9+.-]{0,20}:|(?<![/\w:]))\\?/\\?/"
_QUOTED = re.compile(
    rf"""(?P<quote>["'])(?P<base>{_START}[^"'?]*?){_MARK}(?:\\.|(?P=quote){{2}}|(?!(?P=quote)).)*""",
    re.IGNORECASE,
)
_PLAIN = re.compile(
    rf"(?P<base>{_START}(?:(?!{_MARK})(?>{_TEMPLATE}|[^\s\"'<>?#])){{0,2000}}+){_MARK}"
    rf"(?>{_TEMPLATE}|[^\s\"'<>])*(?:\ (?![#&|])[^\s\"'<>:,#\[\]{{}}]+(?=\s|$))*",
    re.IGNORECASE,
)
_WHOLE = re.compile(rf"(?P<base>\s*{_START}(?:(?!{_MARK}).){{0,8192}}+){_MARK}", re.I | re.DOTALL)
_LOOSE = re.compile(
    rf"(?P<lead>{_MARK}|&(?:amp;)?)[\w.%\[\]~-]{{1,200}}=(?>{_TEMPLATE}|[^\s\"'<>])*"
)
_FRAGMENT = re.compile(
    r"(?P<base>\b[a-z][a-z0-9+.-]{0,20}://[^\s\"'<>?#]{1,2000}+)#[^\s\"'<>]+", re.IGNORECASE
)
_USER = re.compile(r"(?P<scheme>//)[^\s/?#\"'<>@]*(?:@[^\s/?#\"'<>@]*)*@")
_CLOSING = re.compile(r"[)\]},.;:]*$")
"""What may follow an address without belonging to it."""


def hide_queries(text: str) -> str:
    """``text`` with ``?…`` for the query of every URL in it."""
    if not any(sign in text for sign in ("?", "&", "//", "%3", "\\")):
        return text
    text = _QUOTED.sub(r"\g<quote>\g<base>?…", text)
    text = _PLAIN.sub(_hide, text)
    text = _LOOSE.sub(_hide_loose, text)
    text = _FRAGMENT.sub(r"\g<base>", text)
    return _USER.sub(r"\g<scheme>…@", text)


def hide_in_value(value: str) -> str:
    """``hide_queries`` of a value that stands alone: where it begins as a URL, its
    query goes to its very end."""
    found = _WHOLE.match(value)
    return hide_queries(f"{found['base']}?…") if found else hide_queries(value)


def _hide(found: re.Match[str]) -> str:
    closing = _CLOSING.search(found.group())
    return f"{found['base']}?…{closing.group() if closing else ''}"


def _hide_loose(found: re.Match[str]) -> str:
    return f"{found['lead'] if found['lead'][0] == '&' else '?'}…"
