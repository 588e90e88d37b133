"""Distributions as builders make them, and as nobody should."""

import gzip
import io
import tarfile
import zipfile
from collections.abc import Mapping

Files = Mapping[str, bytes]


def wheel_files(name: str = "demo", version: str = "1.0", metadata: str = "") -> dict[str, bytes]:
    """What is in a wheel."""
    information = f"{name}-{version}.dist-info"
    metadata = metadata or f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    return {
        f"{name}/__init__.py": b"",
        f"{information}/METADATA": metadata.encode(),
        f"{information}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{information}/RECORD": b"",
    }


def zip_of(files: Files, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of these files."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for path, data in files.items():
            archive.writestr(path, data)
    return stream.getvalue()


def streamed_zip_of(files: Files) -> bytes:
    """A zip as a program writes it that cannot go back to fill in sizes."""

    class Pipe(io.RawIOBase):
        data = b""

        def writable(self) -> bool:
            return True

        def write(self, data: object) -> int:
            self.data += bytes(data)  # type: ignore[call-overload]
            return len(bytes(data))  # type: ignore[call-overload]

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[call-overload]
        for path, data in files.items():
            archive.writestr(path, data)
    return pipe.data


def sdist_files(name: str = "demo", version: str = "1.0") -> dict[str, bytes]:
    """What is in an sdist."""
    metadata = f"Metadata-Version: 1.1\nName: {name}\nVersion: {version}\n".encode()
    return {f"{name}-{version}/PKG-INFO": metadata, f"{name}-{version}/setup.py": b"import setuptools\n"}


def tar_of(files: Files, *extra: tarfile.TarInfo) -> bytes:
    """A tar of these files, and of members without content."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for path, data in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        for member in extra:
            archive.addfile(member)
    return stream.getvalue()


def sdist_of(files: Files, *extra: tarfile.TarInfo) -> bytes:
    """A compressed tar of these files."""
    return gzip.compress(tar_of(files, *extra), mtime=0)
