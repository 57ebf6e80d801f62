#!/usr/bin/env bash
# Runs a demo on this machine: a real API server, a simulated AWS, the operator and a policy. Run by `make demo`.
#
# First the policy audits, then it enforces: root access is disabled on five notebooks, one of which fails to start and recovers. Two
# running notebooks that AWS would not start again are left alone. On a terminal the demo then stays up until Ctrl-C. Without one, or
# with CI=true or DEMO_ONCE=1, the demo shows the same and ends, in less than a minute. When the demo ends, also by SIGKILL, a watchdog ends
# all programs that it started and removes its folder.
#
# Needs only bash (3.2 or newer), coreutils and the programs built here: no curl, jq or python.
set -eu
cd "$(dirname "$0")/.."

export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/sudoless/target}
programs=$CARGO_TARGET_DIR/debug
policy=config/demo/policy.yaml
fleet=tests/simulator/fleets/demo.yaml
patience=120 # seconds, for anything that usually takes less than five

once=
if [ ! -t 0 ] || [ "${CI-}" = true ] || [ "${DEMO_ONCE-}" = 1 ]; then once=1; fi

# ---- Clean-up ----------------------------------------------------------------------------------------------------------------

# Argument: the folder. Stdin: a pipe that only the demo holds open, so that the kernel closes it together with the demo.
# shellcheck disable=SC2016 # expanded by the shell that runs it
watchdog='
trap "" HUP INT TERM
while read -r _; do :; done
signal() { # signal; returns 0 if a process received it
    found=1
    while read -r group; do kill -s "$1" -- "-$group" 2>/dev/null && found=0; done <"$2/groups"
    return "$found"
}
signal TERM "$1"
tries=0
while signal 0 "$1" && [ "$tries" -lt 100 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
signal KILL "$1"
rm -rf "$1"
'

folder=$(mktemp -d "${TMPDIR:-/tmp}/sudoless-demo.XXXXXX")
watchdog_pid=
clean_up() {
    exec 9>&- 2>/dev/null
    if [ -n "$watchdog_pid" ]; then wait "$watchdog_pid" || true; else rm -rf "$folder"; fi
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

: >"$folder/groups"
mkfifo "$folder/alive"
exec 9<>"$folder/alive"

# Runs a command in the background, in its own process group, which the watchdog knows before the command begins.
start() { # command and arguments
    set -m
    # shellcheck disable=SC2016
    sh -c 'echo $$ >>"$0" && exec "$@"' "$folder/groups" "$@" <"$folder/alive" 9>&- &
    started=$!
    set +m
}

set -m
sh -c "$watchdog" sudoless-demo-watchdog "$folder" <"$folder/alive" 9>&- &
watchdog_pid=$!
set +m

# ---- Output ------------------------------------------------------------------------------------------------------------------

section() { # title, then sentences
    printf '\n==> %s\n' "$1"
    shift
    [ $# -eq 0 ] || printf '    %s\n' "$@"
}

fail() { # what, and the log with the cause
    printf '\nThe demo failed: %s.\n' "$1" >&2
    if [ -n "${2-}" ] && [ -s "$2" ]; then
        echo 'The end of its output:' >&2
        tail -n 25 "$2" >&2
    fi
    exit 1
}

run() { # a command, shown as typed
    local word
    printf '\n$'
    for word in "$@"; do
        case $word in
        *[!a-zA-Z0-9_./:=-]*) printf " '%s'" "$word" ;;
        *) printf ' %s' "$word" ;;
        esac
    done
    printf '\n'
    "$@"
}

# Prints lines of fields between | as aligned columns. The last column is cut.
table() {
    local line field column i=0 widths=() lines=()
    while IFS= read -r line; do
        lines[i]=$line
        i=$((i + 1))
        column=0
        while [ "$line" != "${line#*|}" ]; do
            field=${line%%|*}
            line=${line#*|}
            [ "${#field}" -le "${widths[column]:-0}" ] || widths[column]=${#field}
            column=$((column + 1))
        done
    done
    for line in "${lines[@]}"; do
        column=0
        while [ "$line" != "${line#*|}" ]; do
            printf '%-*s  ' "${widths[column]}" "${line%%|*}"
            line=${line#*|}
            column=$((column + 1))
        done
        [ "${#line}" -le 72 ] || line=${line:0:71}…
        echo "$line"
    done
}

fetch() { # host:port, path; needs no curl
    exec 3<>"/dev/tcp/${1%:*}/${1##*:}" || return
    printf 'GET %s HTTP/1.0\r\n\r\n' "$2" >&3
    cat <&3
    exec 3>&-
}

in_aws() { # account/region/name; prints its status and root access, as the simulated AWS has them
    local answer status access
    answer=$(fetch "$aws" "/_admin/notebooks/$1")
    status=${answer##*'"status":"'}
    access=${answer##*'"rootAccess":"'}
    printf '%s|%s' "${status%%\"*}" "${access%%\"*}"
}

# Waits until a line of a program's output matches a pattern, and sets `line` to it.
await_line() { # what it is, its process, its output, the pattern
    local deadline=$((SECONDS + patience))
    while :; do
        while IFS= read -r line; do
            # shellcheck disable=SC2254 # it is a pattern
            case $line in $4) return ;; esac
        done <"$3"
        kill -0 "$2" 2>/dev/null || fail "$1 ended" "$3"
        [ "$SECONDS" -lt "$deadline" ] || fail "$1 was not ready after $patience s" "$3"
        sleep 0.1
    done
}

# ---- Build -------------------------------------------------------------------------------------------------------------------

build() { # title, then command
    echo
    echo "==> $1"
    shift
    # Both commands write their messages to stderr.
    start "$@" >/dev/null
    wait "$started" || fail 'the build did not succeed; see above'
    # The process id may belong to another process by the time the watchdog runs.
    : >"$folder/groups"
}

if [ ! -x "$programs/sudoless" ] || [ ! -x "$programs/local-cluster" ]; then
    echo 'The first run compiles sudoless, etcd and the Kubernetes API server: about ten minutes on two cores, once.'
    echo 'It downloads from the registries of Rust and Go, and from nowhere else.'
fi
# Builds with the workspace's features, as `make test` does, so that the two share the compiled dependencies.
build 'Building sudoless and the simulated AWS (Rust)' \
    cargo build --locked --workspace --bin sudoless --bin sagemaker-simulator --bin local-cluster
build 'Building etcd, kube-apiserver and kubectl (Go)' "$programs/local-cluster" tools
tools=$("$programs/local-cluster" tools)

# ---- Start -------------------------------------------------------------------------------------------------------------------

# No request may reach a real account or cluster, or go through a proxy.
for name in $(compgen -v AWS_); do unset "$name"; done
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null
export KUBECONFIG=$folder/kubeconfig
export PATH=$tools:$PATH

section 'Starting' 'A Kubernetes API server, a simulated AWS with fifteen notebooks, and the operator.' \
    'The simulated notebooks stop and start within seconds; real notebooks take minutes. The operator therefore polls twice a' \
    'second instead of every ten seconds, and repeats a request that had no effect after 3 seconds instead of a minute.'

start "$programs/local-cluster" up --until-stdin-closes --kubeconfig "$KUBECONFIG" >"$folder/cluster.log" 2>&1
cluster=$started
start "$programs/sagemaker-simulator" --fleet "$fleet" --exit-with-parent >"$folder/simulator.log" 2>&1
simulator=$started
await_line 'the simulated AWS' "$simulator" "$folder/simulator.log" 'export AWS_ENDPOINT_URL=*'
eval "$line"
aws=${AWS_ENDPOINT_URL#http://}
await_line 'the API server' "$cluster" "$folder/cluster.log" '# * is ready*'

"$programs/sudoless" crd >"$folder/crd.yaml"
kubectl apply --server-side -f "$folder/crd.yaml" >"$folder/kubectl.log" 2>&1 ||
    fail 'the custom resource definitions were not accepted' "$folder/kubectl.log"

start "$programs/sudoless" run --metrics-addr 127.0.0.1:0 --log-level info --log-format text \
    --poll-interval 500ms --resend-after 3s --settle 10s >"$folder/operator.log" 2>&1
operator=$started
await_line 'the operator' "$operator" "$folder/operator.log" '*serving /metrics*address=*'
metrics=${line##*address=}
metrics=${metrics%% *}

# ---- Audit -------------------------------------------------------------------------------------------------------------------

await_policy() { # message for a failure, then kubectl wait's condition
    kubectl wait "--for=$2" nrap/demo --timeout="${patience}s" >"$folder/kubectl.log" 2>&1 || {
        kubectl get nrap demo -o yaml >>"$folder/kubectl.log" 2>&1 || true
        cat "$folder/operator.log" >>"$folder/kubectl.log"
        fail "$1" "$folder/kubectl.log"
    }
}

section 'The policy' 'It forbids root access on the notebooks of three accounts in two regions, and exempts notebooks named legacy-*.' \
    'Its mode is Audit, which changes nothing in AWS.'
run cat "$policy"
run kubectl apply -f "$policy"

section 'The result' 'One line for the whole policy. Compliant is False: some notebooks give their users root.'
await_policy 'the policy did not become ready' condition=Ready
run kubectl get nrap -o wide

section 'The findings' \
    'All notebooks that are not compliant, and the action that mode Enforce would take (NEXT).' \
    'An unreadable notebook is Unknown, never compliant. AWS starts no stopped notebook on a retired platform or with an Elastic' \
    'Inference accelerator: such a running notebook is NotRestartable, and is never stopped.'
findings='{range .status.findings[*]}{.verdict}|{.next}|{.account}|{.region}|{.name}|{.status}|{.reason}{"\n"}{end}'
echo
{
    echo 'VERDICT|NEXT|ACCOUNT|REGION|NOTEBOOK|STATUS|REASON'
    kubectl get nrap demo -o jsonpath="$findings"
} | table

section 'The accounts and regions' 'Their states, worst first. One account denies the operator; the others are read all the same.'
targets='{range .status.targets[*]}{.state}|{.account}|{.region}|{.notebooks}|{.nonCompliant}|{.message}{"\n"}{end}'
echo
{
    echo 'STATE|ACCOUNT|REGION|NOTEBOOKS|VIOLATIONS|MESSAGE'
    kubectl get nrap demo -o jsonpath="$targets"
} | table

# ---- Enforce -----------------------------------------------------------------------------------------------------------------

section 'Enforce' \
    'Now the same policy disables root access. Stopped notebooks are updated. Running notebooks are stopped, updated and started' \
    'again, at most two at a time (maxConcurrent). The simulated AWS lets the first start of the recommender fail (no capacity).' \
    'Each line is a change: the state of the record, then status and root access as AWS shows them a moment later.'
violations='{range .status.findings[?(@.verdict=="NonCompliant")]}{.next}|{.account}/{.region}/{.name}{"\n"}{end}'
places=()
seen=()
states=()
while IFS='|' read -r next place; do
    [ "$next" != Wait ] || continue
    places[${#places[@]}]=$place
    seen[${#seen[@]}]=
    states[${#states[@]}]=
done < <(kubectl get nrap demo -o jsonpath="$violations")

events='{.spec.notebook.account}/{.spec.notebook.region}/{.spec.notebook.name}|{.status.state}|{.status.startAttempts}{"\n"}'
start kubectl get nbr --watch -o jsonpath="$events" >"$folder/records.log" 2>"$folder/watch.log"
run kubectl patch nrap demo --type merge -p '{"spec":{"mode":"Enforce"}}'
printf '\n%-8s  %-15s  %-16s  %-9s  %s\n' TIME NOTEBOOK RECORD STATUS 'ROOT ACCESS'

show_place() { # number; prints a line if its record or its notebook changed
    local now status access
    now=$(in_aws "${places[$1]}")
    [ "${seen[$1]}" != "${states[$1]}|$now" ] || return 0
    seen[$1]="${states[$1]}|$now"
    status=${now%|*}
    access=${now#*|}
    printf '%s  %-15s  %-16s  %-9s  %s\n' "$(date +%T)" "${places[$1]##*/}" "${states[$1]:--}" "$status" "$access"
}

all_succeeded() {
    local state
    for state in "${states[@]}"; do [ "$state" = Succeeded ] || return 1; done
}

exec 4<"$folder/records.log"
part=
deadline=$((SECONDS + patience))
until all_succeeded; do
    kill -0 "$operator" 2>/dev/null || fail 'the operator ended' "$folder/operator.log"
    [ "$SECONDS" -lt "$deadline" ] || fail 'not every notebook was fixed in time' "$folder/operator.log"
    while IFS= read -r line <&4; do
        IFS='|' read -r place state attempts <<<"$part$line"
        part=
        case $state:$attempts in
        Starting: | Starting:[01]) ;;
        Starting:*) state="Starting (try $attempts)" ;;
        esac
        for number in "${!places[@]}"; do
            [ "${places[number]}" = "$place" ] || continue
            states[number]=${state:-Pending}
            show_place "$number"
        done
    done
    part=$part$line # the beginning of an incomplete line
    for number in "${!places[@]}"; do show_place "$number"; done
    sleep 0.2
done
exec 4<&-

section 'The records' 'One record for each notebook, written before the notebook was changed, and kept for 30 days.' \
    'Downtime counts from the requested Stop until the notebook was seen running again. Stopped notebooks stayed stopped.'
await_policy 'the policy has other violations than the two that cannot be restarted' 'jsonpath={.status.summary.nonCompliant}=2'
run kubectl get nbr

section 'The policy again' 'Two violations are left. AWS would not start these notebooks again, so the operator does not stop them. Each' \
    'message says what the owner can do.'
run kubectl get nrap -o wide
echo
kubectl get nrap demo -o jsonpath='{range .status.findings[?(@.reason=="NotRestartable")]}{.name}|{.message}{"\n"}{end}' |
    while IFS='|' read -r name message; do
        echo "$name:"
        echo "$message" | fold -s -w 110
    done

section 'Change requests' \
    'All requests for a change, as the simulated AWS received them. The Update of a running notebook is a test: AWS rejects it' \
    'because of the status (ValidationException). If AWS denied the permission instead, no notebook would be stopped.'
echo
{
    echo 'OPERATION|BODY|ANSWER'
    rest=$(fetch "$aws" /_admin/writes)
    while [ "$rest" != "${rest#*'"operation":"'}" ]; do
        rest=${rest#*'"operation":"'}
        body=${rest#*'"body":'}
        answer=${body#*'"outcome":"'}
        echo "${rest%%\"*}|${body%%,'"outcome"'*}|${answer%%\"*}"
    done
} | table

section 'The conditions' 'The summary for people, and for tools such as kubectl wait, Argo CD and Flux.'
kubectl get nrap demo -o jsonpath='{range .status.conditions[*]}{.type}|{.status}|{.reason}|{.message}{"\n"}{end}' |
    while IFS='|' read -r type status reason message; do
        printf '\n%s is %s (%s):\n' "$type" "$status" "$reason"
        echo "$message" | fold -s -w 110
    done

section 'Some metrics' "From http://$metrics/metrics, which Prometheus scrapes. Zero values are left out."
echo
fetch "$metrics" /metrics | while IFS= read -r line; do
    case $line in
    *' 0') ;;
    sudoless_notebooks{* | sudoless_notebooks_not_restartable{* | sudoless_targets{* | sudoless_remediations_total{* | sudoless_remediation_downtime_seconds_sum{*) echo "$line" ;;
    esac
done

[ -z "$once" ] || { printf '\nThe demo is over. On a terminal it stays up until Ctrl-C.\n'; exit; }

# ---- Stay --------------------------------------------------------------------------------------------------------------------

section 'Try it yourself' 'In another terminal, while the demo runs:'
cat <<END

  export KUBECONFIG=$KUBECONFIG PATH=$tools:"\$PATH"

  kubectl get nrap -o wide --watch                # one line for each change
  kubectl get nrap demo -o yaml                   # the whole status
  kubectl explain nrap.spec.exemptions            # documentation of a field
  kubectl edit nrap demo                          # add, for instance:  selector: {names: ["team-*"]}

  # An owner enables root access. The operator disables it after a minute at most, or at once after the annotation.
  curl -X POST $AWS_ENDPOINT_URL/_admin/notebooks/444455556666/eu-west-1/search-ranking/enable-root
  kubectl annotate nrap demo --overwrite sudoless.dev/scan-now="\$(date)"
  kubectl get nbr --watch                         # one line for each step
  kubectl events                                  # events of the policy and of all records

  tail -f $folder/operator.log

Ctrl-C here stops everything and removes $folder.
END
trap 'printf "\nStopping.\n"; exit 0' INT
while sleep 1; do
    kill -0 "$operator" 2>/dev/null || fail 'the operator ended' "$folder/operator.log"
    kill -0 "$cluster" 2>/dev/null || fail 'the API server ended' "$folder/cluster.log"
    kill -0 "$simulator" 2>/dev/null || fail 'the simulated AWS ended' "$folder/simulator.log"
done
