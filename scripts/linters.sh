#!/usr/bin/env bash
# Lints CloudFormation templates, Terraform modules, GitHub workflows and the Dockerfile. Run by `make test`.
#
# cfn-lint and hadolint are installed from PyPI into the user's cache. Without Python they are skipped: the script says so, and appends the
# skipped check to the file named by UNCHECKED.
set -u
cd "$(dirname "$0")/.."
. scripts/optional.sh

programs=${CARGO_TARGET_DIR:-target}/debug
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

# A virtual environment cannot be moved, except for its python. The programs are therefore called through python.
install_linters() { # folder
    python3 -m venv "$1" && "$1/bin/pip" install --quiet --disable-pip-version-check --requirement scripts/linters.txt
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
elif ! linters=$(cached linters "$(sha256sum scripts/linters.txt | cut -c 1-16)" install_linters); then
    echo 'linters: installing scripts/linters.txt from PyPI failed, see above' >&2
    failed=1
else
    # shellcheck disable=SC2086 # the names are words
    [ -z "$cloudformation" ] || check 'CloudFormation templates' "$linters/bin/python3" "$linters/bin/cfn-lint" $cloudformation
    [ ! -f Dockerfile ] || check 'Dockerfile' "$linters/bin/hadolint" Dockerfile
fi
exit "$failed"
