#!/usr/bin/env bash
# Run by `make bench`.
set -eu
echo 'There is no benchmark yet.' >&2
exit 1
