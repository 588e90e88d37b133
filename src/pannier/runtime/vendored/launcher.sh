#!/bin/sh
# Written by `pannier vendor`: starts @PROGRAM@ with what lies in @DIRECTORY@, from wherever it is called.
self=$0
case $self in
    */*) ;;
    *) if [ -f "$self" ]; then self=./$self; else self=$(command -v -- "$self"); fi ;;
esac
if [ -h "$self" ]; then
    self=$(readlink -f -- "$self" && printf .)
    self=${self%?.}
fi
here=${self%/*}
case $here in
    /*) ;;
    .) here=$PWD ;;
    '') here=/ ;;
    *) here=$PWD/${here#./} ;;
esac
unset PYTHONPATH PYTHONHOME
PYTHONNOUSERSITE=1
export PYTHONNOUSERSITE
if [ ! -f "$here/"@STUB@ ]; then
    printf '%s\n' "error: the dependencies of this program are missing: $here/"@STUB@": copy that directory too, or run \`pannier vendor\` again" >&2
    exit 1
fi
for python in ${PANNIER_PYTHON:+"$PANNIER_PYTHON"} @PYTHONS@; do
    if command -v "$python" >/dev/null 2>&1; then
        exec "$python" -S -s "$here/"@STUB@ @ENTRY@ "$@"
    fi
done
printf '%s\n' "error: no Python is on PATH, and this needs one: @VERSIONS@; install it, or name it with PANNIER_PYTHON" >&2
exit 1
