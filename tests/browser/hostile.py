"""Texts that try to be more than text: markup, scripts, addresses, templates, styles,
directions, control characters, half characters, very long ones. One of each kind in
every costume makes 300."""

from __future__ import annotations

_MARKUP = (
    *("<script>X</script>", "</script><script>X</script>", "</style><script>X</script>"),
    *("<img src=x onerror=X>", "<svg onload=X>", "<svg><script>X</script></svg>"),
    *("<iframe srcdoc='<script>X</script>'></iframe>", "<a href='javascript:X'>a</a>"),
    *("<video src=http://127.0.0.1:9/v autoplay>", "<link rel=stylesheet href=//127.0.0.1:9>"),
    *(
        "<base href='http://127.0.0.1:9/'>",
        "<meta http-equiv=refresh content='0;url=//127.0.0.1:9'>",
    ),
    *("<form action=//127.0.0.1:9><button autofocus>a</button></form>", "<dialog open>a</dialog>"),
    *(
        "<template><img src=x onerror=X></template>",
        "<input autofocus onfocus=X>",
        "<body onload=X>",
    ),
    *("<!--", "-->", "<![CDATA[", "]]>", "</textarea>", "</title>", "</dialog></body></html>"),
    *("<details open ontoggle=X>", "<math><mtext><script>X</script>", "<x-y is=a onclick=X>"),
    *("&lt;script&gt;X&lt;/script&gt;", "&#60;img src=x onerror=X&#62;", "&amp;&quot;&#x27;"),
)
_CODE = (
    *("javascript:X", "data:text/html,<script>X</script>", "vbscript:X", "file:///etc/passwd"),
    *("${X}", "{{7*7}}", "{% raw %}", "#{X}", "<%= X %>", "`${X}`", "';X;//", '";X;//', "\\';X;//"),
    *("__proto__", "constructor", "toString", "hasOwnProperty", "[object Object]", "null", "NaN"),
    *("';}*{display:none}", "url(http://127.0.0.1:9)", "expression(X)", "@import '//127.0.0.1:9'"),
    *("../../../../etc/passwd", "C:\\Windows", "//127.0.0.1:9/a", "a?b#c&d=e", "%00%0a%2e", "$(X)"),
)
_LETTERS = (
    *(
        "\u202egnp.exe\u202c",
        "\u2066\u2067\u2068\u2069",
        "\u200f\u200e\u061c",
        "\ufeff\u200b\u200d",
    ),
    *(
        "\x00",
        "\x07\x08\x1b[31m",
        "\x7f\x85\x9f",
        "\r\n\r\n",
        "\t\t",
        "\u2028\u2029",
        "\ufff9\ufffb",
    ),
    *("\ud800", "a\udfffb", "\ud83d", "\udc00\ud800", "\ufffe\uffff", "\U0010ffff", "\ue000"),
    *("😀👩‍👩‍👧‍👦🏳️‍🌈", "Z̸̡̛͔͍a̷l̴g̵o̶", "مرحبا", "שלום", "日本語", "ﷺ", "ｆｕｌｌ", "İıŉǆ", "ß", "\u0301"),
    *("a" * 1500, "a " * 400, "💥" * 300, "\u0301" * 500, "-" * 500, "<" * 300, "'" * 300),
)
_COSTUMES = ("{}", '"{}"', "{}\u202e", "a {} b")


def hostile_strings() -> list[str]:
    """300 different texts. ``X`` in them would set ``window.hacked`` and ask."""
    action = "window.hacked=1,alert(1)"
    plain = [text.replace("X", action) for text in (*_MARKUP, *_CODE)] + list(_LETTERS)
    made = [costume.replace("{}", text) for costume in _COSTUMES for text in plain]
    return list(dict.fromkeys(made))[:300]
