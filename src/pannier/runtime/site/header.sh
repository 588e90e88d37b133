#!/bin/sh
# pannier-site 1
# Several named Python environments for a machine without internet, in one file: this script, then a ZIP archive that
# any `unzip` lists and checks. `sh THIS-FILE --help` says what it does. The script looks for a Python from 3.6 on, or
# unpacks one that the archive brings, and starts the installer in the archive with it. It is read whole before
# anything is done, and so does nothing when it is cut short.
_main() {
    set +e +u +f
    _self=$0
    case $_self in
        -*) _self=./$_self ;;
    esac
    if [ ! -f "$_self" ] || [ ! -r "$_self" ]; then
        _fail bundle-unreadable "\`$0\` is not the bundle's file" '' 'write the whole path: `sh /PATH/TO/BUNDLE`'
    fi
    # Neither may decide which modules the installer is made of.
    unset PYTHONPATH PYTHONHOME
    _find_python "$@" || _unpack_python
    exec "$_python" -I -B -c "$_boot" "$_self" "$_unpacked" "$@"
    _fail no-interpreter "\`$_python\` could not be started" '' 'name another with PANNIER_PYTHON=/PATH/TO/PYTHON'
}

# _fail CODE SENTENCE FACT HINT
_fail() {
    printf 'error: %s\n' "$2" >&2
    [ -z "$3" ] || printf '  %s\n' "$3" >&2
    [ -z "$4" ] || printf 'hint: %s\n' "$4" >&2
    printf 'code: %s\n' "$1" >&2
    exit 1
}

_unpacked=
_python=
_tried=

# --- A Python of this machine -----------------------------------------------------------------------------------------

# _try PATH: takes a Python that is new enough and has what the installer needs.
_try() {
    [ -f "$1" ] && [ -x "$1" ] || return 1
    case " $_tried " in
        *" $1 "*) return 1 ;;
    esac
    _tried="$_tried $1"
    "$1" -I -S -c 'import sys; assert sys.version_info >= (3, 6); import hashlib, json, zipfile, zlib' \
        </dev/null >/dev/null 2>&1 || return 1
    _python=$1
}

_find_python() {
    # A version is a setting of Pannier's, and nothing to an installer.
    case ${PANNIER_PYTHON-} in
        '' | [0-9]*) ;;
        *)
            _try "$PANNIER_PYTHON" && return 0
            _fail no-interpreter "\`$PANNIER_PYTHON\` is not a Python that the installer can run with" \
                'wanted: Python 3.6 or newer with zlib' 'set PANNIER_PYTHON to another, or unset it'
            ;;
    esac
    _in_path _try_python3 && return 0
    _in_path _try_all && return 0
    for _directory in /usr/bin /usr/local/bin /opt/*/bin; do
        _try "$_directory/python3" && return 0
        _try_all "$_directory" && return 0
    done
    # Red Hat's own for its tools.
    _try /usr/libexec/platform-python && return 0
    _find_installed "$@"
}

# _in_path FUNCTION: calls it with each directory of PATH until it succeeds.
_in_path() {
    _ifs=$IFS
    # A directory's name is no pattern.
    IFS=:
    set -f
    for _directory in $PATH; do
        IFS=$_ifs
        set +f
        "$1" "${_directory:-.}" && return 0
    done
    IFS=$_ifs
    set +f
    return 1
}

_try_python3() { _try "$1/python3"; }

_try_all() {
    for _candidate in "$1"/python3.[0-9] "$1"/python3.[0-9][0-9]; do
        _try "$_candidate" && return 0
    done
    return 1
}

# One that an earlier bundle brought: a bundle of changes does not bring it again.
_find_installed() {
    _prefix=$_site_prefix
    while [ $# -gt 0 ]; do
        case $1 in
            --prefix=*) _prefix=${1#--prefix=} ;;
            --prefix)
                if [ $# -gt 1 ]; then
                    _prefix=$2
                    shift
                fi
                ;;
        esac
        shift
    done
    for _directory in "$_prefix"/.site/interpreters/*/bin; do
        _try_all "$_directory" && return 0
    done
    return 1
}

# --- A Python that the bundle brings ----------------------------------------------------------------------------------

_unpack_python() {
    _machine=$(uname -m)
    _seen=
    # shellcheck disable=SC2086 # five words for each
    set -- $_bundled
    while [ $# -ge 5 ]; do
        if [ "$5" = "$_machine" ]; then
            _unpack_one "$1" "$2" "$3" "$4" && return 0
        fi
        shift 5
    done
    _fail no-interpreter 'there is no Python here that the installer can run with' \
        "wanted: Python 3.6 or newer with zlib${_seen:+; the one in the bundle $_seen}" \
        'name one with PANNIER_PYTHON=/PATH/TO/PYTHON, or make the bundle with `interpreter = "bundled"`'
}

# _unpack_one OFFSET SIZE SHA256 EXECUTABLE
_unpack_one() {
    _found=$(_cut "$1" "$2" | _sha256)
    if [ "$_found" != "$3" ]; then
        _fail corrupt-bundle 'this bundle is damaged or was changed: the interpreter in it' "wanted: $3" \
            'copy the bundle again'
    fi
    for _directory in "${TMPDIR:-/tmp}" /var/tmp /tmp; do
        _unpacked=$(mktemp -d "$_directory/pannier-site.XXXXXX" 2>/dev/null) || continue
        if _cut "$1" "$2" | tar -xzf - -C "$_unpacked" 2>/dev/null && _try "$_unpacked/$4"; then
            return 0
        fi
        rm -rf -- "$_unpacked"
        _unpacked=
    done
    _seen='does not run on this machine'
    return 1
}

_cut() { tail -c "+$(($1 + 1))" "$_self" | head -c "$2"; }

_sha256() {
    if command -v sha256sum >/dev/null 2>&1; then
        sha256sum
    elif command -v shasum >/dev/null 2>&1; then
        shasum -a 256
    else
        openssl dgst -sha256 -r
    fi | {
        read -r _digest _rest
        printf '%s' "$_digest"
    }
}

# --- The installer ----------------------------------------------------------------------------------------------------

# Not `python FILE`: before 3.13 that does not read archives of more than 4 GiB.
_boot='
import sys
path, unpacked = sys.argv[1:3]
import atexit, importlib.util, os, shutil, zipfile
path = os.path.abspath(path)
sys.argv[:] = [path] + sys.argv[3:]
if unpacked:
    owner = os.getpid()
    atexit.register(lambda: os.getpid() == owner and shutil.rmtree(unpacked, ignore_errors=True))
def checked(call, *arguments):
    try:
        return call(*arguments)
    except (OSError, KeyError, ValueError, RuntimeError, NotImplementedError, EOFError, zipfile.BadZipFile) as error:
        sys.stderr.write("error: this bundle is cut short or damaged\n  because: %s\n" % error)
        sys.stderr.write("hint: copy the bundle again and compare its sha256 with the original\n")
        sys.stderr.write("code: corrupt-bundle\n")
        sys.exit(1)
archive = checked(zipfile.ZipFile, path)
members = set(archive.namelist())
program = checked(archive.read, "__main__.py")
class Members:
    def find_spec(self, name, path=None, target=None):
        place = name.replace(".", "/")
        if place + "/__init__.py" in members:
            return importlib.util.spec_from_loader(name, self, origin=place + "/__init__.py", is_package=True)
        if place + ".py" in members:
            return importlib.util.spec_from_loader(name, self, origin=place + ".py")
    def create_module(self, spec):
        return None
    def exec_module(self, module):
        name = module.__spec__.origin
        module.__file__ = path + "/" + name
        exec(compile(checked(archive.read, name), module.__file__, "exec"), module.__dict__)
    def get_source(self, name):
        return archive.read(importlib.util.find_spec(name).origin).decode()
    def get_data(self, name):
        return archive.read(os.path.relpath(name, path))
sys.meta_path.insert(0, Members())
exec(compile(program, path + "/__main__.py", "exec"), {"__name__": "__main__", "__file__": path + "/__main__.py"})
'

# Where the environments go unless `--prefix` says otherwise.
_site_prefix=@PREFIX@
# Offset, size, sha256, executable and machine of each interpreter in this file, the newest first.
_bundled='@INTERPRETERS@'

_main "$@"
exit 1
