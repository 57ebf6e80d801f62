#!/usr/bin/env bash
# A control plane to try things on. Run by `make demo`.
set -eu
cd "$(dirname "$0")/.."
exec cargo run --locked --quiet --package local-cluster -- up --controller-manager
