#!/usr/bin/env bash
# Lints what is not Rust: CloudFormation templates, Terraform modules, GitHub workflows, the Dockerfile. Run by `make test`.
#
# cfn-lint and hadolint come from PyPI into a folder of their own in the user's cache. Where there is no Python they cannot run;
# then this says so, and appends what was not checked to the file that UNCHECKED names.
set -u
cd "$(dirname "$0")/.."

programs=${CARGO_TARGET_DIR:-target}/debug
cache=${XDG_CACHE_HOME:-$HOME/.cache}/sudoless
failed=0

check() { # what, command and arguments
    local what=$1
    shift
    if "$@"; then
        echo "$what: good"
    else
        echo "$what: see above" >&2
        failed=1
    fi
}

not_checked() { # what, why
    echo "$1: NOT CHECKED, $2" >&2
    [ -z "${UNCHECKED-}" ] || echo "$1 ($2)" >>"$UNCHECKED"
}

# Prints the folder of the linters, which is complete or not there.
python_linters() {
    local key folder building
    key=$(sha256sum scripts/linters.txt | cut -c 1-16)
    folder=$cache/linters/$key
    if [ ! -d "$folder" ]; then
        mkdir -p "$cache/linters" && building=$(mktemp -d "$cache/linters/building.XXXXXX") || return
        # A virtual environment cannot be moved: programs are called through its python, which can.
        if ! { python3 -m venv "$building" && "$building/bin/pip" install --quiet --disable-pip-version-check \
            --requirement scripts/linters.txt; } >&2; then
            rm -rf "$building"
            return 1
        fi
        # Somebody else may have been faster.
        mv -T "$building" "$folder" 2>/dev/null || rm -rf "$building"
    fi
    echo "$folder"
}

cloudformation=$(find config/iam/cloudformation -name '*.yaml' 2>/dev/null)
terraform=$(find config/iam/terraform -name '*.tf' 2>/dev/null)
workflows=$(find .github/workflows -name '*.yml' -o -name '*.yaml' 2>/dev/null)

if [ -n "$terraform$workflows" ]; then
    folders=$("$programs/local-cluster" tools tofu actionlint) || exit
    export PATH=$folders:$PATH
    # shellcheck disable=SC2086 # the names are words
    check 'Terraform modules' env TF_CLI_CONFIG_FILE=/dev/null tofu fmt -check -diff $terraform
    # shellcheck disable=SC2086
    [ -z "$workflows" ] || check 'workflows' actionlint -shellcheck= -pyflakes= $workflows
fi

if ! python3 -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
    not_checked 'CloudFormation templates and Dockerfile' 'Python 3.10 or newer, with venv, is missing'
elif ! linters=$(python_linters); then
    echo 'linters: PyPI did not give what scripts/linters.txt names, see above' >&2
    failed=1
else
    # shellcheck disable=SC2086 # the names are words
    [ -z "$cloudformation" ] || check 'CloudFormation templates' "$linters/bin/python3" "$linters/bin/cfn-lint" $cloudformation
    [ ! -f Dockerfile ] || check 'Dockerfile' "$linters/bin/hadolint" Dockerfile
fi
exit "$failed"
