import hashlib
import io
from pathlib import Path

import pytest

from pannier.model.errors import RequestError
from pannier.server.uploads import forms
from pannier.server.uploads.forms import receive_form

KIND = "multipart/form-data; boundary=B"


def part(name: str, content: bytes, filename: str = "") -> bytes:
    named = f'; filename="{filename}"' if filename else ""
    return f'--B\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'.encode() + content + b"\r\n"


def test_a_distribution_goes_to_its_file_and_is_hashed_on_the_way(tmp_path: Path) -> None:
    content = b"0123456789" * 50_000
    body = part(":action", b"file_upload") + part("content", content, "a-1.zip") + part("classifiers", b"A")
    body += (
        part("classifiers", "é".encode("latin-1"))
        + part("gpg_signature", b"sig", "a-1.zip.asc")
        + b"--B--\r\n"
    )
    form = receive_form(io.BytesIO(body), KIND, tmp_path / "in", limit=len(content))
    assert (tmp_path / "in").read_bytes() == content
    assert form.content is not None
    assert form.content.sha256 == hashlib.sha256(content).hexdigest()
    assert form.content.blake2 == hashlib.blake2b(content, digest_size=32).hexdigest()
    assert (form.content.filename, form.content.size) == ("a-1.zip", len(content))
    assert form.fields["classifiers"] == [b"A", b"\xe9"]
    assert form.get("gpg_signature") == "sig"
    assert (form.get(":action"), form.get("missing")) == ("file_upload", "")


def test_a_form_may_have_no_distribution(tmp_path: Path) -> None:
    form = receive_form(io.BytesIO(part("name", b" x ") + b"--B--"), KIND, tmp_path / "in", limit=9)
    assert (form.get("name"), form.content) == ("x", None)
    small = receive_form(io.BytesIO(b"a=1&a=%C3%A9&b="), forms._URLENCODED, tmp_path / "no", limit=9)
    assert small.fields == {"a": [b"1", "é".encode()], "b": [b""]}
    assert not (tmp_path / "no").exists()


@pytest.mark.parametrize(
    ("body", "kind", "code"),
    [
        (part("content", b"0123456789", "x") + b"--B--", KIND, "upload-too-large"),
        (part("content", b"1", "x") + part("content", b"2", "x") + b"--B--", KIND, "bad-form"),
        (part("content", b"1", "x"), KIND, "bad-form"),
        (b"a=1&" * 200, "application/x-www-form-urlencoded", "bad-form"),
        (b"a" * 70_000, "application/x-www-form-urlencoded", "upload-too-large"),
        (b"", "text/plain", "bad-form"),
    ],
)
def test_what_is_no_form_or_too_large_is_refused(tmp_path: Path, body: bytes, kind: str, code: str) -> None:
    with pytest.raises(RequestError) as refused:
        receive_form(io.BytesIO(body), kind, tmp_path / "in", limit=9)
    assert refused.value.code == code


def test_text_has_a_limit_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "_MAX_TEXT", 100)
    for body in (part("description", b"x" * 101), b"".join(part("n" * 9, b"") for _ in range(12))):
        with pytest.raises(RequestError, match="more than 100 bytes"):
            receive_form(io.BytesIO(body + b"--B--"), KIND, tmp_path / f"{len(body)}", limit=9)
