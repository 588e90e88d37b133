"""Bring the wheels that are locked for a program, check each against its hash, and lay them out.

With the standard library of Python 3.6 or newer alone. What is made appears whole or not at all: a directory
of its own, renamed when it is done. Starts that race wait for the one that came first.
"""

import base64
import configparser
import fcntl
import hashlib
import json
import os
import shutil
import ssl
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from html.parser import HTMLParser
from typing import Any, Dict, Iterator, List, Optional, Tuple

Wheel = Dict[str, Any]
_STAGE = ".stage-"
_BLOCK = 1 << 17
_TRIES = 3
_TIMEOUT_SECONDS = 30
_PARALLEL = 4


class ProvisionError(Exception):
    """What could not be fetched or laid out, in one line with what to do."""


def provide(tree: str, label: str, cache: str) -> str:
    """Return the directory with everything that is locked for `label`, after fetching what is missing.

    Args:
        tree: The directory with `locked.json`, and `wheels/` for what no index has.
        label: Which of the targets.
        cache: Where to put it when the tree cannot be written.
    """
    try:
        with open(os.path.join(tree, "locked.json"), encoding="utf-8") as stream:
            wheels = json.load(stream)[label]
        root = _writable_root(tree, cache)
        with _alone(root):
            place = os.path.join(root, label)
            if not os.path.isdir(place):
                _make(tree, wheels, root, place)
    except ProvisionError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as error:
        sys.exit(f"error: `{error.filename or tree}` cannot be written or read: {error.strerror or error}")
    return place


def _writable_root(tree: str, cache: str) -> str:
    """The place beside the program, or the user's cache where that cannot be written."""
    root = os.path.join(tree, "fetched")
    try:
        os.makedirs(root, exist_ok=True)
        with open(os.path.join(root, ".lock"), "a"):
            return root
    except OSError as error:
        _say(f"{tree} cannot be written ({error.strerror}): dependencies go to {cache}")
    os.makedirs(cache, mode=0o700, exist_ok=True)
    found = os.stat(cache)
    if found.st_uid != os.getuid():
        raise ProvisionError(f"`{cache}` belongs to someone else: name a cache with PANNIER_CACHE_DIR")
    return cache


@contextmanager
def _alone(root: str) -> Iterator[None]:
    """Hold the lock of a place, which the kernel ends with the process; remove what nobody finished."""
    with open(os.path.join(root, ".lock"), "a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("waiting for another start that fetches the same dependencies")
            fcntl.flock(stream, fcntl.LOCK_EX)
        except OSError:
            # A file system without locks: each makes its own, and the first to rename it wins.
            yield
            return
        for name in os.listdir(root):
            if name.startswith(_STAGE):
                shutil.rmtree(os.path.join(root, name), ignore_errors=True)
        yield


def _make(tree: str, wheels: List[Wheel], root: str, place: str) -> None:
    stage = os.path.join(root, f"{_STAGE}{os.getpid()}-{int(time.time() * 1000)}")
    content, archives = os.path.join(stage, "content"), os.path.join(stage, "wheels")
    os.makedirs(content)
    os.mkdir(archives)
    try:
        size = sum(wheel.get("size") or 0 for wheel in wheels)
        _say("fetching {} ({:.1f} MB) to {}".format(_count(len(wheels), "distribution"), size / 1e6, place))
        files = _fetch_all(tree, wheels, archives)
        for file in files:
            unpack(file, content)
        shutil.rmtree(archives)
        _compile(content)
        if any(name.endswith(".pth") for name in os.listdir(content)):
            with open(os.path.join(content, ".has-pth"), "w"):
                pass
        try:
            os.rename(content, place)
        except OSError:
            if not os.path.isdir(place):
                raise
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _fetch_all(tree: str, wheels: List[Wheel], archives: str) -> List[str]:
    client = Client(os.environ)
    with ThreadPoolExecutor(_PARALLEL) as pool:
        waiting = [pool.submit(_bring, client, tree, wheel, archives) for wheel in wheels]
        problems = [str(error) for error in (future.exception() for future in waiting) if error is not None]
        if problems:
            raise ProvisionError("; ".join(problems[:3]))
        return [future.result() for future in waiting]


def _bring(client: "Client", tree: str, wheel: Wheel, archives: str) -> str:
    path = os.path.join(archives, wheel["filename"])
    if wheel.get("path"):
        shutil.copyfile(os.path.join(tree, wheel["path"]), path)
        found = _sha256_of(path)
        if found != wheel["sha256"]:
            raise ProvisionError(_wrong_hash(wheel, found, wheel["path"]))
        return path
    reasons = []  # type: List[str]
    for url in client.urls(wheel, reasons):
        try:
            client.download(url, path, wheel)
        except (OSError, ValueError) as error:
            is_answer = isinstance(error, urllib.error.HTTPError)  # which says its number by itself alone
            reason = error if is_answer else getattr(error, "reason", None) or error
            reasons.append(f"{_without_password(url)}: {reason}")
        else:
            return path
    said = "; ".join(reasons) or "no URL"
    advice = "check the network and the proxy (https_proxy), or name a mirror with PIP_INDEX_URL"
    raise ProvisionError(f"`{wheel['filename']}` could not be fetched ({said}): {advice}")


class Client:
    """Asks a mirror first where the user's pip has one, and then the place that was locked.

    Proxies are pip's or the environment's (`https_proxy`, `no_proxy`), certificates those of the system, of
    `SSL_CERT_FILE`, `REQUESTS_CA_BUNDLE` or pip; user names and passwords come from URLs and ~/.netrc.

    Args:
        environ: Environment variables.
    """

    def __init__(self, environ: Any) -> None:
        self._mirrors = mirrors_of(environ)
        context = ssl.create_default_context()
        for path in (pip_option(environ, "cert"), environ.get("REQUESTS_CA_BUNDLE")):
            if path and os.path.exists(path):
                is_file = os.path.isfile(path)
                context.load_verify_locations(
                    cafile=path if is_file else None, capath=None if is_file else path
                )
        handlers = [urllib.request.HTTPSHandler(context=context)]  # type: List[Any]
        proxy = pip_option(environ, "proxy")
        if proxy:
            proxy = proxy if "://" in proxy else "http://" + proxy
            handlers.append(urllib.request.ProxyHandler({"http": proxy, "https": proxy}))
        self._opener = urllib.request.build_opener(*handlers)

    def urls(self, wheel: Wheel, reasons: List[str]) -> Iterator[str]:
        """Where a wheel may lie, in the order to try; what a mirror said against it goes to `reasons`."""
        for mirror in self._mirrors:
            page = "{}/{}/".format(mirror.rstrip("/"), wheel["project"])
            try:
                with self._open(page, "text/html") as answer:
                    links = _links(answer.read().decode("utf-8", "replace"))
                    base = answer.geturl()
            except (OSError, ValueError) as error:
                reasons.append(f"{_without_password(page)}: {error}")
                continue
            for link in links:
                url = urllib.parse.urljoin(_with_password_of(base, page), link).partition("#")[0]
                if urllib.parse.unquote(url.rpartition("/")[2].partition("?")[0]) == wheel["filename"]:
                    yield url
                    break
            else:
                reasons.append(f"{_without_password(page)} does not offer it")
        if wheel.get("url"):
            yield wheel["url"]

    def download(self, url: str, path: str, wheel: Wheel) -> None:
        """Write what lies at a URL, after three tries at most; refuse another hash than the locked one."""
        for number in range(_TRIES):
            try:
                found = self._copy(url, path)
                break
            except urllib.error.HTTPError as error:
                if error.code < 500 and error.code not in (408, 429):
                    raise
                last = error  # type: Exception
            except (OSError, ValueError) as error:
                last = error
            if number + 1 == _TRIES:
                raise last
            time.sleep(0.5 * 2**number)
        if found != wheel["sha256"]:
            raise ProvisionError(_wrong_hash(wheel, found, _without_password(url)))

    def _copy(self, url: str, path: str) -> str:
        digest, size = hashlib.sha256(), 0
        with self._open(url, "*/*") as answer, open(path, "wb") as stream:
            while True:
                block = answer.read(_BLOCK)
                if not block:
                    break
                digest.update(block)
                size += len(block)
                stream.write(block)
            said = answer.headers.get("Content-Length")
        if said is not None and int(said) != size:
            raise OSError(f"the answer broke off after {size} of {said} bytes")
        return digest.hexdigest()

    def _open(self, url: str, accept: str) -> Any:
        parts = urllib.parse.urlsplit(url)
        bare = urllib.parse.urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
        headers = {"Accept": accept, "User-Agent": "pannier-vendored"}
        login = _login_of(parts)
        if login is not None:
            headers["Authorization"] = "Basic " + base64.b64encode(":".join(login).encode()).decode()
        request = urllib.request.Request(bare)  # noqa: S310 - what comes must have the locked hash
        for name, value in headers.items():
            request.add_unredirected_header(name, value)
        return self._opener.open(request, timeout=_TIMEOUT_SECONDS)


def mirrors_of(environ: Any) -> List[str]:
    """The index of the user's pip or uv, where one is set: variables, then pip's files."""
    for name in ("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL"):
        if environ.get(name):
            # uv's may begin with a name for it: `team=https://...`.
            name_of, _, url = environ[name].partition("=")
            return [url if name == "UV_DEFAULT_INDEX" and ":" not in name_of else environ[name]]
    index = pip_option(environ, "index-url")
    return [index] if index else []


def pip_option(environ: Any, option: str) -> str:
    """What the user's pip is told by its variable or its configuration files; empty for nothing."""
    said = environ.get("PIP_" + option.upper().replace("-", "_"))
    if said or environ.get("PIP_CONFIG_FILE") == os.devnull:
        return said or ""
    home = os.path.expanduser("~")
    config = environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")
    files = [environ.get("PIP_CONFIG_FILE", ""), os.path.join(config, "pip", "pip.conf")]
    files += [os.path.join(home, ".pip", "pip.conf"), "/etc/pip.conf"]
    for file in files:
        parser = configparser.RawConfigParser()
        try:
            parser.read([file] if file else [], encoding="utf-8")
            for section in ("install", "global"):
                for name in (option, option.replace("-", "_")):
                    if parser.has_option(section, name):
                        return parser.get(section, name)
        except (configparser.Error, UnicodeDecodeError):
            continue
    return ""


def unpack(wheel: str, directory: str) -> None:
    """Lay a wheel out in a directory, as `pip install --target` does but for console scripts (PEP 427)."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            for info in archive.infolist():
                place = _place_of(info.filename)
                if place and not info.filename.endswith("/"):
                    _extract(archive, info, os.path.join(directory, place))
    except (zipfile.BadZipFile, EOFError) as error:
        raise ProvisionError(f"`{os.path.basename(wheel)}` is damaged: {error}") from None


def _place_of(name: str) -> str:
    parts = name.split("/")
    if name.startswith("/") or ".." in parts or "\\" in name or "\0" in name:
        raise ProvisionError(f"a wheel holds `{name!a}`, which no wheel may")
    if "__pycache__" in parts:
        return ""
    if parts[0].endswith(".data") and len(parts) > 2:
        schemes = {"purelib": "", "platlib": "", "data": "", "scripts": "bin/"}
        return schemes[parts[1]] + "/".join(parts[2:]) if parts[1] in schemes else ""
    return name


def _extract(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with archive.open(info) as source, open(path, "wb") as stream:
        shutil.copyfileobj(source, stream, _BLOCK)
    if info.external_attr >> 16 & 0o111 or os.path.basename(os.path.dirname(path)) == "bin":
        os.chmod(path, os.stat(path).st_mode | 0o111)  # noqa: S103 - as its owner's umask left it


def _compile(directory: str) -> None:
    """Make byte code that is valid whatever time the sources have; before 3.7 there is none such."""
    import compileall

    options = {"quiet": 2, "workers": len(os.sched_getaffinity(0))}  # type: Dict[str, Any]
    if sys.version_info >= (3, 7):
        import py_compile

        options["invalidation_mode"] = py_compile.PycInvalidationMode.UNCHECKED_HASH
    home = os.getcwd()
    os.chdir(directory)  # no path of the stage gets into the byte code
    try:
        compileall.compile_dir(".", maxlevels=50, **options)
    finally:
        os.chdir(home)


class _Anchors(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links = []  # type: List[str]

    def handle_starttag(self, tag: str, attrs: List[Tuple[str, Optional[str]]]) -> None:
        """Keep where an anchor leads."""
        self.links += [value for name, value in attrs if tag == "a" and name == "href" and value]

    def error(self, message: str) -> None:
        """Say what Python 3.6 asks this class for."""
        raise ValueError(message)


def _links(page: str) -> List[str]:
    anchors = _Anchors()
    anchors.feed(page)
    return anchors.links


def _login_of(parts: urllib.parse.SplitResult) -> Optional[Tuple[str, str]]:
    if parts.username is not None:
        return urllib.parse.unquote(parts.username), urllib.parse.unquote(parts.password or "")
    import netrc

    try:
        found = netrc.netrc(os.environ.get("NETRC") or None).authenticators(parts.hostname or "")
    except (OSError, netrc.NetrcParseError):
        return None
    return (found[0], found[2] or "") if found else None


def _with_password_of(url: str, other: str) -> str:
    """`url` with the user name and password of another URL of the same host."""
    mine, theirs = urllib.parse.urlsplit(url), urllib.parse.urlsplit(other)
    if mine.hostname != theirs.hostname or "@" not in theirs.netloc or "@" in mine.netloc:
        return url
    return urllib.parse.urlunsplit(mine._replace(netloc=theirs.netloc.rpartition("@")[0] + "@" + mine.netloc))


def _without_password(url: str) -> str:
    parts = urllib.parse.urlsplit(url)
    return urllib.parse.urlunsplit(
        parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="")
    )


def _wrong_hash(wheel: Wheel, found: str, where: str) -> str:
    return "`{}` is not the file that was locked (sha256 {}..., not {}...), from {}: do not use it".format(
        wheel["filename"], found[:16], wheel["sha256"][:16], where
    )


def _sha256_of(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        for block in iter(lambda: stream.read(_BLOCK), b""):
            digest.update(block)
    return digest.hexdigest()


def _count(number: int, noun: str) -> str:
    return "{} {}{}".format(number, noun, "" if number == 1 else "s")


def _say(text: str) -> None:
    sys.stderr.write(f"{os.path.basename(sys.argv[1] if len(sys.argv) > 1 else sys.argv[0])}: {text}\n")
