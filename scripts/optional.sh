# Functions for checks that need optional programs, such as Python or a browser. Sourced by linters.sh and browser.sh.
# shellcheck shell=bash

# Reports a skipped check, and appends it to the file named by UNCHECKED.
not_checked() { # what, why
    echo "$1: NOT CHECKED, $2" >&2
    [ -z "${UNCHECKED-}" ] || echo "$1 ($2)" >>"$UNCHECKED"
}

# Prints a folder in the user's cache. A command fills the folder once for each key. The folder is complete or does not exist.
cached() { # kind, key, command that fills the folder it is given
    local kind folder building
    kind=${XDG_CACHE_HOME:-$HOME/.cache}/sudoless/$1
    folder=$kind/$2
    if [ ! -d "$folder" ]; then
        mkdir -p "$kind" && building=$(mktemp -d "$kind/building.XXXXXX") || return
        if ! "$3" "$building" >&2; then
            rm -rf "$building"
            return 1
        fi
        # Another process may have created the folder first.
        mv -T "$building" "$folder" 2>/dev/null || rm -rf "$building"
    fi
    echo "$folder"
}
