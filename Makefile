# make demo   see it work: your camera if there is one, else a drawn face
# make test   run the tests
# make test-data DATA=DIR   the tests that need the optional data folder (default ../shared/data)
# make test-faults       faults of the card and the file system, signals, exit codes: the program itself, with strace and, for some, root (minutes)
# make power-cut         what was flushed is there after a thousand power cuts; as root (tens of minutes)
# make wear MINUTES=60   what a day of statistics costs an SD card, at the true pace; as root
# make soak SOAK="..."   a long run: "frames 100000" (default), "minutes 120", or "parts 1000000" without the networks
# make test-network  the page in a real browser, the figures in a real Prometheus, MQTT with a real broker, all of which are installed
# make bench  measure every stage on this machine
# make check  formatting, lints, documentation
# make fuzz SECONDS=60   let a fuzzer look for inputs that some reader of foreign bytes does not take well, so long for each (TARGETS="cascade y4m": only those)
# make fuzz-counts       without a fuzzer: as many mutants of each reader's inputs as are promised (an hour; TARGETS as above)
# make deny   known advisories, licences and sources of everything that is built in
# make test-training     the tests of the Python that trains the networks (installs PyTorch, some gigabytes, in .venv)
# make arm    build for 64-bit and 32-bit ARM, and run all tests there under emulation (without docker; tens of minutes)
# make deb    the Debian packages for both, in target/<target>/debian/
# make virtual-pi        the package under systemd, and the program on the kernel's cameras, GPIO and screen, in emulated machines (15 minutes, the first time more)
# make virtual-pi-short  of that, the program on kernel cameras and GPIO (5 minutes)
#
# Each target installs the Debian packages that it needs, with sudo unless you are root, and only when one is missing.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

RUST := $(shell sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
# A C compiler for tract, libclang and the kernel's headers for the v4l bindings.
PACKAGES := gcc libc6-dev libclang-dev
# The face cascade, which the program needs only if it is asked for.
test test-data bench: PACKAGES += opencv-data
check: PACKAGES += python3-venv
# What the tests of the network outputs need, and how their names begin.
test-network: PACKAGES += mosquitto mosquitto-clients openssl chromium-driver prometheus
NETWORK_TESTS := mqtt:: browser:: prometheus::

.PHONY: help
help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

.PHONY: demo
demo: toolchain packages
	cargo build --locked --release
	target/release/visaged demo

.PHONY: test
test: toolchain packages
	cargo test --locked

DATA ?= ../shared/data
.PHONY: test-data
test-data: toolchain packages
	@if [ -d "$(DATA)" ]; then VISAGED_DATA="$$(realpath $(DATA))" cargo test --locked --test it -- --ignored finder::; \
	else echo "NOT RUN: the tests that need the optional data folder ($(DATA) is not there)"; fi

test-faults: PACKAGES += faketime strace
.PHONY: test-faults
test-faults: toolchain packages
	cargo test --locked --test it -- --ignored --nocapture --test-threads=1 faults::
	cargo test --locked --lib -- --ignored a_thousand_cuts

power-cut: PACKAGES += e2fsprogs eatmydata mount python3-minimal qemu-system-common
.PHONY: power-cut
power-cut: toolchain packages
	cargo build --locked --release
	$(SUDO) tests/power_cut/run.sh target/release/visaged

MINUTES ?= 60
wear: PACKAGES += e2fsprogs mount
.PHONY: wear
wear: toolchain packages
	cargo build --locked --release
	$(SUDO) tests/wear.sh target/release/visaged $(MINUTES)

SOAK ?= frames 100000
.PHONY: soak
soak: toolchain packages
	cargo bench --locked --bench soak -- $(SOAK)

.PHONY: test-network
test-network: toolchain packages
	cargo test --locked --test it -- --ignored $(NETWORK_TESTS)

.PHONY: bench
bench: toolchain packages
	cargo bench --locked
	cargo run --locked --release -- bench

.PHONY: check
check: toolchain packages
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	cargo clippy --locked --bench soak -- -D warnings
	cargo clippy --locked --no-default-features --lib --bins -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --document-private-items
	test -x $(RUFF) || { python3 -m venv $(VENV)/ruff && $(RUFF:ruff=pip) install --quiet ruff==0.17.6; }
	cd models && ../$(RUFF) check .

# What the Python needs: a linter for `check`, and everything for `test-training`.
VENV := .venv
RUFF := $(VENV)/ruff/bin/ruff

.PHONY: test-training
test-training: PACKAGES := python3-venv
test-training: packages
	test -x $(VENV)/training/bin/pytest || { python3 -m venv $(VENV)/training && \
		$(VENV)/training/bin/pip install --quiet pytest --requirement models/training/requirements.txt; }
	cd models && ../$(VENV)/training/bin/python -m pytest training

# libFuzzer, without a sanitizer: our own code has no `unsafe` that one could watch. So no other toolchain is needed either.
FUZZING := --fuzz-dir tests/fuzz --sanitizer none
TARGETS := $(basename $(notdir $(wildcard tests/fuzz/targets/*.rs)))
SECONDS := 60
fuzz: PACKAGES += g++
# Some readers are given files, which need no disk.
fuzz fuzz-counts: export TMPDIR := $(firstword $(wildcard /dev/shm) /tmp)

.PHONY: fuzz
fuzz: toolchain packages
	command -v cargo-fuzz > /dev/null || cargo install --locked cargo-fuzz
	cargo fuzz build $(FUZZING)
	for target in $(TARGETS); do \
		cargo fuzz run $(FUZZING) $$target -- -max_total_time=$(SECONDS) -timeout=10 -rss_limit_mb=1024 -print_final_stats=1; \
	done

.PHONY: fuzz-counts
fuzz-counts: export TARGETS := $(TARGETS)
fuzz-counts: toolchain packages
	cargo test --locked --release --test it -- --ignored --nocapture the_promised_number_of_mutants

.PHONY: deny
deny: toolchain
	command -v cargo-deny > /dev/null || cargo install --locked cargo-deny
	cargo deny --locked check

ARM := aarch64-unknown-linux-gnu armv7-unknown-linux-gnueabihf
# Optimised, since emulation is slow; without link-time optimisation, which takes minutes and changes no result.
.PHONY: arm
arm: export CARGO_PROFILE_RELEASE_LTO = off
arm: export CARGO_PROFILE_RELEASE_CODEGEN_UNITS = 16
arm: toolchain
	failed=; for target in $(ARM); do tests/cross.sh $$target cargo test --locked --release --no-fail-fast || failed=1; done; test -z "$$failed"

# What the packages need beside the program: the manual and the completions come from the very program, under emulation.
PACKAGE := target/package
.PHONY: deb
deb: toolchain
	command -v cargo-deb > /dev/null || cargo install --locked cargo-deb
	command -v cargo-about > /dev/null || cargo install --locked cargo-about --features cli
	mkdir -p $(PACKAGE)
	cargo fetch --locked
	cargo about generate --offline --locked systemd/debian/licenses.hbs --output-file $(PACKAGE)/licenses.html
	for target in $(ARM); do \
		visaged() { tests/cross.sh $$target cargo run --quiet --release --locked -- "$$@"; }; \
		visaged man > $(PACKAGE)/visaged.1; \
		for shell in bash zsh fish; do visaged completions $$shell > $(PACKAGE)/visaged.$$shell; done; \
		tests/cross.sh $$target cargo deb --locked --no-build --strip --target $$target; \
	done
	ls -l target/*/debian/*.deb

.PHONY: virtual-pi virtual-pi-short
virtual-pi virtual-pi-short: toolchain
	tests/virtual_pi/run.sh $(if $(findstring short,$@),--short)

.PHONY: toolchain
toolchain:
	@command -v cargo > /dev/null || { echo "visaged needs Rust $(RUST) or newer, and there is no cargo here: see https://rustup.rs" >&2; exit 1; }
	@have=$$(rustc --version | cut -d' ' -f2); \
	[ "$$(printf '%s\n' $(RUST) $$have | sort -V | head -n1)" = $(RUST) ] || \
	{ echo "visaged needs Rust $(RUST) or newer, this is $$have: rustup update stable" >&2; exit 1; }

.PHONY: packages
packages:
	@command -v dpkg-query > /dev/null || { echo "not a Debian system: please see to a C compiler, libclang and, for the tests, OpenCV's haarcascades yourself" >&2; exit 0; }; \
	missing=$$(for package in $(PACKAGES); do \
		dpkg-query --show --showformat='$${db:Status-Status}' $$package 2> /dev/null | grep -qx installed || echo $$package; done); \
	[ -z "$$missing" ] || { $(SUDO) apt-get update && $(SUDO) apt-get install --yes --no-install-recommends $$missing; }
