import pytest
from hypothesis import given
from hypothesis import strategies as st

from pannier.formats.htpasswd import check_password, hash_password, parse_htpasswd


def test_a_password_matches_its_own_bcrypt_hash_only() -> None:
    made = hash_password("s3cret", rounds=4)
    assert check_password("s3cret", made)
    assert check_password("s3cret", made.replace("$2b$", "$2y$"))
    assert not check_password("s3cret ", made)
    assert check_password("é" * 80, hash_password("é" * 80, rounds=4))


@pytest.mark.parametrize(
    "password_hash",
    [
        "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=",
        "$apr1$TqI9WECO$6cFBkWfX0yAmaARabWrfW/",
        "$1$TqI9WECO$yni61AhbWIkTOTIIPbkQy1",
        "TqYyUPRRspKCw",
    ],
)
def test_the_older_hashes_are_checked(password_hash: str) -> None:
    assert check_password("password", password_hash)
    assert not check_password("Password", password_hash)


@given(st.text(max_size=40), st.sampled_from(["$2y$", "$apr1$", "{SHA}", "$5$", "$1$", ""]))
def test_a_damaged_hash_matches_nothing(text: str, scheme: str) -> None:
    assert not check_password("password", scheme + text)


def test_lines_that_say_nothing_are_told_by_their_number() -> None:
    entries = parse_htpasswd(
        "# people\n\nalice:{SHA}x\nbob:plain text\nno colon\n:{SHA}x\n"
        "carol:$2y$05$abc:Carol\nalice:$apr1$a$b\n"
    )
    assert entries.hashes == {"alice": "$apr1$a$b", "carol": "$2y$05$abc"}
    assert entries.unusable == (4, 5, 6)
