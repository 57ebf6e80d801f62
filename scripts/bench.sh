#!/usr/bin/env bash
# Measures scans of large fleets with release builds. Passes its arguments to the benchmark; --help lists them. Run by `make bench`.
#
# On a fresh machine, Go builds the control plane and cargo builds in release mode first, which takes about ten minutes. All started
# programs end with the benchmark.
set -eu
cd "$(dirname "$0")/.."

show() {
    echo "+ $*" >&2
    "$@"
}

# Builds first, so that no compiler runs during the measurements.
show cargo bench --locked --package sudoless --bench fleets --no-run
missed=0
show cargo bench --locked --quiet --package sudoless --bench fleets -- audit "$@" || missed=1
# The scan benchmark has other options. With arguments, only the audit benchmark runs.
[ "$#" -gt 0 ] || show cargo bench --locked --quiet --package sudoless --bench fleets -- scan || missed=1
exit "$missed"
