"""Settings come from a file, then variables, then flags."""

from pathlib import Path

import pytest

from pannier.api.settings import SETTINGS, Settings, load_settings
from pannier.model.errors import SpecError, UsageError


def test_without_anything_the_defaults_hold(tmp_path: Path) -> None:
    assert load_settings({}, {}, tmp_path) == Settings()


def test_variables_win_over_the_file_and_flags_over_both(tmp_path: Path) -> None:
    (tmp_path / "pannier.toml").write_text('python = "3.9"\nplatform = "linux-x86_64"\noffline = true\n')
    settings = load_settings(
        {"python": "3.12"}, {"PANNIER_PYTHON": "3.10", "PANNIER_PLATFORM": "x"}, tmp_path
    )
    assert settings.python == "3.12"
    assert settings.platform == "x"
    assert settings.offline


def test_a_flag_that_was_not_given_changes_nothing(tmp_path: Path) -> None:
    # A path there is for launchers and installers of ours.
    assert load_settings({}, {"PANNIER_PYTHON": "/opt/python/bin/python3"}, tmp_path).python == ""
    settings = load_settings({"python": None, "json": True}, {"PANNIER_PYTHON": "3.10"}, tmp_path)
    assert settings.python == "3.10"


def test_the_nearest_file_upwards_is_read(tmp_path: Path) -> None:
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text('[tool.pannier]\nfind-links = ["wheels"]\n')
    assert load_settings({}, {}, below).find_links == (str(tmp_path / "wheels"),)
    (tmp_path / "a" / "pannier.toml").write_text('find-links = ["https://files.example/"]\n')
    assert load_settings({}, {}, below).find_links == ("https://files.example/",)


def test_a_pyproject_without_our_table_is_passed_over(tmp_path: Path) -> None:
    below = tmp_path / "a"
    below.mkdir()
    (below / "pyproject.toml").write_text("[tool.other]\nx = 1\n")
    (tmp_path / "pannier.toml").write_text('python = "3.9"\n')
    assert load_settings({}, {}, below).python == "3.9"


def test_paths_in_a_file_are_relative_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "pannier.toml").write_text('include = ["data"]\ncache-dir = "cache"\n')
    settings = load_settings({}, {}, tmp_path / "deep")
    assert settings.include == (str(tmp_path / "data"),)
    assert settings.cache_root == tmp_path / "cache"


def test_every_wrong_key_is_named_at_once(tmp_path: Path) -> None:
    (tmp_path / "pannier.toml").write_text('colour = "red"\noffline = "yes"\nfind-links = [1]\n')
    with pytest.raises(SpecError) as caught:
        load_settings({}, {}, tmp_path)
    assert caught.value.code == "settings-invalid"
    assert [text.split("`")[1] for text in caught.value.facts["wrong"]] == ["colour", "offline", "find-links"]


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    (tmp_path / "pannier.toml").write_text("= 1\n")
    with pytest.raises(SpecError) as caught:
        load_settings({}, {}, tmp_path)
    assert "pannier.toml" in caught.value.message


def test_variables_are_read_by_their_kind(tmp_path: Path) -> None:
    environ = {
        "PANNIER_OFFLINE": "yes",
        "PANNIER_FIND_LINKS": "one two",
        "PANNIER_MAPPING": "acme=acme-db x=y",
        "PANNIER_PYTHON": "",
    }
    settings = load_settings({}, environ, tmp_path)
    assert settings.offline
    assert settings.find_links == ("one", "two")
    assert settings.mapping == {"acme": "acme-db", "x": "y"}
    assert settings.python == ""


@pytest.mark.parametrize(("name", "value"), [("PANNIER_OFFLINE", "perhaps"), ("PANNIER_MAPPING", "acme")])
def test_a_variable_that_cannot_be_is_refused(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_settings({}, {name: value}, tmp_path)
    assert name in caught.value.message


def test_every_setting_has_a_field_of_its_name() -> None:
    fields = set(Settings._fields) - {"environ", "tables", "named"}
    assert {name.replace("-", "_") for name in SETTINGS} == fields


def test_a_verbs_table_is_read_from_all_three_places(tmp_path: Path) -> None:
    (tmp_path / "pannier.toml").write_text(
        '[release]\nindex = "a"\ntag-format = "{version}"\nchangelog = "NEWS"\n'
    )
    environ = {
        "PANNIER_RELEASE_INDEX": "b",
        "PANNIER_RELEASE_CHANGELOG": "CHANGES",
        "PANNIER_RELEASE_PUSH": "1",
    }
    settings = load_settings({"index": "c", "allow_top_level": ["tests"]}, environ, tmp_path)
    assert settings.tables["release"] == {
        "index": "c",
        "tag_format": "{version}",
        "changelog": "CHANGES",
        "push": True,
        "allow_top_level": ("tests",),
    }


def test_a_named_table_is_read_from_the_file_and_its_variables(tmp_path: Path) -> None:
    (tmp_path / "pannier.toml").write_text('[index.my-team]\nurl = "http://a/simple/"\nusername = "ann"\n')
    environ = {
        "PANNIER_INDEX_MY_TEAM_USERNAME": "bob",
        "PANNIER_INDEX_MY_TEAM_PASSWORD": "x",
        "PANNIER_INDEX_URL": "u",
    }
    settings = load_settings({}, environ, tmp_path)
    assert settings.entry("index", "my-team") == {
        "url": "http://a/simple/",
        "username": "bob",
        "password": "x",
    }
    assert settings.entry("index", "other") == {}
    assert settings.index_url == "u"


def test_what_is_wrong_in_tables_is_named_with_the_rest(tmp_path: Path) -> None:
    (tmp_path / "pannier.toml").write_text(
        'colour = "red"\n[release]\npush = "yes"\nx = 1\n[index]\ny = 2\n[index.a]\npassword = "secret"\n'
    )
    with pytest.raises(SpecError) as caught:
        load_settings({}, {}, tmp_path)
    assert [text.split("`")[1] for text in caught.value.facts["wrong"]] == [
        "colour",
        "release.push",
        "release.x",
        "index.y",
        "index.a.password",
    ]
    assert "secret" not in str(caught.value.facts).replace("is a secret", "")


def test_a_misspelt_setting_is_told_with_the_one_that_was_meant(tmp_path: Path) -> None:
    (tmp_path / "pannier.toml").write_text('find-link = ["a"]\n[release]\nindx = "a"\n')
    with pytest.raises(SpecError) as caught:
        load_settings({}, {}, tmp_path)
    assert [text.split("mean ")[1] for text in caught.value.facts["wrong"]] == ["`find-links`?", "`index`?"]


def test_a_number_is_no_flag(tmp_path: Path) -> None:
    (tmp_path / "pannier.toml").write_text("offline = 1\n")
    with pytest.raises(SpecError):
        load_settings({}, {}, tmp_path)
