import hashlib
import io
import tarfile

import pytest

from pannier.model.errors import PackError
from pannier.pack.contents import Item, item_of_bytes
from pannier.pack.image_archive import ArchivedImage, write_archive

ITEMS = [
    item_of_bytes("usr/lib/b", b"x" * 1025),
    item_of_bytes("usr/bin/a", b"#!/bin/sh\n", executable=True),
    Item("usr/lib/link", link_target="b"),
]


def written(items: list[Item]) -> tuple[bytes, ArchivedImage]:
    stream = io.BytesIO()
    image = write_archive(items, stream, 7)
    return stream.getvalue(), image


def test_all_is_roots_and_of_one_date_parents_before_children() -> None:
    data, image = written(ITEMS)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        members = archive.getmembers()
    names = [member.name for member in members]
    assert names == [".", "./usr", "./usr/bin", "./usr/lib", "./usr/bin/a", "./usr/lib/b", "./usr/lib/link"]
    assert {(member.uname, member.gname, member.uid, member.mtime) for member in members} == {
        ("root", "root", 0, 7)
    }
    assert [member.mode for member in members] == [0o755] * 5 + [0o644, 0o777]
    assert members[-1].linkname == "b"
    assert image.md5 == (
        (hashlib.md5(b"#!/bin/sh\n").hexdigest(), "usr/bin/a"),
        (hashlib.md5(b"x" * 1025).hexdigest(), "usr/lib/b"),
    )


def test_the_size_installed_counts_whole_kibibytes_and_one_for_all_else() -> None:
    _, image = written(ITEMS)
    directories, link = 3, 1
    assert image.size == 1024 * (directories + link + 1 + 2)


def test_the_order_given_does_not_matter() -> None:
    assert written(ITEMS) == written(ITEMS[::-1])


def test_a_content_that_is_not_what_was_said_is_refused() -> None:
    with pytest.raises(PackError) as caught:
        written([Item("a", 3, lambda: (b"xy",))])
    assert caught.value.code == "content-changed"
    with pytest.raises(PackError) as caught:
        written([Item("a", 2, lambda: (b"xy",), crc32=1)])
    assert caught.value.code == "content-changed"


def test_progress_is_told_in_bytes_of_content() -> None:
    heard: list[int] = []
    write_archive(ITEMS, io.BytesIO(), 7, heard.append)
    assert sum(heard) == 1025 + 10
