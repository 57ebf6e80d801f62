# Checks with what cannot be built here and is not asked of everybody, such as Python and a browser. Read by linters.sh and browser.sh.
# shellcheck shell=bash

# Says that something was not checked, and appends it to the file that UNCHECKED names.
not_checked() { # what, why
    echo "$1: NOT CHECKED, $2" >&2
    [ -z "${UNCHECKED-}" ] || echo "$1 ($2)" >>"$UNCHECKED"
}

# Prints a folder in the user's cache that a command fills, once for each key: it is complete, or not there.
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
        # Somebody else may have been faster.
        mv -T "$building" "$folder" 2>/dev/null || rm -rf "$building"
    fi
    echo "$folder"
}
