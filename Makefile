# The targets that developers and CI run. cargo and the scripts in scripts/ do the work. `make help` lists the targets.

# One target folder for all checkouts, so that a second clone builds in seconds. A value in the environment takes precedence.
CACHE := $(if $(XDG_CACHE_HOME),$(XDG_CACHE_HOME),$(HOME)/.cache)/sudoless
CARGO_TARGET_DIR ?= $(CACHE)/target
export CARGO_TARGET_DIR

.DEFAULT_GOAL := help
.PHONY: help demo test search mutants bench bench-remediation crds fmt lint deny tools prerequisites clean-cache

help: ## Show this list
	@echo 'Targets:'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' Makefile
	@echo 'Builds go to $(CARGO_TARGET_DIR), tools to $(CACHE)/tools.'

demo: prerequisites ## Run a demo: a real API server, a simulated AWS and the operator. Needs no AWS account and no cluster
	@scripts/demo.sh

test: prerequisites ## Check everything that CI checks. PART=checks, unit, integration or chart runs one part
	@scripts/test.sh $(PART)

search: prerequisites ## Search all states that a few faults can lead to for a broken promise: half an hour, 4 GB of memory
	@cargo run --locked --quiet --package remediation-search

mutants: prerequisites ## Plant two dozen mistakes, one at a time, and check that a test catches each: about 30 minutes
	@scripts/mutants.sh

bench: prerequisites ## Measure scans of large fleets against the simulator
	@scripts/bench.sh

bench-remediation: prerequisites ## Measure remediation of large fleets against the ideal schedule: 15 minutes
	@cargo bench --locked --quiet --package sudoless --bench fleets -- remediation
	@cargo bench --locked --quiet --package sudoless --bench fleets -- remediation --stopped --notebooks 10000 --targets 300

crds: prerequisites ## Generate crds/, config/iam/, the chart's copies and README, docs/commands.md and more
	@scripts/generate.sh

fmt: ## Format the code
	@cargo fmt --all

lint: ## Run clippy on everything; warnings are errors
	@cargo clippy --workspace --all-targets --locked -- -D warnings

deny: ## Check licences, advisories and sources of all dependencies. Needs cargo-deny and the Internet
	@command -v cargo-deny >/dev/null || { echo 'cargo-deny is missing: cargo install --locked cargo-deny' >&2; exit 1; }
	@cargo deny --workspace check

tools: prerequisites ## Build the tools for tests and demo (etcd, kube-apiserver, kubectl, helm, …) and print their folders
	@cargo run --locked --quiet --package local-cluster -- tools --all

prerequisites: ## Check the prerequisites, and list missing ones
	@scripts/prerequisites.sh

clean-cache: ## Remove the shared tools and the default target folder
	rm -rf '$(CACHE)'
