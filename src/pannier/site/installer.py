"""The installer as it travels in a bundle: its modules, what they import, and the shell script in front."""

import ast
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from pannier.site.bundle_plan import PlannedInterpreter

_MAIN = b'''"""Starts the installer: `sh BUNDLE VERB ...` and `python3 BUNDLE VERB ...` both come here."""

import sys

from pannier.runtime.site.command import main

sys.exit(main(sys.argv[1:], sys.argv[0]))
'''
_ENTRY = "pannier.runtime.site.command"


def installer_members() -> dict[str, bytes]:
    """The installer's files: path in the bundle to content."""
    import pannier

    root = Path(next(iter(pannier.__path__))).parent
    found: dict[str, bytes] = {"__main__.py": _MAIN}
    waiting = [_ENTRY]
    while waiting:
        path = _module_path(root, waiting.pop())
        name = path.relative_to(root).as_posix() if path else ""
        if path is None or name in found:
            continue
        found[name] = path.read_bytes()
        waiting += _imported(_dotted(name), found[name], is_package=name.endswith("/__init__.py"))
    return found


def _dotted(name: str) -> str:
    return name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _module_path(root: Path, module: str) -> Path | None:
    """The file of a module of ours; `None` where the dotted name is a function's, or of another's."""
    base = root.joinpath(*module.split("."))
    return next((path for path in (base / "__init__.py", base.with_suffix(".py")) if path.is_file()), None)


def _imported(module: str, source: bytes, *, is_package: bool) -> Iterator[str]:
    """Modules of ours that a module may import, and the packages above each and itself."""
    yield from _with_parents(module)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _with_parents(alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = _base(module, node, is_package=is_package)
            for alias in node.names:
                yield from _with_parents(f"{base}.{alias.name}")


def _base(module: str, node: ast.ImportFrom, *, is_package: bool) -> str:
    if not node.level:
        return node.module or ""
    parts = module.split(".")
    above = parts[: len(parts) - node.level + is_package]
    return ".".join([*above, *([node.module] if node.module else [])])


def _with_parents(module: str) -> Iterable[str]:
    parts = module.split(".")
    if parts[0] != "pannier":
        return ()
    return [".".join(parts[: count + 1]) for count in range(len(parts))]


def format_header(prefix: str, interpreters: Sequence[tuple[PlannedInterpreter, int]]) -> bytes:
    """Fill in the shell script.

    Args:
        prefix: Where the site's environments live on the server.
        interpreters: Those in the file, the newest first, each with the offset of its content.
    """
    import pannier.runtime.site

    directory = Path(next(iter(pannier.runtime.site.__path__)))
    text = (directory / "header.sh").read_text(encoding="utf-8")
    lines = [
        # Digits in columns: the script's length must not depend on the offsets, which depend on it.
        f"{offset:>20} {one.size} {one.sha256} {one.executable} {one.machine}\n"
        for one, offset in interpreters
        if _starts_the_installer(one)
    ]
    quoted = "'" + prefix.replace("'", "'\\''") + "'"
    return text.replace("@PREFIX@", quoted).replace("@INTERPRETERS@", "".join(lines)).encode()


def _starts_the_installer(interpreter: PlannedInterpreter) -> bool:
    return not interpreter.version.startswith("2.")
