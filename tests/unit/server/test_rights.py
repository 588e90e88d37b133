import pytest
from hypothesis import given
from hypothesis import strategies as st

from pannier.model.errors import SpecError, UsageError
from pannier.server.messages import Identity
from pannier.server.rights import Grants, parse_protected, parse_rights

RIGHTS = """
[groups]
team = ["alice", "bob"]

[[rights]]
who = ["@team"]
projects = ["Particle_*", "tool"]
may = ["upload", "list"]

[[rights]]
who = "*"
may = "download"

[[rights]]
who = "carol"
may = ["list", "download", "update", "remove"]
"""


@pytest.mark.parametrize(
    ("user", "right", "project", "is_allowed"),
    [
        ("alice", "update", "particle-core", True),
        ("alice", "update", "tool", True),
        ("alice", "update", "toolbox", False),
        ("alice", "update", "", True),
        ("alice", "remove", "tool", False),
        ("alice", "download", "anything", True),
        ("dave", "download", "anything", True),
        ("dave", "update", "tool", False),
        ("dave", "update", "", False),
        ("carol", "remove", "particle-core", True),
        ("team", "update", "tool", False),
    ],
)
def test_rules_grant_rights_to_users_and_groups_on_patterns(
    user: str, right: str, project: str, is_allowed: bool
) -> None:
    grants = parse_rights(RIGHTS, where="rights.toml")
    assert grants.allows(grants.identity(user), right, project) is is_allowed


def test_whose_right_is_limited_is_told() -> None:
    grants = parse_rights(RIGHTS, where="rights.toml")
    assert grants.is_limited(grants.identity("alice"), "list")
    assert not grants.is_limited(grants.identity("alice"), "download")
    assert not grants.is_limited(grants.identity("carol"), "list")
    assert not Grants().is_limited(Identity("x"), "list")


def test_a_file_without_rules_grants_nothing_and_no_file_everything() -> None:
    assert not parse_rights("", where="x").allows(Identity("alice"), "update", "")
    assert Grants().allows(Identity("alice"), "update", "")


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("x = 1", "`x` is not known"),
        ("groups = 1", "`groups` must be a table"),
        ("rights = 1", "`[[rights]]`"),
        ("rights = [1]", "`[[rights]]`"),
        ('rights = [{ who = "a" }]', "`may` must be"),
        ('rights = [{ may = "list" }]', "`who` must be"),
        ('rights = [{ who = [], may = "list" }]', "`who` must be"),
        ('rights = [{ who = "a", may = "list", project = "x" }]', "`project` is not known"),
        ('rights = [{ who = "a", may = "read" }]', "`read` is no right"),
        ('rights = [{ who = "@a", may = "list" }]', "no group `@a`"),
        ("groups = { team = 1 }", "`team` must be"),
    ],
)
def test_everything_wrong_is_named(text: str, wrong: str) -> None:
    with pytest.raises(SpecError) as refused:
        parse_rights(text, where="rights.toml")
    assert any(wrong in line for line in refused.value.facts["wrong"])
    with pytest.raises(SpecError):
        parse_rights("no TOML", where="rights.toml")


@given(st.text(max_size=100))
def test_no_text_makes_reading_fail_in_another_way_than_by_refusing(text: str) -> None:
    try:
        grants = parse_rights(text, where="x")
    except SpecError:
        return
    assert grants.rules == ()


@pytest.mark.parametrize(
    ("words", "protected"),
    [
        (["."], set()),
        ([], set()),
        (["update"], {"update", "remove"}),
        (["upload"], {"update"}),
        (["List", " download "], {"list", "download"}),
        (["list", "download", "update"], {"list", "download", "update", "remove"}),
    ],
)
def test_what_takes_signing_in_is_said_as_for_pypiserver(words: list[str], protected: set[str]) -> None:
    assert parse_protected(words) == protected


def test_what_is_nothing_to_sign_in_for_is_refused() -> None:
    for words in (["read"], ["list", "."]):
        with pytest.raises(UsageError):
            parse_protected(words)
