"""The scripts that a package manager runs for a package: they make byte code, and take it away again.

Packages carry none: what Python itself would write beside its modules has to go when the package does, so it
is made at once. That it cannot be made is no reason to refuse a package: it runs all the same.
"""

# Links to directories are not followed.
_COMPILE = (
    '"{prefix}/bin/python3" -I -m compileall -qq -j 0 "{prefix}/lib" "{prefix}/program"'
    " >/dev/null 2>&1 || true"
)
_CLEAN = 'find "{prefix}" -type d -name __pycache__ -prune -exec rm -rf -- {{}} + 2>/dev/null || true'


def format_compile(prefix: str) -> str:
    """Write the command that compiles everything below a prefix, an absolute path, and never fails."""
    return _COMPILE.format(prefix=prefix)


def format_clean(prefix: str) -> str:
    """Write the command that takes all byte code away from below a prefix, and never fails."""
    return _CLEAN.format(prefix=prefix)


def debian_scripts(prefix: str) -> dict[str, bytes]:
    """Write the scripts of a Debian package (Policy 6), by their names; the prefix is an absolute path."""
    head = "#!/bin/sh\nset -e\n"
    return {
        "postinst": f'{head}if [ "$1" = configure ]; then\n    {format_compile(prefix)}\nfi\n'.encode(),
        "prerm": f"{head}{format_clean(prefix)}\n".encode(),
    }


def debian_runtime_hook(prefix: str) -> bytes:
    """Write what Debian calls when `python3` becomes another minor (`/usr/share/python3/runtime.d`)."""
    return (
        f'#!/bin/sh\nset -e\nif [ "$1" = rtupdate ]; then\n    {format_clean(prefix)}\n'
        f"    {format_compile(prefix)}\nfi\n"
    ).encode()
