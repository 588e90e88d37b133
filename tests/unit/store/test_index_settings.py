from pathlib import Path

import pytest

from pannier.model.errors import FetchError, SpecError
from pannier.store.index_settings import IndexSettings, check_places, read_index_settings
from pannier.store.redaction import redact


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    _write(
        tmp_path / "etc/pip.conf", "[global]\nindex-url = https://machine.example/simple\nno-index = false\n"
    )
    _write(
        tmp_path / "home/.config/pip/pip.conf",
        "[global]\nextra-index-url = https://a.example/s\n  file:///dir/simple\n"
        "[install]\nfind_links = /wheels\n",
    )
    return tmp_path


def _read(home: Path, **environ: str) -> IndexSettings:
    return read_index_settings({"HOME": str(home / "home"), **environ}, system=home / "etc")


def test_pips_files_are_merged_from_machine_to_user(home: Path) -> None:
    settings = _read(home)
    assert settings.index_url == "https://machine.example/simple"
    assert settings.extra_index_urls == ("https://a.example/s", "file:///dir/simple")
    assert settings.find_links == ("/wheels",)
    assert not settings.no_index
    assert not settings.by_uv


def test_pips_variables_win_over_its_files(home: Path) -> None:
    settings = _read(
        home,
        PIP_INDEX_URL="https://v.example/simple",
        PIP_TRUSTED_HOST="v.example",
        PIP_NO_INDEX="1",
        PIP_CERT="/c",
    )
    assert settings.index_url == "https://v.example/simple"
    assert settings.to_uv_environment() == {
        "UV_DEFAULT_INDEX": "https://v.example/simple",
        "UV_INDEX": "https://a.example/s file:///dir/simple",
        "UV_FIND_LINKS": "/wheels",
        "UV_NO_INDEX": "1",
        "UV_INSECURE_HOST": "v.example",
        "SSL_CERT_FILE": "/c",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
    }


def test_a_named_file_and_the_active_environments_are_read(home: Path) -> None:
    _write(home / "venv/pip.conf", "[global]\nindex-url = https://venv.example/\n")
    _write(home / "named.conf", "[global]\nindex-url = https://named.example/\n")
    assert _read(home, VIRTUAL_ENV=str(home / "venv")).index_url == "https://venv.example/"
    named = _read(home, VIRTUAL_ENV=str(home / "venv"), PIP_CONFIG_FILE=str(home / "named.conf"))
    assert named.index_url == "https://named.example/"
    assert _read(home, PIP_CONFIG_FILE="/dev/null") == IndexSettings()


def test_where_uv_names_an_index_pip_is_not_asked(home: Path) -> None:
    by_variable = _read(home, UV_INDEX="corp=https://me:p%40ss@uv.example/simple")
    assert by_variable.by_uv
    assert by_variable.to_uv_environment() == {}
    assert by_variable.credentials() == {"uv.example": ("me", "p@ss")}
    _write(home / "home/.config/uv/uv.toml", '[[index]]\nurl = "https://uv.example/simple"\n')
    assert _read(home).by_uv


def test_flags_replace_option_by_option(home: Path) -> None:
    settings = _read(home, PIP_NO_INDEX="1").with_flags(index_url="https://flag.example/")
    assert settings.index_url == "https://flag.example/"
    assert settings.find_links == ("/wheels",)
    assert not settings.no_index


def test_a_broken_file_is_named(home: Path) -> None:
    _write(home / "etc/pip.conf", "no section\n")
    with pytest.raises(SpecError) as caught:
        _read(home)
    assert "pip.conf" in str(caught.value.facts["file"])


def test_secrets_in_urls_are_hidden() -> None:
    text = "get https://me:secret@host.example/a?X-Amz-Signature=abc&b=1 and http://tok@x/"
    assert redact(text) == "get https://****@host.example/a?X-Amz-Signature=****&b=1 and http://****@x/"


def test_directories_of_the_command_line_hold_wherever_the_resolver_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = IndexSettings().with_flags(find_links=("wheels/", "https://a.test/links"))
    assert settings.find_links == (str(tmp_path / "wheels"), "https://a.test/links")


def test_places_that_are_neither_urls_nor_there_are_all_named(tmp_path: Path) -> None:
    check_places(
        ["", "https://index.example/simple/", "file:///wheels", str(tmp_path), "mine=https://a.test/"]
    )
    with pytest.raises(FetchError) as caught:
        check_places(["nonsense", str(tmp_path), str(tmp_path / "absent")])
    assert caught.value.facts["missing"] == ["nonsense", str(tmp_path / "absent")]
