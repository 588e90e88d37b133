"""The private index under 200 clients while packages are uploaded, removed and copied in, for SECONDS=60.

Every answer's status and every byte is checked, and memory is looked at all along. Everything is on loopback.
"""

import asyncio
import hashlib
import os
import shutil
import sys
import time
from pathlib import Path

from index_packages import KEPT, make_packages, wheel
from index_speed import serve, upload
from web_servers import Server

CLIENTS = int(os.environ.get("CLIENTS", "200"))
SECONDS = float(os.environ.get("SECONDS", "60"))
WORKERS = "2"


class Watcher:
    """What went wrong, and how much was done."""

    def __init__(self) -> None:
        self.answers = 0
        self.wrong: list[str] = []
        self.memory: list[float] = []


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str) -> tuple[int, bytes]:
    """One request on a connection that stays open."""
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    size = int(head.partition("content-length: ")[2].partition("\r\n")[0])
    return int(head.split()[1]), await reader.readexactly(size)


async def client(port: int, number: int, names: dict[str, str], until: float, watcher: Watcher) -> None:
    """Ask for pages and files again and again, and check what comes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    files = list(names)
    step = number
    while time.monotonic() < until:
        step += 7
        name = files[step % len(files)]
        project = name.split("-")[0].replace("_", "-")
        for path in (
            f"/simple/{project}/",
            f"/packages/{name}",
            "/simple/coming/" if step % 5 else "/simple/",
        ):
            status, body = await ask(reader, writer, path)
            watcher.answers += 1
            if status >= 500 or (status != 200 and "coming" not in path):
                watcher.wrong.append(f"{path}: {status}")
            if path.startswith("/packages/") and hashlib.sha256(body).hexdigest() != names[name]:
                watcher.wrong.append(f"{path}: other bytes")
            if path == f"/simple/{project}/" and names[name].encode() not in body:
                watcher.wrong.append(f"{path}: the file is not listed")
    writer.close()


async def churn(server: Server, packages: Path, until: float, watcher: Watcher) -> None:
    """Upload, copy in slowly and remove; note the memory."""
    number = 0
    while time.monotonic() < until:
        number += 1
        await asyncio.to_thread(upload, server, *wheel("coming", f"1.{number}"))
        name, data = wheel("coming", f"2.{number}", os.urandom(300_000))
        with (packages / name).open("wb") as stream:
            for start in range(0, len(data), 50_000):
                stream.write(data[start : start + 50_000])
                stream.flush()
                await asyncio.sleep(0.01)
        remove_some(packages)
        watcher.memory.append(server.memory())
        await asyncio.sleep(0.05)


def remove_some(packages: Path) -> None:
    """Remove all of what came but the last few."""
    for old in [*packages.glob("coming-1.*"), *packages.glob("coming-2.*")][:-20]:
        old.unlink()


async def run(server: Server, packages: Path, names: dict[str, str]) -> Watcher:
    """All of it at once."""
    watcher = Watcher()
    until = time.monotonic() + SECONDS
    tasks = [client(server.port, number, names, until, watcher) for number in range(CLIENTS)]
    await asyncio.gather(churn(server, packages, until, watcher), *tasks)
    return watcher


def main() -> None:
    """Serve a copy, load it, say what happened; exit status 1 when anything was wrong."""
    packages = KEPT / "load"
    shutil.rmtree(packages, ignore_errors=True)
    shutil.copytree(make_packages(100), packages)
    names = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in packages.glob("*.whl")
        if path.stat().st_size < 1 << 20
    }
    with serve(packages, "-a", ".", "--workers", WORKERS) as server:
        server.wait("/simple/")
        watcher = asyncio.run(run(server, packages, names))
    quarter = max(len(watcher.memory) // 4, 1)
    early, late = max(watcher.memory[:quarter]), max(watcher.memory[-quarter:])
    print(
        f"{CLIENTS} clients for {SECONDS:.0f} s: {watcher.answers} answers, {len(watcher.wrong)} wrong; "
        f"memory of all processes {early:.0f} MB in the first quarter, {late:.0f} MB in the last"
    )
    for line in watcher.wrong[:10]:
        print(f"  {line}")
    sys.exit(1 if watcher.wrong else 0)


if __name__ == "__main__":
    main()
