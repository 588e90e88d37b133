#!/bin/sh
# Runs a command in a packed environment. One file, POSIX sh: copy it alone to any host.
#
# As `python_package_run` it takes a pack, a tarball that conda-pack made, or a directory, and unpacks it once. As
# `bin/run_in_env` of a pack it runs the command in the prefix it lies in. The format it reads is described in Pannier's
# docs/reference/pack-format.md. Names begin with `_` because an assignment to a variable that the caller exported
# would reach the command. The way to an environment that is already unpacked starts no process.
set +e +u +f

_usage='Usage: python_package_run [OPTIONS] [-e] ENVIRONMENT [--] [COMMAND [ARGUMENT...]]

Runs COMMAND in ENVIRONMENT: a pack, a tarball made by conda-pack, or an unpacked directory. A file is unpacked once,
into the cache or into the directory of --unpack-to. Without COMMAND the packed program is run, if there is one.

  -e, --environment PATH        the environment; the first argument will do as well
  -u, --unpack-to DIRECTORY     unpack there instead of into the cache
  -w, --wait-for-lock SECONDS   wait this long while another process unpacks the same (300)
  -d, --debug                   say on standard error what is done
      --json                    say as JSON on standard output why the command could not be started
      --program                 fail when there is neither COMMAND nor a packed program
      --help-env-creation       say how such files are made
  -h, --help                    show this help

The cache is $PANNIER_CACHE_DIR, else $XDG_CACHE_HOME/pannier, else $HOME/.cache/pannier. $PANNIER_ZSTD is the
command that decompresses zstd (zstd). The exit status is that of COMMAND, or 1 when it could not be started.

Example:
  python_package_run -e env.tar.gz -- python3 script.py'

_creation='An environment file is made from a script, or from a description of what it needs:

  python_package_analyze script.py package.json
  python_package_create package.json env.tar.gz

or by `pannier pack script.py -o env.tar.gz` in one go. Tarballs made by conda-pack run as well.'

_newline='
'
_held= _stage= _debug= _json= _json_facts= _wait=300 _to= _environment= _only_program= _usage_status=1
_hint= _facts= _apart= _starting= _child= _caught=

# --- Saying things ----------------------------------------------------------------------------------------------------

_say() { if [ -n "$_debug" ]; then printf 'pannier: %s\n' "$1" >&2; fi; }

_fact() {
    _facts="$_facts  $1: $2$_newline"
    [ -z "$_json" ] || _json_facts="$_json_facts${_json_facts:+, }$(_quoted "$1"): $(_quoted "$2")"
}

# A text as JSON has it.
_quoted() {
    printf '%s' "$1" | tr '\000-\011\013-\037' ' ' | sed -e 's/[\\"]/\\&/g' -e '1s/^/"/' -e '$!s/$/\\n/' -e '$s/$/"/' | tr -d '\n'
    [ -n "$1" ] || printf '""'
}

# _fail CODE SENTENCE [STATUS]: with the facts and the hint gathered before; undoes what was begun.
_fail() {
    _discard
    if [ -n "$_json" ]; then
        printf '{"version": 1, "command": "run", "ok": false, "error": {"code": "%s", "message": %s, ' "$1" "$(_quoted "$2")"
        printf '"facts": {%s}, "hint": %s}, "warnings": []}\n' "$_json_facts" "$(_quoted "$_hint")"
        exit "${3:-1}"
    fi
    printf 'error: %s\n%s' "$2" "$_facts" >&2
    if [ -n "$_hint" ]; then printf 'hint: %s\n' "$_hint" >&2; fi
    printf 'code: %s\n' "$1" >&2
    exit "${3:-1}"
}

_fail_usage() {
    _hint='see `python_package_run --help`'
    [ -z "$_only_program" ] || _hint='see `pannier run --help`'
    _fail usage "$1" "$_usage_status"
}

# --- Cleaning up ------------------------------------------------------------------------------------------------------

_discard() {
    if [ -n "$_stage" ]; then
        _remove "$_stage"
        rm -f -- "$_stage.log" "$_stage.list" "$_stage.said"
        _stage=
    fi
    if [ -n "$_held" ]; then
        _read_link "$_held"
        [ "$_link" != "$_self" ] || rm -f -- "$_held"
        _held=
    fi
}

# What a process killed with -9 left running may still write into the directory; under another name it cannot be taken
# for a finished one, and what it adds is removed in the next round.
_remove() {
    [ -e "$1" ] || [ -h "$1" ] || return 0
    mv -f -- "$1" "$1.trash" 2>/dev/null
    for _round in 1 2 3; do
        rm -rf -- "$1.trash" "$1" 2>/dev/null && return 0
    done
    return 0
}

# --- Signals ----------------------------------------------------------------------------------------------------------

# Preparing an environment happens in a process of its own, while this one does nothing but wait for it and pass signals
# on. Only a waiting shell acts at once on any signal; bash forgets an interrupt that comes while it runs `$(...)`.
#
# Whatever takes long runs in the background in either, between `_start` and `_started` or `_attend`. Bash acts on a
# signal also between starting the parts of a pipeline, and if the trap then runs a simple command, waits for the first
# part while it holds the other end of its pipe: for ever. A `case` alone is none, and remembers the signal until all
# parts are started.
_guard() {
    _starting= _child= _caught=
    trap 'case ${_caught:=INT}$_starting in *yes) ;; *) _stop ;; esac' INT
    trap 'case ${_caught:=TERM}$_starting in *yes) ;; *) _stop ;; esac' TERM
    trap 'case ${_caught:=HUP}$_starting in *yes) ;; *) _stop ;; esac' HUP
}

_unguard() { trap - INT TERM HUP; }

_start() { _starting=yes; }

_started() {
    _child=$!
    _starting=
    [ -z "$_caught" ] || _stop
}

# _attend: waits for what was put in the background; sets _status, and returns it.
_attend() {
    [ -z "$_starting" ] || _started
    wait "$_child"
    _status=$?
    _child=
    return "$_status"
}

_stop() {
    trap '' INT TERM HUP
    [ -z "$_child" ] || _end_child
    if [ -n "$_apart" ]; then
        # Discards on the way out.
        exit 1
    fi
    trap - "$_caught"
    kill -s "$_caught" "$$"
    exit 1
}

# What a shell has forked but not yet made into the command forgets a signal, so it is told again until it has ended.
_end_child() {
    while kill -s TERM "$_child"; do _nap; done >/dev/null 2>&1 9>&- &
    wait "$_child" 2>/dev/null
    kill -s KILL "$!" 2>/dev/null
}

# _do_apart FUNCTION: runs it in a process of its own, and ends as that does when it fails.
_do_apart() {
    _start
    _be_apart "$1" &
    _attend && return 0
    if [ "$_status" -eq 1 ]; then
        # It has said why.
        exit 1
    fi
    _fact status "$_status"
    _fail unpack-failed 'the process that was unpacking was killed'
}

_be_apart() {
    _apart=yes
    # Where a caller exported one, BusyBox's awk crashes.
    unset IFS
    _guard
    trap _discard EXIT
    "$1"
}

# --- Reading the head -------------------------------------------------------------------------------------------------

# _read_id FILE: sets _id and _format, both empty when FILE does not begin with a head. The binary headers before the
# text hold no line of their own, but the bytes of a size may be a newline.
_read_id() {
    _id= _format=
    {
        for _round in 1 2 3 4 5 6 7 8; do
            IFS= read -r _line || break
            case $_line in
                'pannier-pack '*)
                    _line=${_line#pannier-pack }
                    _format=${_line%% *}
                    _id=${_line#* }
                    break
                    ;;
            esac
        done
    } <"$1" 2>/dev/null
    if [ "$_format" = 1 ]; then
        case $_id in *[!0-9a-f]*) _id= ;; esac
        [ "${#_id}" -eq 64 ] || _id=
    fi
    [ -n "$_format" ]
}

# _read_head FILE: sets every value of the head that the launcher uses.
_read_head() {
    _system= _machine= _family= _libc= _python= _origin= _interpreter= _program= _offset= _size= _digest= _bytes=
    _files= _ended=
    {
        while IFS=' ' read -r _word _one _two _three _four _rest; do
            case $_word in
                system) _system=$_one _machine=$_two _family=$_three _libc=$_four ;;
                python) _python=$_two _origin=$_three _interpreter=$_four ;;
                program) _program=$_one ;;
                bootstrap) _offset=$_one _size=$_two _digest=$_three ;;
                unpacked) _bytes=$_one _files=$_two ;;
                end)
                    _ended=yes
                    break
                    ;;
            esac
        done
    } <"$1" 2>/dev/null
    [ -n "$_ended" ] || return 1
    for _word in "$_offset" "$_size" "$_bytes" "$_files"; do
        case $_word in '' | *[!0-9]* | 0?* | ????????????????*) return 1 ;; esac
    done
    case $_digest in *[!0-9a-f]*) return 1 ;; esac
    case $_python in '' | *[!0-9.a-z+]*) return 1 ;; esac
    case $_origin:$_interpreter in
        *..* | inside:bin/*/* | host:bin/*/*) return 1 ;;
        inside:bin/python* | host:bin/python*) ;;
        *) return 1 ;;
    esac
    case $_program in */* | -* | . | ..) return 1 ;; esac
    [ "${#_digest}" -eq 64 ] && [ -n "$_family" ]
}

_read_minor() {
    _minor=${_python#*.}
    _minor=${_python%%.*}.${_minor%%.*}
}

# --- The machine ------------------------------------------------------------------------------------------------------

# Sets _has_family and _has_libc to the C library of this machine, empty when it cannot be told.
_find_libc() {
    _has_family= _has_libc=
    _line=$(getconf GNU_LIBC_VERSION 2>/dev/null)
    case $_line in
        'glibc '[0-9]*)
            _has_family=glibc _has_libc=${_line#glibc }
            return 0
            ;;
    esac
    for _loader in ldd /lib64/ld-linux-*.so.* /lib/ld-linux*.so.* /lib/*/ld-linux*.so.*; do
        [ "$_loader" = ldd ] || [ -x "$_loader" ] || continue
        _line=$("$_loader" --version 2>&1)
        case $_line in
            *musl*Version\ [0-9]*)
                _has_family=musl _has_libc=${_line#*Version }
                ;;
            *GLIBC* | *GNU\ libc* | *ld.so*version\ [0-9]*)
                _line=${_line%%"$_newline"*}
                _has_family=glibc _has_libc=${_line##* }
                ;;
            *) continue ;;
        esac
        _has_libc=${_has_libc%%[!0-9.]*}
        _has_libc=${_has_libc%.}
        return 0
    done
}

# _is_older A B: version A, `major.minor`, is older than B.
_is_older() {
    _a=${1%%.*} _b=${2%%.*}
    if [ "$_a" -ne "$_b" ]; then
        [ "$_a" -lt "$_b" ]
        return
    fi
    _a=${1#*.} _b=${2#*.}
    [ "${_a%%.*}" -lt "${_b%%.*}" ]
}

_check_machine() {
    _line=$(uname -sm)
    _has_system=${_line% *} _has_machine=${_line##* }
    case $_has_system in Linux) _has_system=linux ;; Darwin) _has_system=darwin ;; esac
    _has_family= _has_libc= _fits=yes
    [ "$_system" = any ] || [ "$_system" = "$_has_system" ] || _fits=
    [ "$_machine" = any ] || [ "$_machine" = "$_has_machine" ] || _fits=
    if [ "$_family" != any ]; then
        _find_libc
        case $_has_family in
            '') _say 'cannot tell this machine'\''s C library' ;;
            "$_family") if _is_older "$_has_libc" "$_libc" 2>/dev/null; then _fits=; fi ;;
            *) _fits= ;;
        esac
    fi
    [ -n "$_fits" ] && return 0
    _wanted="$_system $_machine" _found="$_has_system $_has_machine"
    if [ "$_family" != any ]; then
        _wanted="$_wanted, $_family $_libc or newer"
        _found="$_found, ${_has_family:-unknown C library} $_has_libc"
    fi
    _fact pack "$_wanted"
    _fact machine "$_found"
    _hint='pack again for this machine, for example on it'
    _fail target-mismatch 'this pack was made for another machine'
}

# Sets _host to a Python of this machine with the pack's major.minor version.
_find_host() {
    _read_minor
    _found=
    for _name in "python$_minor" python3 python; do
        _host=$(command -v "$_name") || continue
        _has=$("$_host" -I -S -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
        if [ "$_has" = "$_minor" ]; then
            return 0
        fi
        _found="$_found${_found:+, }$_host ($_has)"
    done
    _fact wanted "python$_minor"
    _fact found "${_found:-none}"
    _hint="put a Python $_minor on PATH, or pack with the interpreter inside"
    _fail no-interpreter 'this pack runs with the Python of the machine, and none here fits'
}

# --- Reading the file -------------------------------------------------------------------------------------------------

# Sets _codec by the first bytes of the file.
_find_codec() {
    _line=$(od -An -tx1 -N4 "$_file" 2>/dev/null)
    case $_line in
        *1f*8b*) _codec=gzip ;;
        *28*b5*2f*fd*) _codec=zstd ;;
        *fd*37*7a*58*) _codec=xz ;;
        *42*5a*68*) _codec=bzip2 ;;
        *) _codec=cat ;;
    esac
    _tool=$_codec
    if [ "$_codec" = zstd ]; then
        _borrow_zstd
        _tool=${PANNIER_ZSTD:-zstd}
    fi
    command -v "${_tool%% *}" >/dev/null 2>&1 && return 0
    _fact file "$_file"
    if [ "$_codec" = zstd ]; then
        _hint='install zstd, name a command in PANNIER_ZSTD, or pack to `.tar.gz`'
    else
        _hint="install $_codec"
    fi
    _fail no-decompressor "this file is compressed with $_codec, and there is no \`${_tool%% *}\` here"
}

# Where the machine has no zstd, Pannier has one if it is installed: beside this command, or, for the launcher that
# lies in its package, in the `bin` that belongs to that. Its directory goes on PATH, since PANNIER_ZSTD is split at
# spaces; the command sees neither, since this process is not the one that becomes it.
_borrow_zstd() {
    [ -z "${PANNIER_ZSTD-}" ] && ! command -v zstd >/dev/null 2>&1 || return 0
    _beside=$0
    case $_beside in
        */*) ;;
        *) if [ -f "$_beside" ]; then _beside=./$_beside; else _beside=$(command -v "$_beside"); fi ;;
    esac
    if [ -h "$_beside" ]; then
        _beside=$(readlink -f -- "$_beside" && printf .)
        _beside=${_beside%"$_newline".}
    fi
    for _bin in "${_beside%/*}" "${_beside%/*}/../../../../../bin"; do
        [ -x "$_bin/pannier-zstd" ] || continue
        _make_absolute "$_bin"
        PATH=${PATH:+$PATH:}$_absolute
        export PATH PANNIER_ZSTD=pannier-zstd
        return 0
    done
}

# PANNIER_ZSTD may hold several words, which the shell splits.
_decompress() {
    case $_codec in
        gzip) gzip -dc ;;
        zstd) ${PANNIER_ZSTD:-zstd} -dc ;;
        xz) xz -dc ;;
        bzip2) bzip2 -dc ;;
        cat) cat ;;
    esac
}

_read_bootstrap() { tail -c "+$((_offset + 1))" "$_file" 2>/dev/null | head -c "$_size"; }

# A range of a pack has no end of archive of its own. What the decompressor says goes beside what tar says.
_read_members() {
    _read_bootstrap | _decompress 2>"$_stage.said"
    dd if=/dev/zero bs=1024 count=1 2>/dev/null
}

# Sets _sum to the sha256 of standard input, empty when nothing here can compute one.
_sum_input() {
    if command -v sha256sum >/dev/null 2>&1; then
        _sum=$(sha256sum)
    elif command -v shasum >/dev/null 2>&1; then
        _sum=$(shasum -a 256)
    elif command -v openssl >/dev/null 2>&1; then
        _sum=$(openssl dgst -sha256 -r)
    else
        _sum=
    fi
    _sum=${_sum%% *}
    _sum=${_sum#\\}
}

# --- Locking ----------------------------------------------------------------------------------------------------------

_fail_lock() {
    _fact lock "$_lock"
    _fact waited "$_wait s"
    if [ -n "${1-}" ]; then _fact held-by "$1"; fi
    _hint="wait longer with \`-w\`; remove the lock if no process holds it"
    _fail lock-timeout 'another process has been unpacking this environment for too long'
}

_nap() {
    sleep 0.1 2>/dev/null || sleep 1
}

# Takes the lock on file descriptor 9, which the kernel gives back when the last process that has it ends.
_take_flock() {
    flock -n 9 2>/dev/null && return 0
    _say "waiting for $_lock"
    _line=$(flock --help 2>&1)
    case $_line in
        *--timeout*)
            _start
            flock -w "$_wait" 9 2>/dev/null &
            _attend && return 0
            ;;
        *)
            _left=$((_wait * 10))
            while [ "$_left" -gt 0 ]; do
                _nap
                flock -n 9 2>/dev/null && return 0
                _left=$((_left - 1))
            done
            ;;
    esac
    _fail_lock
}

# _find_start PID: sets _start to when that process was started, by the kernel's clock, where there is /proc.
_find_start() {
    _start=
    { IFS= read -r _line <"/proc/$1/stat"; } 2>/dev/null || return 0
    # The name in parentheses may hold anything; 19 fields after it is the time.
    _line=${_line##*) }
    for _round in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19; do
        _line=${_line#* }
    done
    _start=${_line%% *}
}

# _is_live OWNER: `PID.START@HOST` is running, or cannot be looked at from here.
_is_live() {
    [ "${1#*@}" = "$_node" ] || return 0
    _owner=${1%%@*}
    kill -0 "${_owner%%.*}" 2>/dev/null || [ -d "/proc/${_owner%%.*}" ] || return 1
    _find_start "${_owner%%.*}"
    [ "$_start" = "${_owner#*.}" ]
}

# _read_link LINK: sets _link to its target. `ls` is POSIX, `readlink` is not.
_read_link() {
    _link=$(LC_ALL=C ls -ld -- "$1" 2>/dev/null)
    _link=${_link##* -> }
}

# Without flock the lock is a dangling symbolic link: made in one step, and its target names the owner.
_take_link() {
    _node=$(uname -n)
    _find_start "$$"
    _self="$$.$_start@$_node"
    _left=$((_wait * 10))
    # Named before it is made, for a signal may come between; the link itself tells whether it is ours.
    _held=$_lock.link
    until ln -s "$_self" "$_lock.link" 2>/dev/null; do
        _read_link "$_lock.link"
        if [ -n "$_link" ] && ! _is_live "$_link"; then
            _break_link
            continue
        fi
        [ "$_left" -gt 0 ] || _fail_lock "$_link"
        _left=$((_left - 1))
        _nap
    done
}

# Only one process may remove a dead owner's lock, or the second would remove the lock that the first took next.
_break_link() {
    if ln -s "$_self" "$_lock.break" 2>/dev/null; then
        _read_link "$_lock.link"
        if [ -n "$_link" ] && ! _is_live "$_link"; then
            rm -f -- "$_lock.link"
        fi
        rm -f -- "$_lock.break"
    else
        _nap
        _read_link "$_lock.break"
        if [ -n "$_link" ] && ! _is_live "$_link"; then
            rm -f -- "$_lock.break"
        fi
    fi
}

# _with_lock FUNCTION: runs it under the lock.
_with_lock() {
    if command -v flock >/dev/null 2>&1; then
        _take_lock=_take_flock
    else
        _take_lock=_take_link
    fi
    { "$_take_lock" && "$1"; } 9>>"$_lock"
    _discard
}

# --- Unpacking a pack -------------------------------------------------------------------------------------------------

# Sets _free to the KiB free where a directory lies, empty when that cannot be told.
_find_free() {
    _free=$(df -Pk "$1" 2>/dev/null | { read -r _line && read -r _one _two _three _four _rest && printf %s "$_four"; })
}

_check_space() {
    _find_free "$1"
    case $_free in '' | *[!0-9]*) return 0 ;; esac
    # Files end in half-filled blocks.
    _needed=$((_bytes / 1024 + _files * 2))
    [ "$_free" -lt "$_needed" ] || return 0
    _fact needed "$((_needed / 1024)) MiB"
    _fact free "$((_free / 1024)) MiB"
    _fact directory "$1"
    _hint='free some space, or name another place with PANNIER_CACHE_DIR or `-u`'
    _fail disk-full 'there is not enough space to unpack this pack'
}

_fail_corrupt() {
    _fact pack "$_file"
    _hint='copy the pack again; `pannier verify` tells whether the original is whole'
    _fail corrupt-pack "$1"
}

_fail_hostile() {
    _fact pack "$_file"
    { IFS= read -r _line <"$_stage.list"; } 2>/dev/null
    _fact member "$_line"
    _hint='do not use this pack; no tool of ours writes such a member'
    _fail hostile-pack 'this pack holds a member that does not belong in one'
}

# Prints what does not belong: everything but files, directories and links to a bare name.
_find_strangers() {
    LC_ALL=C awk '
        {
            kind = substr($0, 1, 1); name = $0
            if (!match(name, /^[-dl][-rwxst]+ +[^ ]+ +[0-9]+ +[0-9-]+ +[0-9:.]+ /)) { print; next }
            name = substr(name, RLENGTH + 1)
            if (kind == "l") {
                place = index(name, " -> ")
                if (!place) { print; next }
                target = substr(name, place + 4); name = substr(name, 1, place - 1)
                if (target == "" || target == "." || target == ".." || index(target, "/")) { print; next }
            }
            if (index(name, " -> ") || index(name, " link to ") || name !~ /^[-A-Za-z0-9._+@%=,~ \/]+$/) { print; next }
            if (name ~ /^\// || ("/" name "/") ~ /\/\.\.?\// || name ~ /\/\//) { print; next }
            if (name == ".pannier/complete") { print; next }
            members++
        }
        END { if (!members) print "(none)" }
    '
}

# Refuses before anything is written or started.
_check_bootstrap() {
    _start
    { _read_members | LC_ALL=C tar -tvf - 2>"$_stage.log"; } | _find_strangers >"$_stage.list" &
    _started
    _sum=
    _sum_input </dev/null
    if [ -n "$_sum" ]; then
        _sum=$(_read_bootstrap | { _sum_input; printf %s "$_sum"; })
        if [ "$_sum" != "$_digest" ]; then
            _attend
            _fact expected "sha256:$_digest"
            _fact found "sha256:$_sum"
            _fail_corrupt 'this pack is damaged: its first layers do not match their hash'
        fi
    else
        printf 'warning: nothing here computes sha256; the first layers are checked by %s alone\n' "$_codec" >&2
    fi
    if ! _attend; then
        _fact status "$_status"
        _hint='put `awk` on PATH'
        _fail unpack-failed 'the first layers of the pack could not be looked through'
    fi
    [ ! -s "$_stage.list" ] || _fail_hostile
    if [ -s "$_stage.log" ]; then
        { IFS= read -r _line <"$_stage.said" || IFS= read -r _line <"$_stage.log"; } 2>/dev/null
        _fact because "$_line"
        _fail_corrupt 'this pack is damaged: its first layers cannot be listed'
    fi
}

_unpack_bootstrap() {
    _say "unpacking the first layers into $_stage"
    _start
    _read_members | tar -xof - -C "$_stage" 2>"$_stage.log" &
    _attend && [ ! -s "$_stage.log" ] && return 0
    _find_free "$_stage"
    { IFS= read -r _line <"$_stage.log"; } 2>/dev/null
    _fact directory "${_stage%/*}"
    _fact because "${_line:-tar ended with status $_status}"
    case $_line:$_free in
        *[Nn]o\ space* | *[Qq]uota* | *:0 | *:? | *:?? | *:???)
            _hint='free some space, or name another place with PANNIER_CACHE_DIR or `-u`'
            _fail disk-full 'the disk is full'
            ;;
    esac
    _fail unpack-failed 'the first layers of the pack could not be unpacked'
}

# Starts the Python just unpacked, or the machine's, for everything after the first layers.
_unpack_rest() {
    if [ "$_origin" = host ]; then
        _find_host
    else
        _host=$_stage/$_interpreter
    fi
    _say "unpacking the rest with $_host"
    # Before the prefix is in place: killed after that, nobody would come by to sweep.
    rm -f -- "$_stage.log" "$_stage.list" "$_stage.said"
    _start
    PANNIER_LAUNCHER=$$ "$_host" -I -S -B "$_stage/.pannier/runtime" install "$_file" "$_stage" "$_target" "$_mode" &
    _attend && return 0
    if [ "$_status" -eq 1 ]; then
        # It has said why.
        exit 1
    fi
    _fact interpreter "$_interpreter"
    _fact status "$_status"
    _fail interpreter-failed 'the interpreter of the pack cannot be started here'
}

# _is_complete: sets _prefix when the target is this very pack, unpacked.
_is_complete() {
    _have=
    { IFS= read -r _have <"$_target/.pannier/complete"; } 2>/dev/null
    [ "$_have" = "$_id" ]
}

_sweep() {
    for _stale in "$_base".tmp.* "$_base".old.* "$_target"/.pannier.tmp.*; do
        [ ! -e "$_stale" ] && [ ! -h "$_stale" ] || _remove "$_stale"
    done
}

# Under the lock.
_install_pack() {
    _is_complete && return 0
    _sweep
    _check_space "${_base%/*}"
    _choose_mode
    if [ "$_mode" = fill ]; then
        # Foreign files lie there: nothing is renamed, nothing of theirs removed.
        _work=$_target/.pannier.tmp.$$
    else
        _work=$_base.tmp.$$
    fi
    _stage=$_work
    mkdir -- "$_stage" 2>/dev/null || _fail_directory "$_stage"
    _find_codec
    _check_bootstrap
    _unpack_bootstrap
    _unpack_rest
    [ "$_mode" != replace ] || _sweep
}

# new: renamed into place; replace: the old one is moved aside for it; fill: moved file by file into what is there.
_choose_mode() {
    _mode=new
    [ -d "$_target" ] || return 0
    if [ -f "$_target/.pannier/complete" ]; then
        _mode=replace
    else
        for _entry in "$_target"/* "$_target"/.[!.]* "$_target"/..?*; do
            if [ -e "$_entry" ] || [ -h "$_entry" ]; then
                _mode=fill
                break
            fi
        done
    fi
    [ -w "${_target%/*}/" ] && return 0
    [ "$_mode" = new ] || _empty_target
    _mode=fill
}

# The environment that lies there is ours, so it may go; the directory itself has to stay.
_empty_target() {
    [ -f "$_target/.pannier/complete" ] || return 0
    rm -f -- "$_target/.pannier/complete"
    for _entry in "$_target"/* "$_target"/.[!.]* "$_target"/..?*; do
        [ "$_entry" = "$_lock" ] || rm -rf -- "$_entry"
    done
}

_fail_directory() {
    _fact directory "$1"
    _hint='name a directory that you may write to with PANNIER_CACHE_DIR or `-u`'
    _fail storage 'this directory cannot be made or written to'
}

_prepare_pack() {
    if ! _read_head "$_file"; then
        _fail_corrupt 'this pack is damaged: its head cannot be read'
    fi
    _check_machine
    [ "$_origin" != host ] || _find_host
    _say "unpacking $_file to $_target"
    _with_lock _install_pack
}

# --- Where to ---------------------------------------------------------------------------------------------------------

# Sets _cache as the pack format says. The last resort needs the user's number, which costs a process.
_find_cache() {
    if [ -n "${PANNIER_CACHE_DIR-}" ]; then
        _cache=$PANNIER_CACHE_DIR
    elif [ -n "${XDG_CACHE_HOME-}" ] && [ "${XDG_CACHE_HOME#/}" != "$XDG_CACHE_HOME" ]; then
        _cache=$XDG_CACHE_HOME/pannier
    elif [ -n "${HOME-}" ]; then
        _cache=$HOME/.cache/pannier
    else
        _find_last_resort
    fi
    _make_absolute "$_cache"
    _cache=$_absolute
}

_find_last_resort() {
    _cache=${TMPDIR:-/tmp}/pannier-$(id -u)
}

# The directory lies where everyone may write, so it must be ours and no link to elsewhere.
_check_last_resort() {
    [ -e "$_cache" ] || [ -h "$_cache" ] || mkdir -m 700 -- "$_cache" 2>/dev/null \
        || [ -d "$_cache" ] || _fail_directory "$_cache"
    if [ -h "$_cache" ] || [ ! -d "$_cache" ] || [ ! -O "$_cache" ]; then
        _fact directory "$_cache"
        _hint='name another cache with PANNIER_CACHE_DIR'
        _fail unsafe-cache 'the cache directory belongs to someone else'
    fi
}

# Makes the cache, or goes to the last resort when the home directory cannot be written to.
_make_cache() {
    _last=${TMPDIR:-/tmp}/pannier-
    case $_cache in "$_last"*) _check_last_resort ;; esac
    mkdir -p -- "$_cache/prefixes" 2>/dev/null && [ -w "$_cache/prefixes" ] && return 0
    [ -z "${PANNIER_CACHE_DIR-}" ] || _fail_directory "$_cache"
    _find_last_resort
    _make_absolute "$_cache"
    _cache=$_absolute
    _check_last_resort
    mkdir -p -- "$_cache/prefixes" 2>/dev/null || _fail_directory "$_cache"
    _say "the usual cache cannot be written to; using $_cache"
}

_make_absolute() {
    case $1 in
        /*) _absolute=$1 ;;
        .) _absolute=$PWD ;;
        ./*) _absolute=$PWD/${1#./} ;;
        *) _absolute=$PWD/$1 ;;
    esac
}

# Sets _target, _base (what temporary names begin with) and _lock for a place in the cache.
_aim_at_cache() {
    _target=$_cache/prefixes/$_id
    _base=$_target
    _lock=$_base.lock
}

# The same for --unpack-to, whose lock lies beside it, or in it when its parent is not ours to write to.
_aim_at_directory() {
    _target=$_to
    while [ "${_target%/}" != "$_target" ] && [ -n "${_target%/}" ]; do _target=${_target%/}; done
    if [ -d "$_target" ]; then
        # The final `.` keeps newlines at the end of a name from `$(...)`.
        _target=$(CDPATH= cd -P -- "$_target" && printf '%s.' "$PWD")
        _target=${_target%.}
    else
        mkdir -p -- "${_target%/*}/" 2>/dev/null || _fail_directory "$_target"
    fi
    if [ -w "${_target%/*}/" ]; then
        _base=${_target%/*}/.${_target##*/}.pannier
    elif [ -w "$_target" ]; then
        _base=$_target/.pannier
    else
        _fail_directory "$_target"
    fi
    _lock=$_base.lock
}

# --- Foreign tarballs -------------------------------------------------------------------------------------------------

# Sets _id to the sha256 of a tarball that has no head. Reading gigabytes for every task would take too long, so the
# digest is remembered under the file's device and inode, and holds while size and times are the same.
_find_foreign_id() {
    _identity=$(stat -L -c '%d-%i %s %y %z' "$_file" 2>/dev/null)
    _memory=$_cache/foreign/${_identity%% *}
    if [ -n "$_identity" ] && [ -f "$_memory" ]; then
        { IFS= read -r _line && IFS= read -r _id; } <"$_memory" 2>/dev/null
        [ "$_line" = "$_identity" ] && [ "${#_id}" -eq 64 ] && return 0
    fi
    _say "computing the sha256 of $_file"
    _sum_input <"$_file"
    _id=$_sum
    if [ -z "$_id" ]; then
        _fact looked-for 'sha256sum, shasum, openssl'
        _hint='install one of them, or unpack the tarball and name its directory'
        _fail no-sha256 'nothing here computes the sha256 that tells one tarball from another'
    fi
    [ -n "$_identity" ] || return 0
    # A file changed within the last seconds may change again without its times telling.
    _changed=$(stat -L -c %Z "$_file") _now=$(date +%s)
    if [ "$((_now - _changed))" -gt 2 ] && [ "$(stat -L -c '%d-%i %s %y %z' "$_file")" = "$_identity" ]; then
        _make_cache
        mkdir -p -- "$_cache/foreign" 2>/dev/null
        printf '%s\n%s\n' "$_identity" "$_id" 2>/dev/null >"$_memory.$$" && mv -f -- "$_memory.$$" "$_memory"
    fi
}

_install_foreign() {
    _is_complete && return 0
    _sweep
    _choose_mode
    # conda-unpack writes the final path into files, so it is unpacked in place; the marker comes last.
    if [ -z "$_to" ]; then
        _remove "$_target"
    elif [ "$_mode" = replace ]; then
        mv -- "$_target" "$_base.old.$$" || _fail_directory "$_target"
        _remove "$_base.old.$$"
    fi
    mkdir -p -- "$_target" 2>/dev/null || _fail_directory "$_target"
    _find_codec
    _stage=$_base.tmp.$$
    _start
    _decompress <"$_file" 2>"$_stage.list" | tar -xof - -C "$_target" 2>"$_stage.log" &
    if ! _attend || [ -s "$_stage.list" ]; then
        { IFS= read -r _line <"$_stage.log" || IFS= read -r _line <"$_stage.list"; } 2>/dev/null
        _fact file "$_file"
        _fact because "$_line"
        [ -n "$_to" ] || _remove "$_target"
        case $_line in
            *[Nn]o\ space* | *[Qq]uota*) _fail disk-full 'the disk is full' ;;
        esac
        _hint='name a pack, or a tarball that conda-pack made'
        case $_environment in
            *.py | *.ipynb) _hint="pack it first: \`pannier pack $_environment -o ${_environment%.*}.tar.gz\`" ;;
            *.pyz) _hint="it runs by itself: \`sh $_environment\`" ;;
            *.run) _hint="a site's bundle installs itself: \`sh $_environment install\`" ;;
            *.deb) _hint="a package is installed: \`dpkg -i $_environment\`" ;;
            *.rpm) _hint="a package is installed: \`rpm -i $_environment\`" ;;
        esac
        _fail corrupt-pack 'this file cannot be unpacked'
    fi
    if [ -f "$_target/bin/conda-unpack" ] && [ -x "$_target/bin/python" ]; then
        _say 'running conda-unpack'
        _start
        "$_target/bin/python" "$_target/bin/conda-unpack" >/dev/null &
        _attend || _fail conda-unpack "\`conda-unpack\` of this environment ended with status $_status"
    fi
    mkdir -p -- "$_target/.pannier" && printf '%s\n' "$_id" >"$_target/.pannier/complete.$$" \
        && mv -f -- "$_target/.pannier/complete.$$" "$_target/.pannier/complete" || _fail_directory "$_target"
}

# --- Running ----------------------------------------------------------------------------------------------------------

_enter() {
    PATH=$_prefix/bin${PATH:+:$PATH}
    PANNIER_PREFIX=$_prefix
    PONCHO_PREFIX=$_prefix
    PYTHONNOUSERSITE=1
    unset PYTHONPATH PYTHONHOME
    export PATH PANNIER_PREFIX PONCHO_PREFIX PYTHONNOUSERSITE
    [ -f "$_prefix/.pannier/environment" ] || return 0
    while IFS=' ' read -r _word _rest; do
        case $_word in
            '' | [0-9]* | *[!A-Za-z0-9_]*) ;;
            *) export "$_word=$_prefix/$_rest" ;;
        esac
    done <"$_prefix/.pannier/environment"
}

# The activation script that conda-pack writes needs bash.
_run_foreign() {
    _say "running in $_prefix"
    _enter
    CONDA_PREFIX=$_prefix
    [ ! -d "$_prefix/conda-meta" ] || export CONDA_PREFIX
    if [ -f "$_prefix/bin/activate" ] && command -v bash >/dev/null 2>&1; then
        exec bash -c '
            activate=$0
            . "$activate"
            if [ -f "$PONCHO_PREFIX/poncho/set_env" ]; then . "$PONCHO_PREFIX/poncho/set_env"; fi
            unset activate PYTHONPATH
            exec "$@"' "$_prefix/bin/activate" "$@"
    fi
    exec "$@"
}

# _run PREFIX COMMAND...: gives this process to the command.
_run() {
    _prefix=$1
    shift
    if [ "$#" -eq 0 ]; then
        _program=
        # Of the prefix, whose head was checked when it was unpacked; a file's may have been damaged since.
        if [ -f "$_prefix/.pannier/head" ]; then _read_head "$_prefix/.pannier/head"; fi
        if [ -n "$_program" ]; then
            set -- "$_program"
        elif [ -n "$_only_program" ]; then
            _fact environment "$_environment"
            _hint="name a command: \`pannier run $_environment python\`"
            _fail no-program 'this environment has no program of its own'
        else
            exit 0
        fi
    fi
    [ -f "$_prefix/.pannier/head" ] || _run_foreign "$@"
    _say "running in $_prefix"
    _enter
    _check_command "$1"
    exec "$@"
}

# What is no path and not on PATH gets an error of ours; of anything else `exec` says what is wrong.
_check_command() {
    case $1 in */* | -* | '') return 0 ;; esac
    command -v "$1" >/dev/null 2>&1 && return 0
    _fact environment "$_environment"
    _hint="see what there is with \`ls $_prefix/bin\`, or start a file of yours as \`python FILE\` or \`./FILE\`"
    _fail no-command "there is no command \`$1\` in this environment or on PATH" 127
}

# Makes ready a prefix of ours that `tar` or a move brought here.
_prepare_directory() {
    [ -f "$_prefix/.pannier/complete" ] && [ -e "$_prefix/bin/python3" ] && return 0
    if ! _read_head "$_prefix/.pannier/head"; then
        _fact directory "$_prefix"
        _fail corrupt-pack 'this environment is damaged: its head cannot be read'
    fi
    _check_machine
    [ "$_origin" = host ] && [ ! -e "$_prefix/bin/python3" ] || return 0
    _find_host
    "$_host" -I -S -B "$_prefix/.pannier/runtime" link "$_prefix" || exit 1
}

_run_directory() {
    _make_absolute "${1%/}"
    _prefix=$_absolute
    [ -n "$_prefix" ] || _prefix=/
    shift
    if [ -f "$_prefix/.pannier/head" ]; then _prepare_directory; fi
    _run "$_prefix" "$@"
}

_run_file() {
    _make_absolute "$_environment"
    _file=$_absolute
    if [ ! -f "$_file" ] || [ ! -r "$_file" ]; then
        _fact file "$_environment"
        _hint='name a pack, a tarball that conda-pack made, or a directory'
        _fail no-such-file 'there is no such environment, or it cannot be read'
    fi
    _find_cache
    _kind=foreign _target=
    if _read_id "$_file"; then
        _kind=pack
        if [ "$_format" != 1 ]; then
            _fact found "format $_format"
            _fact known 'format 1'
            _hint='run it with the Pannier that made it, or a newer one'
            _fail unknown-format "this pack has format $_format, which this version does not know"
        fi
        [ -n "$_id" ] || _fail_corrupt 'this pack is damaged: its head cannot be read'
    else
        _find_foreign_id
    fi
    if [ -n "$_to" ]; then
        _make_absolute "$_to"
        _to=$_absolute
        _target=$_to
        _is_complete || { _guard && _aim_at_directory && _do_apart "_prepare_$_kind" && _unguard; }
    else
        _aim_at_cache
        _is_complete || { _guard && _make_cache && _aim_at_cache && { _is_complete || _do_apart "_prepare_$_kind"; } && _unguard; }
    fi
    _run "$_target" "$@"
}

_prepare_foreign() { _with_lock _install_foreign; }

# --- The command line -------------------------------------------------------------------------------------------------

# As `bin/run_in_env` of a prefix every argument belongs to the command.
_self=$0
case ${_self##*/} in
    python_package_run | poncho_package_run | launcher.sh) ;;
    *)
        case $_self in
            */*) ;;
            *) if [ -f "$_self" ]; then _self=./$_self; else _self=$(command -v "$_self"); fi ;;
        esac
        if [ -h "$_self" ]; then
            _self=$(readlink -f -- "$_self" && printf .)
            _self=${_self%"$_newline".}
        fi
        if [ "${_self##*/}" = run_in_env ]; then
            _self=${_self%/*}
            case $_self in
                */bin) _self=${_self%/bin} ;;
                bin) _self=. ;;
                *) _self=$(CDPATH= cd -P -- "$_self/.." && printf '%s.' "$PWD") && _self=${_self%.} ;;
            esac
            if [ "${1-}" = -- ]; then shift; fi
            _environment=$_self
            _make_absolute "$_self"
            if [ "$#" -eq 0 ]; then
                # A caller that unpacks with `tar` asks for no command, only that the prefix be ready.
                _prefix=$_absolute
                _prepare_directory
                exit 0
            fi
            _run_directory "$_absolute" "$@"
        fi
        ;;
esac

while [ "$#" -gt 0 ]; do
    case $1 in
        -e | --environment | -u | --unpack-to | -w | --wait-for-lock | --wait)
            [ "$#" -gt 1 ] || _fail_usage "the option \`$1\` needs a value"
            case $1 in
                -e | --environment) _environment=$2 ;;
                -u | --unpack-to) _to=$2 ;;
                *) _wait=$2 ;;
            esac
            shift
            ;;
        --environment=*) _environment=${1#*=} ;;
        --unpack-to=*) _to=${1#*=} ;;
        --wait-for-lock=* | --wait=*) _wait=${1#*=} ;;
        -d | --debug) _debug=yes ;;
        --json) _json=yes ;;
        --program)
            _only_program=yes
            _usage_status=2
            ;;
        -h | --help)
            printf '%s\n' "$_usage"
            exit 0
            ;;
        --help-env-creation)
            printf '%s\n' "$_creation"
            exit 0
            ;;
        --)
            shift
            break
            ;;
        -?*) _fail_usage "there is no option \`$1\`" ;;
        *) break ;;
    esac
    shift
done

if [ -z "$_environment" ]; then
    [ "$#" -gt 0 ] && [ -n "$1" ] || _fail_usage 'no environment is given'
    _environment=$1
    shift
    if [ "${1-}" = -- ]; then shift; fi
fi
case $_wait in '' | *[!0-9]* | ??????????*) _fail_usage "\`$_wait\` is not a number of seconds" ;; esac

if [ -d "$_environment" ]; then
    _run_directory "$_environment" "$@"
fi
_run_file "$@"
