#!/bin/sh
# A program with its packages in one file, made by Pannier: run it as it is, or with a Python. It is unpacked once, into
# the cache. PANNIER_INTERPRETER=1 starts the Python inside instead of the program. What follows is a ZIP archive.
set +e +u +f
_id=@id@ _have=

# _start CACHE ARGUMENT...: gives this process to the program if it is unpacked there. Starts no other process.
_start() {
    _prefix=$1/prefixes/$_id
    shift
    { IFS= read -r _have <"$_prefix/.pannier/complete"; } 2>/dev/null
    [ "$_have" = "$_id" ] && [ -x "$_prefix/bin/python3" ] || return 0
    { true >"$_prefix/.pannier/used"; } 2>/dev/null
    unset PYTHONPATH PYTHONHOME
    PANNIER_PREFIX=$_prefix PYTHONNOUSERSITE=1
    export PANNIER_PREFIX PYTHONNOUSERSITE@variables@
    # Another value is a setting of Pannier's, and nothing to the program.
    if [ "${PANNIER_INTERPRETER-}" = 1 ]; then
        unset PANNIER_INTERPRETER
        exec "$_prefix/bin/python3" "$@"
    fi
    exec @command@ "$@"
}

if [ -n "${PANNIER_CACHE_DIR-}" ]; then
    _cache=$PANNIER_CACHE_DIR
elif [ -n "${XDG_CACHE_HOME-}" ] && [ "${XDG_CACHE_HOME#/}" != "$XDG_CACHE_HOME" ]; then
    _cache=$XDG_CACHE_HOME/pannier
elif [ -n "${HOME-}" ]; then
    _cache=$HOME/.cache/pannier
else
    _cache=/
fi
case $_cache in /*) ;; *) _cache=$PWD/${_cache#./} ;; esac
_start "$_cache" "$@"
if [ -z "${PANNIER_CACHE_DIR-}" ]; then
    # Where everyone may write, only what is ours and no link.
    for _cache in "${TMPDIR:-/tmp}"/pannier-*; do
        if [ -d "$_cache" ] && [ ! -h "$_cache" ] && [ -O "$_cache" ] 2>/dev/null; then _start "$_cache" "$@"; fi
    done
fi

_file=$0 _found=
case $_file in */*) ;; *) if [ -f "./$_file" ]; then _file=./$_file; else _file=$(command -v "$_file"); fi ;; esac
for _name in python@minor@ python3 python; do
    _python=$(command -v "$_name") || continue
    _has=$("$_python" -I -S -c 'import sys, zipimport
print("%s %d.%d %s" % (sys.implementation.name, sys.version_info[0], sys.version_info[1], sys.executable))
try: zipimport.zipimporter(sys.argv[1])
except Exception: sys.exit(3)' "$_file" 2>/dev/null)
    case $? in
        0) ;;
        3)
            printf '%s: error: this file is damaged; copy it again [corrupt-pack]\n' "${0##*/}" >&2
            exit 1
            ;;
        *) continue ;;
    esac
    case $_has in '@implementation@ @minor@ /'*) exec "${_has#* * }" -I -S "$_file" "$@" ;; esac
    _has=${_has#* }
    _found="$_found${_found:+, }$_name is ${_has%% *}"
done
printf '%s: error: this is for %s; PATH has no python%s: %s\n' \
    "${0##*/}" '@implementation@ @minor@ on @place@' '@minor@' "${_found:-no Python 3 at all}" >&2
exit 1
