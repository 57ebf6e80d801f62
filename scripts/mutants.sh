#!/usr/bin/env bash
# Plants mistakes, one at a time, and checks that a test catches each. Run by `make mutants`. Arguments are names of mistakes.
#
# A mistake is a patch in scripts/mutants/. Its head describes the damage (`Mistake:`) and names the cheapest test that must fail
# (`Test:`). The script works in a copy of the checkout, with its own target folder, and does not change the checkout. A mistake that no
# longer applies, or does not compile, is an error and does not count as caught.
#
# `--check` plants nothing. It checks within a second that every mistake still applies to the checkout.
set -u
cd "$(dirname "$0")/.." || exit 1
checkout=$PWD

head_of() { # patch and field
    sed -n "s/^$2: //p" "$1"
}

# Returns an error for a mistake that has an incomplete head, or no longer applies.
check() {
    local patch broken=0
    for patch in scripts/mutants/*.patch; do
        if [ -z "$(head_of "$patch" Mistake)" ] || [[ $(head_of "$patch" Test) != 'cargo test '* ]]; then
            echo "$patch: its head needs 'Mistake: ...' and 'Test: cargo test ...'" >&2
            broken=1
        elif ! git apply --check "$patch"; then
            echo "$patch: no longer applies; create it again from the current code" >&2
            broken=1
        fi
    done
    return "$broken"
}

if [ "${1:-}" = --check ]; then
    check
    exit
fi

base=${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/sudoless/target}/mutants
mkdir -p "$base/logs" || exit 1
base=$(cd "$base" && pwd)
# Always the same folder, so that cargo compiles only the code that a mistake changes.
copy=$base/checkout
export CARGO_TARGET_DIR=$base CARGO_TERM_COLOR=never
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE

# Timeout of a test, in seconds.
longest=900

if ! mkdir "$base/lock" 2>/dev/null; then
    echo "another run is under way; if it is not, run: rmdir $base/lock" >&2
    exit 1
fi
trap 'rmdir "$base/lock"' EXIT
trap 'exit 130' INT TERM HUP

# Copies changed files once, so that later edits in the checkout have no effect. Unchanged files keep their times and are not compiled again.
take_copy() {
    local file
    git -C "$checkout" ls-files --cached --others --exclude-standard | sort -u >"$base/files"
    while IFS= read -r file; do
        if [ -f "$checkout/$file" ] && ! cmp -s "$checkout/$file" "$copy/$file"; then
            mkdir -p "$copy/$(dirname "$file")"
            cp "$checkout/$file" "$copy/$file" || return
        fi
    done <"$base/files"
    (cd "$copy" && find . -type f -not -path './.git/*' | sed 's|^\./||') | while IFS= read -r file; do
        [ -f "$checkout/$file" ] || rm "$copy/$file"
    done
    # The files that a mistake changes are restored from the index.
    git -C "$copy" add --all --force
}

# Runs a test in the copy. Returns 0 if it passed, 1 if a test failed, 2 if the test could not run.
run_test() { # log, and the command without `cargo test`
    local log=$1 status=0
    shift
    cd "$copy" || return 2
    if ! cargo test --locked --quiet --no-run "$@" >"$log" 2>&1; then
        echo '    the mistake does not compile:'
        grep -A 5 '^error' "$log" | head -n 20
        return 2
    fi
    timeout --foreground "$longest" cargo test --locked "$@" >"$log" 2>&1 || status=$?
    if [ "$status" -eq 0 ] && grep -q '^running [1-9]' "$log"; then
        return 0
    elif [ "$status" -eq 0 ]; then
        echo '    no test has this name'
    elif [ "$status" -eq 124 ]; then
        echo "    the test timed out after $longest s"
    elif grep -q '^test .* FAILED$' "$log"; then
        return 1
    else
        echo '    the test ended without a result:'
        tail -n 20 "$log"
    fi
    return 2
}

# Sets `words` to the words of a patch's test command.
words_of() {
    local command
    command=$(head_of "$1" Test)
    case $command in
    'cargo test '*) read -r -a words <<<"${command#cargo test }" ;;
    *)
        echo "$1 names no test that must fail" >&2
        exit 1
        ;;
    esac
}

patches=()
if [ $# -eq 0 ]; then
    patches=(scripts/mutants/*.patch)
else
    for name in "$@"; do
        patches+=("scripts/mutants/$name.patch")
    done
fi
for patch in "${patches[@]}"; do
    if [ ! -f "$patch" ]; then
        echo "unknown mistake $(basename "$patch" .patch); the mistakes are:" >&2
        basename -s .patch scripts/mutants/*.patch >&2
        exit 1
    fi
done

mkdir -p "$copy"
[ -d "$copy/.git" ] || git -c init.defaultBranch=none init --quiet "$copy" || exit 1
take_copy || exit 1

echo '==> without mistakes, every test must pass'
tests=$(for patch in "${patches[@]}"; do head_of "$patch" Test; done | sort -u)
while IFS= read -r command; do
    echo "$command"
    read -r -a words <<<"${command#cargo test }"
    if ! (run_test "$base/logs/without.log" "${words[@]}" </dev/null); then
        echo "==> the test fails without a mistake: $base/logs/without.log" >&2
        exit 1
    fi
done <<<"$tests"

caught=0 not_caught=() broken=()
for patch in "${patches[@]}"; do
    name=$(basename "$patch" .patch)
    log=$base/logs/$name.log
    echo "==> $name: $(head_of "$patch" Mistake)"
    words_of "$patch"
    if ! git -C "$copy" apply "$checkout/$patch"; then
        echo '    THE MISTAKE NO LONGER APPLIES'
        broken+=("$name")
        continue
    fi
    status=0
    (run_test "$log" "${words[@]}") || status=$?
    case $status in
    0)
        echo "    NOT CAUGHT by cargo test ${words[*]}"
        not_caught+=("$name")
        ;;
    1)
        failed=$(sed -n 's/^test \(.*\) \.\.\. FAILED$/\1/p' "$log" | sort -u)
        more=$(($(wc -l <<<"$failed") - 1))
        echo "    caught by $(head -n 1 <<<"$failed")$([ "$more" -eq 0 ] || echo ", and $more more")"
        caught=$((caught + 1))
        ;;
    *)
        echo "    THE TEST COULD NOT RUN: $log"
        broken+=("$name")
        ;;
    esac
    git -C "$copy" checkout --quiet -- . && git -C "$copy" clean -dfxq || exit 1
done

echo "==> $caught of ${#patches[@]} mistakes were caught, in $SECONDS s"
[ ${#not_caught[@]} -eq 0 ] || echo "not caught: ${not_caught[*]}"
[ ${#broken[@]} -eq 0 ] || echo "to be repaired: ${broken[*]}"
[ "$caught" -eq ${#patches[@]} ]
