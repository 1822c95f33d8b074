"""DashScope's upload space: 48 hours of room for the media of one account and model.

What it may not do: send the key to the space's host, or keep a policy longer than one
upload.

How it works: the API hands out a signed form, the file goes with it to the host that
the form names, and ``oss://`` and its name in the form's folder is the address for a
submit. Names come from the content, so that the same file in the same folder is the
same object.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from wanbatch.model.outcomes import Undeliverable
from wanbatch.model.wire import NoReply, Seen, WireRequest
from wanbatch.providers.delivery.delivery import Uploaded
from wanbatch.providers.dialects.reading import (
    as_number,
    as_object,
    as_url,
    clean,
    read_error,
    read_json,
)
from wanbatch.providers.http.exchange import Http

KEPT_S = 48 * 3600.0
"""Documented for ``oss://`` addresses."""
_ENDINGS = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/bmp": "bmp",
    "image/webp": "webp",
    "audio/wav": "wav",
    "audio/mpeg": "mp3",
}
_FORM = (("OSSAccessKeyId", "oss_access_key_id"), ("Signature", "signature"), ("policy", "policy"))
_OPTIONS = (
    ("x-oss-object-acl", "x_oss_object_acl"),
    ("x-oss-forbid-overwrite", "x_oss_forbid_overwrite"),
)


async def upload(
    http: Http, model: str, sha256: str, content: bytes, mime: str
) -> Uploaded | Undeliverable:
    """Puts ``content`` into the upload space for ``model``, under an ``oss://``
    address."""
    seen = await http.read(
        WireRequest("GET", "/api/v1/uploads?" + urlencode({"action": "getPolicy", "model": model}))
    )
    policy = _read_policy(seen, len(content))
    if isinstance(policy, Undeliverable):
        return policy
    ending = _ENDINGS.get(mime, "mov" if mime == "video/quicktime" else "mp4")
    name = f"{policy['upload_dir'].rstrip('/')}/{sha256}.{ending}"
    fields = [
        (field, policy[source]) for field, source in (*_FORM, *_OPTIONS) if policy.get(source)
    ]
    fields += [("key", name), ("success_action_status", "200")]
    boundary = f"wanbatch-{sha256[:40]}"
    body = _form(boundary, fields, name.rpartition("/")[2], content, mime)
    headers = {"content-type": f"multipart/form-data; boundary={boundary}"}
    sent = await http.send_abroad("POST", policy["upload_host"], headers, body)
    if isinstance(sent, NoReply):
        return Undeliverable(f"the upload space could not be reached: {sent.reason}")
    if sent.status not in (200, 201, 204) and not (
        sent.status == 409 and b"FileAlreadyExists" in sent.body
    ):
        return Undeliverable(f"the upload space answered HTTP {sent.status}")
    return Uploaded(f"oss://{name}", KEPT_S)


def _read_policy(seen: Seen, length: int) -> dict[str, str] | Undeliverable:
    """The form's fields."""
    if isinstance(seen, NoReply):
        return Undeliverable(clean(seen.reason))
    body = as_object(read_json(seen.body))
    data: Mapping[str, object] = as_object(body.get("data"))
    if seen.status != 200 or not data:
        error = read_error(body)
        return Undeliverable(
            "no upload was granted (HTTP"
            f" {seen.status}{': ' + error.message if error.message else ''})"
        )
    policy = {
        name: value
        for name, value in data.items()
        if isinstance(value, str) and value.isprintable() and len(value) < 8192 and '"' not in value
    }
    if (
        any(not policy.get(source) for _, source in _FORM)
        or not policy.get("upload_dir")
        or as_url(policy.get("upload_host")) is None
    ):
        return Undeliverable("the upload's form lacks a field")
    limit_mb = as_number(data.get("max_file_size_mb"))
    if limit_mb is not None and length > limit_mb * 1024 * 1024:
        return Undeliverable(f"the upload space takes files of at most {limit_mb:g} MB")
    return policy


def _form(
    boundary: str, fields: list[tuple[str, str]], filename: str, content: bytes, mime: str
) -> bytes:
    """``multipart/form-data`` with the file last, as the space demands."""
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields
    ]
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file";'
        f' filename="{filename}"\r\nContent-Type: {mime}\r\n\r\n'
    ).encode()
    return b"".join((*parts, head, content, f"\r\n--{boundary}--\r\n".encode()))
