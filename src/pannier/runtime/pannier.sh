#!/bin/sh
# The front door. `pannier run FILE ...` goes straight to the launcher, for a Python that only decides what to
# execute would cost every task more than the launcher does. Everything else is Python's.

# Installers of commands link this file from elsewhere; its siblings lie beside the file itself.
_self=$0
case $_self in
    */*) ;;
    *) if [ -f "$_self" ]; then _self=./$_self; else _self=$(command -v "$_self"); fi ;;
esac
if [ -h "$_self" ]; then
    _newline='
'
    _link=$(readlink -f -- "$_self" && printf .) && _self=${_link%"$_newline".}
fi
_bin=${_self%/*}

if [ "${1-}" = run ] && [ "$#" -gt 1 ]; then
    case $2 in
        -*) ;;
        *)
            _environment=$2
            shift 2
            if [ "${1-}" = -- ]; then shift; fi
            exec "$_bin/python_package_run" --program -e "$_environment" -- "$@"
            ;;
    esac
fi
exec "$_bin/pannier-python" "$@"
