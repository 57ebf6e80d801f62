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
show cargo bench --locked --package sudoless --bench audit --bench scan --no-run
missed=0
show cargo bench --locked --quiet --package sudoless --bench audit -- "$@" || missed=1
# It has options of its own: with some for the other, only that one is meant.
[ "$#" -gt 0 ] || show cargo bench --locked --quiet --package sudoless --bench scan || missed=1
exit "$missed"
