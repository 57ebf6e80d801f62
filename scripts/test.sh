#!/usr/bin/env bash
# Runs all checks: format, lints, generated files, all tests. Run by `make test`. An argument selects one part: checks, unit, integration or
# chart. CI runs the parts one by one, to show which part failed.
#
# Go builds the control plane for the tests while cargo compiles the rest. On a fresh machine both take minutes.
set -u
cd "$(dirname "$0")/.."

# Lints while it compiles: clippy-driver generates the same code as rustc. `cargo clippy` shares nothing with `cargo build` and would
# compile all dependencies a second time.
export RUSTC_WORKSPACE_WRAPPER=clippy-driver CLIPPY_ARGS=-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__
# The tests run side by side in one process, with servers and clients in it. Some systems allow 256 open files by default.
ulimit -n "$(ulimit -Hn)" 2>/dev/null

# The tools that the tests use. A tool that is missing here is built when a test first needs it, and all other tests wait.
tools='etcd kube-apiserver kubectl kube-controller-manager promtool helm helm3 prometheus kube-state-metrics tofu actionlint helm-docs'
programs=${CARGO_TARGET_DIR:-target}/debug
temporary=$(mktemp -d)
tools_log=$temporary/tools.log
tools_pid=
finish() {
    # Ends the build of the tools, including Go.
    [ -z "$tools_pid" ] || kill "$tools_pid" 2>/dev/null
    rm -rf "$temporary"
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

phase() { # name, command and arguments
    local name=$1 started=$SECONDS
    shift
    echo "==> $name"
    if ! "$@"; then
        echo "==> $name: failed after $((SECONDS - started)) s" >&2
        exit 1
    fi
    echo "==> $name: $((SECONDS - started)) s"
}

start_tools() {
    # Builds with the workspace's features. For the package alone, cargo would choose other features and compile its dependencies twice.
    cargo build --locked --workspace --bin local-cluster || return
    # shellcheck disable=SC2086 # the names are words
    "$programs/local-cluster" tools $tools >"$tools_log" 2>&1 </dev/null &
    tools_pid=$!
}

await_tools() {
    # Shows the progress from here on. If the tools are built already, there is none.
    local status=0 shown lines
    shown=$(wc -l <"$tools_log")
    while kill -0 "$tools_pid" 2>/dev/null; do
        sleep 1
        lines=$(wc -l <"$tools_log")
        tail -n "+$((shown + 1))" "$tools_log" | head -n "$((lines - shown))"
        shown=$lines
    done
    wait "$tools_pid" || status=$?
    tools_pid=
    [ "$status" -eq 0 ] || cat "$tools_log" >&2
    return "$status"
}

# A process or folder that a test leaves behind is a bug. A test that just ended has ten seconds to clean up.
leftovers() {
    ps -A -ww -o pid=,args= | grep -F "$temporary/" | grep -v -e grep
    find "$temporary" -name 'local-cluster-*'
}
nothing_is_left() {
    local tries=0
    while [ -n "$(leftovers)" ]; do
        tries=$((tries + 1))
        if [ "$tries" -gt 50 ]; then
            leftovers >&2
            return 1
        fi
        sleep 0.2
    done
}

checks() {
    phase 'format' cargo fmt --all --check
    phase 'planted mistakes apply' scripts/mutants.sh --check
    phase 'local-cluster (the Go tools are then built in the background)' start_tools
    phase 'build and lints' cargo build --workspace --all-targets --locked
    phase 'Go tools' await_tools
    # Uses the programs just built, because cargo would build them again without the tests' features.
    phase 'generated files' env SUDOLESS="$programs/sudoless" scripts/generate.sh --check
    phase 'linters' env UNCHECKED="$temporary/unchecked" scripts/linters.sh
    phase 'browser' env UNCHECKED="$temporary/unchecked" scripts/browser.sh
}

# Runs more tests at a time than there are cores, because most tests mostly wait for another program.
cores=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
threads=${RUST_TEST_THREADS:-$((cores < 3 ? 3 : cores))}
tests() { # name, then arguments of cargo test
    local name=$1
    shift
    phase "$name" env TMPDIR="$temporary" RUST_TEST_THREADS="$threads" cargo test --workspace --locked --no-fail-fast "$@"
    phase 'nothing left behind' nothing_is_left
}
part() { # name, then arguments of cargo test
    phase 'local-cluster (the Go tools are then built in the background)' start_tools
    phase "build of the $1" cargo test --workspace --locked --no-run "${@:2}"
    phase 'Go tools' await_tools
    tests "$@"
}

case ${1-all} in
all)
    checks
    tests 'tests'
    ;;
checks) checks ;;
unit) tests 'unit tests' --lib --bins ;;
integration) part 'integration tests' --test '*' -- --skip chart:: ;;
chart) part 'tests of the chart' --test it chart:: ;;
*)
    echo "there is no part $1; there are: checks, unit, integration, chart" >&2
    exit 2
    ;;
esac
echo "==> all passed in $SECONDS s"
[ ! -s "$temporary/unchecked" ] || sed 's/^/==> but NOT CHECKED: /' "$temporary/unchecked"
