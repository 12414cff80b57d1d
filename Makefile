# One line a task. Every task sets up what it needs; see .ci/setup.
CARGO := cargo
export PATH := $(HOME)/.cargo/bin:$(PATH)
# TLS and SASL by the system's OpenSSL where it is one of today; else, and in the image, one is built. Asked at each recipe: set-up may bring it.
export OPENSSL_NO_VENDOR = $(shell pkg-config --atleast-version=3 openssl 2> /dev/null && echo 1 || echo 0)

.PHONY: help setup build demo test metrics schemas figures chaos bench fuzz simulate calibrate defects clean

help: ## say what there is
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "  make %-9s %s\n", $$1, $$2}' Makefile

setup: ## install everything that is missing (C compiler, libchdb; for the tests Apache Kafka, Python client, promtool)
	@.ci/setup all

build: ## build target/release/grapevine
	@.ci/setup rust
	$(CARGO) build --release --locked

demo: build ## the main job: events into Kafka, through the worker, into ClickHouse, answers as tables
	@.ci/setup libchdb
	target/release/grapevine demo

test: setup ## every check and test
	@.ci/test

chaos: setup ## everything dies, again and again, around a real broker; ends with a table (some ten minutes)
	$(CARGO) test --release --locked --test it apache_kafka:: -- --skip chaos
	GRAPEVINE_FLIPS=1000000 $(CARGO) test --release --locked --lib -- --nocapture no_state_with_a_flipped_bit_passes
	GRAPEVINE_CHAOS=full $(CARGO) test --release --locked --test it apache_kafka::chaos -- --nocapture

bench: setup build ## the benchmarks of docs/benchmarks.md, on Apache Kafka itself (about half an hour)
	$(CARGO) bench --locked --no-fail-fast

fuzz: setup ## ten minutes of fuzzing: decode, fold, flush, snapshot
	@.ci/fuzz 600

SECONDS_OF_SIMULATION ?= 600
simulate: ## random histories through the loop for ten minutes; a failing one says how to play it again
	GRAPEVINE_SECONDS=$(SECONDS_OF_SIMULATION) $(CARGO) test --release --locked --test simulation -- --nocapture whatever

WORLDS ?= 1000
calibrate: ## do intervals hold what they promise? simulated brands with a known truth, tables of targets
	@.ci/setup rust
	WORLDS=$(WORLDS) $(CARGO) test --release --locked -p grapevine-core --test calibrate -- --nocapture --test-threads 1

defects: ## plants the defects of tests/defects one by one and sees each caught (an hour on two cores)
	@.ci/defects

metrics: ## writes docs/metrics.md, the comments on columns, the dbt package and the dashboards from their catalogues
	@.ci/setup python
	target/python-venv/bin/python deploy/metrics.py
	target/python-venv/bin/python deploy/operations.py

schemas: ## writes the schemas of the configuration and of the chart's values from config/worker.toml
	@.ci/setup python
	target/python-venv/bin/python deploy/schemas.py

figures: build ## prints the answers of docs/sql.md anew, from the world that it names
	@.ci/setup libchdb
	python3 docs/figures.py

clean: ## remove what was built
	$(CARGO) clean
