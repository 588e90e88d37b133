"""Uploads, removals, yanks and searches over real files, asked in process."""

import asyncio
import base64
import errno
import hashlib
import io
import json
import os
import xmlrpc.client
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.contract.test_index import content, document, fields
from tests.end_to_end.local_index import sdist_bytes, wheel_bytes

from pannier.formats.htpasswd import hash_password
from pannier.server.application import Application
from pannier.server.messages import Request, Response
from pannier.server.settings import ServeSettings
from pannier.server.wiring import make_application

BOUNDARY = "xYzZy"
Ask = Callable[..., Response]
WHEEL, WHEEL_DATA = wheel_bytes("demo", "1.0")
OTHER_WHEEL_DATA = wheel_bytes("demo", "1.0", requires=("other",))[1]


@pytest.fixture(scope="module")
def password_hash() -> str:
    return hash_password("secret", rounds=4)


@pytest.fixture
def packages(tmp_path: Path, password_hash: str) -> Path:
    directory = tmp_path / "packages"
    directory.mkdir()
    users = ("alice", "bob", "carol")
    (tmp_path / "htpasswd").write_text("".join(f"{user}:{password_hash}\n" for user in users))
    return directory


def index_of(packages: Path, **settings: Any) -> Application:
    given = {"htpasswd": str(packages.parent / "htpasswd"), **settings}
    return make_application(ServeSettings(directories=(packages,), **given))


def write_rights(packages: Path, text: str) -> str:
    path = packages.parent / "rights.toml"
    path.write_text(text)
    return str(path)


def form(fields: Mapping[str, str | list[str]], filename: str = "", data: bytes = b"") -> bytes:
    """A form as clients of today send it."""
    body = b""
    for name, given in fields.items():
        for value in given if isinstance(given, list) else [given]:
            body += (
                f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
            )
    if filename:
        head = (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="content"; filename="{filename}"\r\n\r\n'
        )
        body += head.encode() + data + b"\r\n"
    return body + f"--{BOUNDARY}--\r\n".encode()


def basic(user: str, password: str = "secret") -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def ask(
    index: Application, method: str, path: str, body: bytes = b"", user: str = "alice", **headers: str
) -> Response:
    """The response to one request of a user, whose password is right."""
    given = {"content-type": f"multipart/form-data; boundary={BOUNDARY}", "user-agent": "test/1"}
    if user:
        given["authorization"] = basic(user)
    given |= {name.replace("_", "-"): value for name, value in headers.items()}

    async def wait() -> Response:
        bare, _, query = path.partition("?")
        request = Request(method, bare, query, given, io.BytesIO(body), peer="192.0.2.1", host="index.test")
        answer = index.answer(request)
        return answer if isinstance(answer, Response) else await answer

    return asyncio.run(wait())


def upload(
    index: Application, filename: str = WHEEL, data: bytes = WHEEL_DATA, path: str = "/", **more: str
) -> Response:
    headers = {
        name: more.pop(name) for name in ("user", "authorization", "user_agent", "origin") if name in more
    }
    sent = {":action": "file_upload", "protocol_version": "1", **more}
    return ask(index, "POST", path, form(sent, filename, data), **headers)


def act(index: Application, user: str = "alice", **sent: str) -> Response:
    return ask(index, "POST", "/", form({":action": sent.pop("action"), **sent}), user)


def text(response: Response) -> str:
    return content(response).decode()


def audited(packages: Path) -> list[dict[str, str]]:
    log = packages / ".pannier" / "audit.jsonl"
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


@pytest.mark.parametrize("path", ["/", "/legacy/", "/legacy", "/simple/", "/simple", "/pypi", "/pypi/"])
def test_a_distribution_is_published_at_every_path_that_clients_use(packages: Path, path: str) -> None:
    index = index_of(packages)
    digests = {
        "md5_digest": hashlib.md5(WHEEL_DATA).hexdigest(),
        "sha256_digest": hashlib.sha256(WHEEL_DATA).hexdigest(),
        "blake2_256_digest": hashlib.blake2b(WHEEL_DATA, digest_size=32).hexdigest(),
    }
    response = upload(index, path=path, name="demo", version="1.0", **digests)
    assert response.status == 200, text(response)
    assert (packages / WHEEL).read_bytes() == WHEEL_DATA
    page = document(ask(index, "GET", "/simple/demo/", accept="application/vnd.pypi.simple.v1+json"))
    assert json.dumps(page).count(WHEEL) >= 1
    (line,) = audited(packages)
    expected = {
        "action": "upload",
        "user": "alice",
        "address": "192.0.2.1",
        "client": "test/1",
        "project": "demo",
    }
    assert expected.items() <= line.items()
    assert line["sha256"] == digests["sha256_digest"]
    assert not list((packages / ".pannier" / "incoming").iterdir())


def test_the_same_file_again_is_well_and_other_bytes_are_not(packages: Path) -> None:
    index = index_of(packages)
    assert upload(index).status == 200
    assert upload(index).status == 200
    changed = upload(index, data=OTHER_WHEEL_DATA)
    assert changed.status == 409
    assert "already exists" in text(changed)
    assert upload(index, data=OTHER_WHEEL_DATA, user_agent="twine/6.1.0 CPython/3.11").status == 400
    assert (packages / WHEEL).read_bytes() == WHEEL_DATA
    assert [line["action"] for line in audited(packages)] == ["upload"]


def test_another_spelling_of_a_name_is_the_same_file(packages: Path) -> None:
    index = index_of(packages)
    metadata = "Metadata-Version: 2.1\nName: My.Pkg\nVersion: 1.0\n"
    assert upload(index, *sdist_bytes("My.Pkg", "1.0", {"PKG-INFO": metadata})).status == 200
    for name, version in (("my_pkg", "1.0"), ("My.Pkg", "1.0.0")):
        data = sdist_bytes(name, version, {"PKG-INFO": metadata, "more": "x"})
        assert upload(index, *data).status == 409


def test_a_file_may_be_replaced_where_that_is_set(packages: Path) -> None:
    index = index_of(packages, overwrite=True)
    assert upload(index).status == 200
    assert upload(index, data=OTHER_WHEEL_DATA).status == 200
    assert (packages / WHEEL).read_bytes() == OTHER_WHEEL_DATA
    assert [line["action"] for line in audited(packages)] == ["upload", "replace"]


def test_the_long_digest_that_setuptools_sends_is_checked_too(packages: Path) -> None:
    index = index_of(packages)
    assert upload(index, blake2_256_digest="0" * 128).status == 400
    assert upload(index, blake2_256_digest=hashlib.blake2b(WHEEL_DATA).hexdigest().upper()).status == 200


def test_nothing_said_of_an_older_file_is_said_of_a_newer_one(packages: Path) -> None:
    index = index_of(packages, overwrite=True)
    upload(index, gpg_signature="of the old")
    act(index, action="yank", name="demo", version="1.0", reason="old")
    assert upload(index, data=OTHER_WHEEL_DATA).status == 200
    assert names_of(packages) == [WHEEL]
    (packages / WHEEL).unlink()
    (packages / f"{WHEEL}.yanked").write_text("left behind by rm")
    index = index_of(packages)
    assert upload(index).status == 200
    assert names_of(packages) == [WHEEL]


def names_of(packages: Path) -> list[str]:
    return sorted(path.name for path in packages.iterdir() if not path.name.startswith("."))


def test_a_file_system_without_links_does_as_well(packages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    index = index_of(packages)
    assert upload(index).status == 200
    assert upload(index, data=OTHER_WHEEL_DATA).status == 409
    assert (packages / WHEEL).read_bytes() == WHEEL_DATA


def test_a_directory_that_the_server_may_not_write_in_is_said_to_be_one(
    packages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    index = index_of(packages)
    monkeypatch.setattr(os, "fsync", refuse)
    answer = upload(index)
    assert answer.status == 500
    assert b"may not write" in content(answer)
    assert names_of(packages) == []


def test_nothing_is_changed_that_cannot_be_written_down(packages: Path) -> None:
    index = index_of(packages)
    (packages / ".pannier" / "audit.jsonl").mkdir()
    with pytest.raises(IsADirectoryError):
        upload(index)
    assert names_of(packages) == []
    (packages / ".pannier" / "audit.jsonl").rmdir()
    assert upload(index).status == 200
    assert upload(index).status == 200


def test_a_file_somewhere_else_is_never_replaced(packages: Path) -> None:
    (packages / "nested").mkdir()
    (packages / "nested" / WHEEL).write_bytes(WHEEL_DATA)
    index = index_of(packages, overwrite=True)
    assert upload(index).status == 200
    assert upload(index, data=OTHER_WHEEL_DATA).status == 409
    assert names_of(packages) == ["nested"]


@pytest.mark.parametrize("digest", ["md5_digest", "sha256_digest", "blake2_256_digest"])
def test_a_digest_of_other_bytes_is_refused(packages: Path, digest: str) -> None:
    index = index_of(packages)
    response = upload(index, **{digest: "00" * 32})
    assert response.status == 400
    assert digest in text(response)
    assert not (packages / WHEEL).exists()


@pytest.mark.parametrize(
    ("filename", "data", "sent"),
    [
        (WHEEL, b"", {}),
        (WHEEL, b"hello", {}),
        (WHEEL, WHEEL_DATA[:-1], {}),
        (WHEEL, WHEEL_DATA, {"name": "other"}),
        (WHEEL, WHEEL_DATA, {"version": "2"}),
        ("other-1.0-py3-none-any.whl", WHEEL_DATA, {}),
        ("../demo-1.0-py3-none-any.whl", WHEEL_DATA, {}),
        ("/tmp/demo-1.0-py3-none-any.whl", WHEEL_DATA, {}),
        ("..\\\\demo-1.0-py3-none-any.whl", WHEEL_DATA, {}),
        ("%2e%2e%2fdemo-1.0-py3-none-any.whl", WHEEL_DATA, {}),
        (".demo-1.0-py3-none-any.whl", WHEEL_DATA, {}),
        ("demo-1.0-py3-none-any.whl\0.txt", WHEEL_DATA, {}),
        ("demo.txt", b"x", {}),
        ("index.html", b"<script>", {}),
    ],
)
def test_what_is_not_what_it_is_said_to_be_is_refused(
    packages: Path, filename: str, data: bytes, sent: dict[str, str]
) -> None:
    index = index_of(packages)
    assert upload(index, filename, data, **sent).status == 400
    assert [path.name for path in packages.iterdir()] == [".pannier"]
    assert not audited(packages)


def test_four_fields_and_even_one_are_enough(packages: Path) -> None:
    index = index_of(packages)
    assert ask(index, "POST", "/", form({}, WHEEL, WHEEL_DATA)).status == 200


def test_an_upload_larger_than_is_allowed_is_refused(packages: Path) -> None:
    index = index_of(packages, max_size=100)
    assert upload(index).status == 413
    assert not (packages / WHEEL).exists()


def test_wrong_credentials_are_told_from_missing_rights(packages: Path) -> None:
    rights = write_rights(
        packages,
        """
        groups = { team = ["bob"] }
        rights = [
            { who = ["alice", "@team"], projects = "Demo*", may = "upload" },
            { who = "carol", may = "remove" },
        ]
        """,
    )
    index = index_of(packages, rights=rights)
    for authorization in (
        "",
        basic("alice", "wrong"),
        basic("nobody"),
        "Basic !",
        "Digest x",
        basic("__token__", "pannier-x"),
    ):
        response = upload(index, authorization=authorization)
        assert response.status == 401
        assert fields(response)["www-authenticate"].startswith("Basic realm=")
    assert upload(index, user="carol").status == 403
    assert upload(index, *wheel_bytes("other", "1.0"), user="alice").status == 403
    assert upload(index, user="bob").status == 200
    assert act(index, "bob", action="submit", name="other").status == 403
    assert act(index, "bob", action="submit", name="demo").status == 200
    for sent in ({"action": "remove_pkg"}, {"action": "yank"}, {"action": "unyank"}):
        assert act(index, "bob", name="demo", version="1.0", **sent).status == 403
    for path in (f"/packages/{WHEEL}", "/pypi/demo/", "/pypi/demo/1.0/"):
        assert ask(index, "DELETE", path, user="bob").status == 403
        assert ask(index, "DELETE", path, user="").status == 401
    assert (packages / WHEEL).exists()
    assert act(index, "carol", action="remove_pkg", name="demo", version="1.0").status == 200
    assert not (packages / WHEEL).exists()


def test_edited_rights_hold_at_once_and_broken_ones_never(packages: Path) -> None:
    rights = write_rights(packages, 'rights = [{ who = "*", projects = "other", may = "update" }]')
    index = index_of(packages, rights=rights)
    assert upload(index).status == 403
    write_rights(packages, "rights = [")
    assert upload(index).status == 403
    write_rights(packages, 'rights = [{ who = "*", may = "update" }]')
    assert upload(index).status == 200


def test_an_index_without_a_password_file_is_read_only(packages: Path) -> None:
    index = index_of(packages, htpasswd="")
    assert upload(index).status == 403
    assert ask(index, "DELETE", f"/packages/{WHEEL}").status == 403
    assert ask(index, "GET", "/simple/", user="").status == 200


def test_an_index_may_be_open_to_everybody(packages: Path) -> None:
    index = index_of(packages, htpasswd="", authenticate=())
    assert upload(index, user="").status == 200
    assert act(index, "", action="remove_pkg", name="demo", version="1.0").status == 200


def test_reading_may_take_signing_in(packages: Path) -> None:
    (packages / WHEEL).write_bytes(WHEEL_DATA)
    index = index_of(packages, authenticate=("list", "download", "update"))
    for path in ("/simple/", "/simple/demo/", f"/packages/{WHEEL}", f"/packages/{WHEEL}.metadata"):
        assert ask(index, "GET", path, user="").status == 401
        assert ask(index, "GET", path, user="", authorization=basic("alice", "no")).status == 401
        response = ask(index, "GET", path)
        assert response.status == 200
        content(response)


@pytest.fixture
def secretive(packages: Path) -> Application:
    """An index where bob may see `demo` and nothing of `secret`."""
    for name, data in ((WHEEL, WHEEL_DATA), wheel_bytes("secret", "1.0")):
        (packages / name).write_bytes(data)
    (packages / "secret-1.0-py3-none-any.whl.asc").write_text("signature")
    rights = write_rights(
        packages,
        """rights = [
            { who = "alice", may = ["list", "download"] },
            { who = "bob", projects = "demo", may = ["list", "download"] },
        ]""",
    )
    return index_of(packages, rights=rights, authenticate=("list", "download", "update"))


@pytest.mark.parametrize("accept", ["text/html", "application/vnd.pypi.simple.v1+json"])
@pytest.mark.parametrize(
    "path", ["/simple/", "/", "/search?q=", "/search?q=secre", "/simple/demo/", "/project/demo/"]
)
def test_no_list_tells_of_a_project_to_who_may_not_see_it(
    secretive: Application, path: str, accept: str
) -> None:
    seen = text(ask(secretive, "GET", path, user="bob", accept=accept))
    assert "secret" not in seen
    assert ask(secretive, "GET", path, user="").status == 401
    if path in ("/simple/", "/"):
        assert "secret" in text(ask(secretive, "GET", path, accept=accept))


@pytest.mark.parametrize(
    "path",
    [
        "/simple/secret/", "/simple/Secret", "/project/secret/", "/project/secret/1.0/", "/pypi/secret/json",
        "/packages/secret-1.0-py3-none-any.whl", "/packages/secret-1.0-py3-none-any.whl.metadata",
        "/packages/secret-1.0-py3-none-any.whl.asc", "/packages/secret-1.0-py3-none-any.whl.asc.asc",
        "/packages/Secret-1.0-py3-none-any.whl", "/packages/x/../secret-1.0-py3-none-any.whl",
        "/packages/.pannier/tokens.json", "/packages/secret-1.0.txt",
    ],
)  # fmt: skip
def test_no_path_leads_to_a_project_for_who_may_not_see_it(secretive: Application, path: str) -> None:
    assert ask(secretive, "GET", path, user="bob").status in (403, 404)
    assert ask(secretive, "GET", path, user="").status in (401, 404)


def test_an_edited_password_file_is_read_again(packages: Path) -> None:
    index = index_of(packages)
    assert upload(index).status == 200
    (packages.parent / "htpasswd").write_text(f"alice:{hash_password('changed', rounds=4)}\n")
    assert upload(index).status == 401
    assert upload(index, authorization=basic("alice", "changed")).status == 200
    assert upload(index, user="bob").status == 401


def test_a_signature_and_attestations_are_kept_and_served(packages: Path) -> None:
    index = index_of(packages)
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": WHEEL, "digest": {"sha256": hashlib.sha256(WHEEL_DATA).hexdigest()}}],
    }
    envelope = {"statement": base64.b64encode(json.dumps(statement).encode()).decode(), "signature": "eA=="}
    attestation = {"version": 1, "verification_material": {"certificate": "eA=="}, "envelope": envelope}
    assert upload(index, attestations=json.dumps([attestation]), gpg_signature="-----BEGIN PGP").status == 200
    assert text(ask(index, "GET", f"/packages/{WHEEL}.asc")) == "-----BEGIN PGP"
    provenance = json.loads(text(ask(index, "GET", f"/packages/{WHEEL}.provenance")))
    assert provenance["attestation_bundles"][0]["attestations"] == [attestation]
    page = document(ask(index, "GET", "/simple/demo/", accept="application/vnd.pypi.simple.v1+json"))
    (file,) = page["files"]  # type: ignore[misc]
    assert file["provenance"].endswith(f"{WHEEL}.provenance")  # type: ignore[has-type]


@pytest.mark.parametrize("sent", ["x", "{}", "[]", "[1]", '[{"version": 1}]', "[" * 10000])
def test_attestations_of_something_else_are_refused(packages: Path, sent: str) -> None:
    assert upload(index_of(packages), attestations=sent).status == 400
    assert not (packages / WHEEL).exists()


def test_a_version_is_yanked_and_that_is_taken_back(packages: Path) -> None:
    index = index_of(packages)
    upload(index)
    assert act(index, action="yank", name="Demo", version="1.0.0", reason="bad\r\n<b>x").status == 200
    page = text(ask(index, "GET", "/simple/demo/", user="", accept="application/vnd.pypi.simple.v1+json"))
    assert json.loads(page)["files"][0]["yanked"] == "bad <b>x"
    assert (packages / f"{WHEEL}.yanked").read_text() == "bad <b>x"
    assert act(index, action="unyank", name="demo", version="1.0").status == 200
    page = text(ask(index, "GET", "/simple/demo/", user="", accept="application/vnd.pypi.simple.v1+json"))
    assert not json.loads(page)["files"][0].get("yanked")
    assert act(index, action="yank", name="demo", version="2.0").status == 404
    assert [line["action"] for line in audited(packages)] == ["upload", "yank", "unyank"]


@pytest.mark.parametrize("status", ["archived", "quarantined"])
def test_a_project_that_is_closed_takes_nothing_more(packages: Path, status: str) -> None:
    (packages / WHEEL).write_bytes(WHEEL_DATA)
    (packages / ".pannier").mkdir()
    (packages / ".pannier" / "projects.toml").write_text(
        f'[demo]\nstatus = "{status}"\nstatus-reason = "so"\n'
    )
    refused = upload(index_of(packages), *wheel_bytes("demo", "2.0"))
    assert refused.status == 400
    assert status in text(refused)


@pytest.mark.parametrize("path", [f"/packages/{WHEEL}", "/pypi/demo/1.0/", "/pypi/Demo/"])
def test_what_is_deleted_is_gone_with_all_that_lay_beside_it(packages: Path, path: str) -> None:
    index = index_of(packages)
    upload(index, gpg_signature="x")
    act(index, action="yank", name="demo", version="1.0")
    assert ask(index, "DELETE", path).status == 200
    assert ask(index, "DELETE", path).status == 404
    assert [file.name for file in packages.iterdir()] == [".pannier"]
    assert ask(index, "GET", "/simple/demo/", user="").status == 404
    assert audited(packages)[-1]["action"] == "remove"
    assert upload(index).status == 200


def test_removing_names_project_and_version(packages: Path) -> None:
    index = index_of(packages)
    upload(index)
    assert act(index, action="remove_pkg", name="demo").status == 400
    assert act(index, action="remove_pkg", version="1.0").status == 400
    assert act(index, action="remove_pkg", name="demo", version="9").status == 404
    assert (packages / WHEEL).exists()


def test_other_actions_of_old_clients_are_answered_plainly(packages: Path) -> None:
    index = index_of(packages)
    assert act(index, action="submit", name="demo").status == 200
    assert act(index, action="verify", name="demo").status == 200
    assert "documentation" in text(act(index, action="doc_upload", name="demo"))
    assert act(index, action="doc_upload", name="demo").status == 400
    unknown = act(index, action="hack\x01", name="demo")
    assert unknown.status == 400
    assert "file_upload" in text(unknown)
    assert ask(index, "POST", "/", b"hello", content_type="text/plain").status == 400


def test_a_small_form_does_for_what_needs_no_file(packages: Path) -> None:
    index = index_of(packages)
    upload(index)
    kind = "application/x-www-form-urlencoded"
    body = b"%3Aaction=yank&name=demo&version=1.0&reason=caf%C3%A9"
    assert ask(index, "POST", "/", body, content_type=kind).status == 200
    assert (packages / f"{WHEEL}.yanked").read_text("utf-8") == "café"


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.test"},
        {"origin": "null"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
    ],
)
def test_a_form_of_another_site_is_refused(packages: Path, headers: dict[str, str]) -> None:
    index = index_of(packages)
    body = form({":action": "file_upload"}, WHEEL, WHEEL_DATA)
    assert ask(index, "POST", "/", body, **headers).status == 403
    assert (
        ask(index, "POST", "/", body, origin="http://index.test", sec_fetch_site="same-origin").status == 200
    )


def call(index: Application, body: bytes, path: str = "/RPC2") -> Response:
    return ask(index, "POST", path, body, user="", content_type="text/xml")


@pytest.mark.parametrize("path", ["/", "/simple/", "/simple", "/pypi", "/RPC2"])
def test_old_pips_find_projects_by_name_and_summary(packages: Path, path: str) -> None:
    index = index_of(packages)
    for name, version, summary in (
        ("tool-kit", "1.0", "Things"),
        ("tool-kit", "1.10", "All the <things>"),
        ("kit", "2", "A kit"),
        ("other", "1", "kitten"),
    ):
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nSummary: {summary}\n"
        upload(index, *sdist_bytes(name, version, {"PKG-INFO": metadata}))
    body = xmlrpc.client.dumps(({"name": ["kit"], "summary": ["kit"]}, "or"), "search").encode()
    answer: Any = xmlrpc.client.loads(content(call(index, body, path)))[0][0]
    found = [(hit["name"], hit["version"]) for hit in answer]
    assert found == [("kit", "2"), ("tool-kit", "1.10"), ("other", "1")]
    assert answer[1]["summary"] == "All the <things>"


def test_only_what_may_be_listed_is_found(packages: Path) -> None:
    rights = write_rights(
        packages,
        """rights = [
            { who = "alice", may = ["list", "update"] }, { who = "bob", projects = ["demo"], may = "list" },
        ]""",
    )
    index = index_of(packages, rights=rights, authenticate=("list", "update"))
    upload(index)
    upload(index, *wheel_bytes("secret", "1.0"))
    body = xmlrpc.client.dumps(({"name": ""},), "search").encode()
    assert call(index, body).status == 401
    found = {}
    for user in ("alice", "bob"):
        answer = ask(index, "POST", "/RPC2", body, user, content_type="text/xml")
        found[user] = content(answer).count(b"<name>summary</name>")
    assert found == {"alice": 2, "bob": 1}


BOMB = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>
<methodCall><methodName>search</methodName><params><param><value><string>&b;</string></value></param></params></methodCall>"""


@pytest.mark.parametrize(
    "body", [b"", b"hello", b"<a>", BOMB, b"<methodCall>" + b"<value>" * 5000, b"x" * 70000]
)
def test_calls_that_do_harm_or_cannot_be_read_are_refused(packages: Path, body: bytes) -> None:
    assert call(index_of(packages), body).status == 400


def test_an_unknown_method_is_a_fault(packages: Path) -> None:
    answer = call(index_of(packages), xmlrpc.client.dumps((), "system.listMethods").encode())
    with pytest.raises(xmlrpc.client.Fault, match="no method"):
        xmlrpc.client.loads(content(answer))
