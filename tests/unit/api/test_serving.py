"""The settings of `serve` come from a file, then variables, then options."""

from pathlib import Path

import pytest

from pannier.api.serving import parse_size, serve_settings
from pannier.api.setting_names import VERB_TABLES
from pannier.api.settings import load_settings
from pannier.model.errors import StorageError, UsageError
from pannier.server.settings import ServeSettings


def settings_of(
    directory: Path, flags: dict[str, object], environ: dict[str, str] | None = None
) -> ServeSettings:
    return serve_settings([str(directory)], load_settings(flags, environ or {}, directory))


def test_every_setting_is_a_field() -> None:
    assert {name.replace("-", "_") for name in VERB_TABLES["serve"]} == set(ServeSettings._fields)


def test_options_win_over_variables_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "pannier.toml").write_text('[serve]\nport = 1\nhost = "::1"\nworkers = 3\n')
    environ = {"PANNIER_SERVE_PORT": "2", "PANNIER_SERVE_HOST": "127.0.0.2"}
    settings = settings_of(tmp_path, {"port": 3}, environ)
    assert (settings.port, settings.host, settings.workers) == (3, "127.0.0.2", 3)


def test_paths_in_a_file_are_relative_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "packages").mkdir()
    (tmp_path / "pannier.toml").write_text('[serve]\ndirectories = ["packages"]\nhtpasswd = "users"\n')
    settings = serve_settings([], load_settings({}, {}, tmp_path / "below"))
    assert settings.directories == (tmp_path / "packages",)
    assert settings.htpasswd == str(tmp_path / "users")


@pytest.mark.parametrize(
    ("given", "rights"),
    [(None, ("update", "remove")), (["."], ()), (["list,download"], ("list", "download"))],
)
def test_rights_are_written_as_pypiserver_writes_them(
    tmp_path: Path, given: list[str] | None, rights: tuple[str, ...]
) -> None:
    assert settings_of(tmp_path, {"authenticate": given}).authenticate == rights


def test_a_point_stands_for_no_password_file(tmp_path: Path) -> None:
    assert settings_of(tmp_path, {"htpasswd": ".", "authenticate": ["."]}).htpasswd == ""
    (tmp_path / "pannier.toml").write_text('[serve]\nhtpasswd = "."\n')
    assert settings_of(tmp_path, {}).htpasswd == ""


def test_every_impossible_value_is_named_at_once(tmp_path: Path) -> None:
    flags = {
        "port": 70000,
        "workers": 0,
        "access_log": "xml",
        "authenticate": ["x"],
        "trusted_proxies": ["y"],
    }
    with pytest.raises(UsageError) as caught:
        settings_of(tmp_path, flags)
    assert len(caught.value.facts["wrong"]) == 5


def test_a_directory_has_to_be_named_and_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        serve_settings([], load_settings({}, {}, tmp_path))
    (tmp_path / "b").touch()
    named = [str(tmp_path / "a"), str(tmp_path / "b"), str(tmp_path)]
    with pytest.raises(StorageError) as caught:
        serve_settings(named, load_settings({}, {}, tmp_path))
    assert caught.value.facts["wrong"] == [
        f"`{tmp_path / 'a'}` is not there",
        f"`{tmp_path / 'b'}` is a file",
    ]


@pytest.mark.parametrize(
    ("text", "size"),
    [("0", 0), ("17", 17), ("1K", 1024), ("1.5M", 1_572_864), ("20 GiB", 20 << 30), ("2tb", 2 << 40)],
)
def test_sizes_are_written_as_people_write_them(text: str, size: int) -> None:
    assert parse_size(text) == size


def test_everything_wrong_about_upstream_is_told_at_once_but_its_password(tmp_path: Path) -> None:
    flags = {
        "upstream": "ftp://user:secret@host/",
        "upstream_cache_size": "much",
        "upstream_ttl": 0,
        "reserve": ["fine", "acme-*", "*", "a b"],
    }
    with pytest.raises(UsageError) as caught:
        settings_of(tmp_path, flags)
    wrong = caught.value.facts["wrong"]
    assert len(wrong) == 5
    assert "secret" not in f"{caught.value} {wrong}"
