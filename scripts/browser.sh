#!/usr/bin/env bash
# Opens the HTML report of a scan in a real, headless browser: no script error, no request to anywhere, totals as in the JSON report, sorting,
# texts of others shown as they are. Run by `make test`.
#
# The browser comes from npm into a folder of its own in the user's cache, without root. Where there is no Node.js it cannot run; then this
# says so, and appends what was not checked to the file that UNCHECKED names.
set -u
cd "$(dirname "$0")/.."
. scripts/optional.sh

programs=${CARGO_TARGET_DIR:-target}/debug
wanted=20.11 # Node.js, as in tests/browser/package.json

cannot() { # why
    not_checked 'HTML report in a browser' "$1"
    exit 0
}

# No package's own script is run. The browser is unpacked once, with the libraries that it brings along, and the archive is not kept: the
# variable says that those are wanted.
install_browser() ( # folder; in a shell of its own, since it goes there
    cp tests/browser/package.json tests/browser/package-lock.json "$1" &&
        mkdir "$1/browser" && cd "$1" &&
        npm ci --ignore-scripts --no-audit --no-fund --loglevel=error &&
        TMPDIR=$1/browser AWS_LAMBDA_JS_RUNTIME=nodejs22.x \
            node --input-type=module -e 'import c from "@sparticuz/chromium"; await c.executablePath()' &&
        rm -rf node_modules/@sparticuz
)

[ "$(uname -s) $(uname -m)" = 'Linux x86_64' ] || cannot 'the browser is one for Linux on x86-64'
command -v npm >/dev/null || cannot "Node.js $wanted or newer, with npm, is missing"
node -e "const [a, b] = process.versions.node.split('.'); process.exit(a > 20 || (a == 20 && b >= 11) ? 0 : 1)" 2>/dev/null ||
    cannot "Node.js $wanted or newer, with npm, is missing"
key=$(cat tests/browser/package-lock.json scripts/browser.sh | sha256sum | cut -c 1-16)
if ! modules=$(cached browser "$key" install_browser); then
    echo 'browser: npm did not give what tests/browser/package-lock.json names, see above' >&2
    exit 1
fi

temporary=$(mktemp -d)
simulator=
finish() {
    [ -z "$simulator" ] || kill "$simulator" 2>/dev/null
    rm -rf "$temporary"
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

# A report of a simulated fleet, in HTML and in JSON. It ends with 4, because not everything can be read.
scan() { # name, fleet, policy
    local name=$1 tries=0 status=0
    "$programs/sagemaker-simulator" --fleet "$2" --exit-with-parent >"$temporary/environment" 2>"$temporary/simulator.log" &
    simulator=$!
    until [ -s "$temporary/environment" ]; do
        tries=$((tries + 1))
        if [ "$tries" -gt 600 ] || ! kill -0 "$simulator" 2>/dev/null; then
            cat "$temporary/simulator.log" >&2
            return 1
        fi
        sleep 0.1
    done
    (
        eval "$(cat "$temporary/environment")"
        "$programs/sudoless" scan -f "$3" -o "html=$temporary/$name.html" -o "json=$temporary/$name.json" 2>"$temporary/scan.log"
    ) || status=$?
    kill "$simulator" && wait "$simulator" 2>/dev/null
    simulator=
    [ "$status" -eq 4 ] && return
    cat "$temporary/scan.log" >&2
    return 1
}

failed=0
for each in 'demo tests/simulator/fleets/demo.yaml config/demo/policy.yaml' 'hostile tests/browser/fleet.yaml tests/browser/policy.yaml'; do
    # shellcheck disable=SC2086 # the names are words
    if set -- $each && scan "$@" && node tests/browser/check.mjs "$modules" "$temporary/$1.html" "$temporary/$1.json" "$temporary"; then
        echo "HTML report of the $1 fleet: good"
    else
        echo "HTML report of the $1 fleet: see above" >&2
        failed=1
    fi
    rm -f "$temporary/environment"
done
exit "$failed"
