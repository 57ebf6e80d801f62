# What people and CI run. The steps themselves are cargo's and the scripts' in scripts/; `make help` lists them.

# One for all checkouts, outside of them: a second clone builds in seconds. Respected if it is set already.
CACHE := $(if $(XDG_CACHE_HOME),$(XDG_CACHE_HOME),$(HOME)/.cache)/sudoless
CARGO_TARGET_DIR ?= $(CACHE)/target
export CARGO_TARGET_DIR

.DEFAULT_GOAL := help
.PHONY: help demo test search mutants bench bench-remediation crds fmt lint deny tools prerequisites clean-cache

help: ## Show this list
	@echo 'sudoless. Targets of make:'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' Makefile
	@echo 'Builds go to $(CARGO_TARGET_DIR), tools to $(CACHE)/tools.'

demo: prerequisites ## See it work: a real API server, a simulated AWS, the operator; needs neither account nor cluster
	@scripts/demo.sh

test: prerequisites ## Everything that CI checks: format, lints, generated files, all tests
	@scripts/test.sh

search: prerequisites ## Search every state that few faults lead to for a broken promise: a quarter of an hour, 4 GB of memory
	@cargo run --locked --quiet --package remediation-search

mutants: prerequisites ## Plant two dozen mistakes, one at a time, and show that a test catches each: about half an hour
	@scripts/mutants.sh

bench: prerequisites ## Measure scans of large fleets against the simulator
	@scripts/bench.sh

bench-remediation: prerequisites ## Measure how close to the ideal schedule large fleets are fixed: fifteen minutes
	@cargo bench --locked --quiet --package sudoless --bench remediation
	@cargo bench --locked --quiet --package sudoless --bench remediation -- --stopped --notebooks 10000 --targets 300

crds: prerequisites ## Write the generated files anew: crds/, config/iam/, the chart's copies and its README, docs/commands.md
	@scripts/generate.sh

fmt: ## Format the code
	@cargo fmt --all

lint: ## Run clippy on everything, warnings are errors
	@cargo clippy --workspace --all-targets --locked -- -D warnings

deny: ## Check licences, advisories and sources of all dependencies; needs cargo-deny and the Internet
	@command -v cargo-deny >/dev/null || { echo 'cargo-deny is missing: cargo install --locked cargo-deny' >&2; exit 1; }
	@cargo deny --workspace check

tools: prerequisites ## Build the tools for tests and demo (etcd, kube-apiserver, kubectl, helm, …) and print where they are
	@cargo run --locked --quiet --package local-cluster -- tools --all

prerequisites: ## Check that what cannot be built here is installed, and say what is missing
	@scripts/prerequisites.sh

clean-cache: ## Remove what was built for all checkouts: the tools and the default target folder
	rm -rf '$(CACHE)'
