#!/usr/bin/env bash
# Measures scans of large fleets with release builds; arguments go to the benchmark, --help lists them. Run by `make bench`.
#
# Go builds the control plane once per machine, cargo builds in release mode: on a fresh machine that takes some ten minutes
# before anything is measured. Everything that is started ends with the benchmark.
set -eu
cd "$(dirname "$0")/.."

show() {
    echo "+ $*" >&2
    "$@"
}

# Built first, so that no compiler runs beside what is measured.
show cargo bench --locked --package sudoless --bench audit --no-run
show cargo bench --locked --quiet --package sudoless --bench audit -- "$@"
