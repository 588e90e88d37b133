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
    printf '%s\n' "error: the dependencies of this program are missing, $here/"@STUB@": copy that directory too, or run \`pannier vendor\` again" >&2
    exit 1
fi
for python in ${PANNIER_PYTHON:+"$PANNIER_PYTHON"} @PYTHONS@; do
    command -v "$python" >/dev/null 2>&1 || continue
    case $python:$PATH in
        python3:* | /*) ;;
        # What stands there for a Python may only say that none is chosen.
        *shims*) "$python" -S -s -c '' >/dev/null 2>&1 || continue ;;
    esac
    exec "$python" -S -s "$here/"@STUB@ @ENTRY@ "$@"
done
printf '%s\n' "error: no Python is found, and this needs @VERSIONS@: install one, or name it with PANNIER_PYTHON" >&2
exit 1
