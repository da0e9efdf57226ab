# Each target does its own set-up: on a fresh Debian machine with the Swift toolchain, apt and make, nothing else has to
# be installed or prepared by hand.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# Where `make install` puts things; DESTDIR is put in front, for packagers.
DESTDIR ?=
PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
UNITDIR ?= /lib/systemd/system
SYSUSERSDIR ?= /usr/lib/sysusers.d
TMPFILESDIR ?= /usr/lib/tmpfiles.d
DATADIR ?= $(PREFIX)/share/sluice
# Where the binaries are that are installed.
BINARIES ?= .build/release

# How long the long-running targets run, in seconds.
FUZZ_SECONDS ?= 600
SOAK_SECONDS ?= 900
SOAK_STREAMS ?= 2000

# docs/decisions/0004-compiler-settings.md says what each is for.
RELEASE := -c release --static-swift-stdlib --experimental-lto-mode=full -Xswiftc -use-ld=lld
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)

BUILD_PACKAGES := g++ git ca-certificates pkg-config libssl-dev libnghttp2-dev
DEMO_PACKAGES := $(BUILD_PACKAGES) curl
SYSTEMD_PACKAGES := $(BUILD_PACKAGES) debootstrap systemd systemd-container util-linux
TEST_PACKAGES := $(DEMO_PACKAGES) systemd openssl nghttp2-client prometheus python3 python3-venv $(if $(shell command -v node),,nodejs)
BENCH_PACKAGES := $(BUILD_PACKAGES) nginx-light nghttp2-client openssl python3 util-linux valgrind binutils

# What the tests drive the gateway with: an AWS SDK, a real runtime client, an HTTP/2 stack.
PYTHON_PACKAGES := boto3==1.43.11 awslambdaric==4.2.2 h2==4.3.0
VENV := .build-venv

# Installs those of the packages that are missing, and does not touch apt when none is. nginx-light stands for any nginx.
define install-packages
missing=""; \
for package in $(1); do \
    if [ "$$package" = nginx-light ] && command -v nginx >/dev/null; then continue; fi; \
    dpkg-query -W -f='$${db:Status-Status}' "$$package" 2>/dev/null | grep -qx installed || missing="$$missing $$package"; \
done; \
if [ -n "$$missing" ]; then \
    echo "Installing$$missing"; \
    $(SUDO) apt-get update -qq; \
    $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing; \
fi
endef

.PHONY: help
help:
	@echo 'make demo      build in release mode and start Sluice on http://127.0.0.1:8080 with functions of its own'
	@echo 'make test      every test: unit, property, end to end'
	@echo 'make test-thread, make test-address   the tests under a sanitizer'
	@echo 'make test-release           the end-to-end tests with the release binary'
	@echo 'make build     the release binaries, in .build/release'
	@echo 'make install   install them, the configuration and the service under DESTDIR ("$(DESTDIR)") and PREFIX ("$(PREFIX)")'
	@echo 'make systemd-test   the service in a real systemd, in a container (needs root)'
	@echo 'make lint      check the formatting'
	@echo 'make bench     measure against nginx (several minutes)'
	@echo 'make fuzz      fuzz each parser for FUZZ_SECONDS ($(FUZZ_SECONDS))'
	@echo 'make soak      load it with everything at once for SOAK_SECONDS ($(SOAK_SECONDS)); SANITIZE=thread or address'
	@echo 'make clean     remove what was built'

.PHONY: build
build:
	@$(call install-packages,$(BUILD_PACKAGES))
	swift build $(RELEASE) --product sluice
	swift build $(RELEASE) --product sluice-demo-function

.PHONY: demo
demo:
	@$(call install-packages,$(DEMO_PACKAGES))
	@$(MAKE) --no-print-directory build
	@echo
	@echo 'Open http://127.0.0.1:8080/ in a browser, or type in another terminal:'
	@echo '  curl -N -w "Connect: %{time_connect} TTFB: %{time_starttransfer} Total time: %{time_total}\n" http://127.0.0.1:8080/gettysburg'
	@echo
	@exec .build/release/sluice run --config config/demo/sluice.yaml

export SLUICE_PYTHON := $(abspath $(VENV)/bin/python)

.PHONY: test
test: $(VENV)/.ready
	@$(call install-packages,$(TEST_PACKAGES))
	Tests/run

# The tests in which threads meet or C is called, and the real binary, under a sanitizer: `thread` finds races, `address`
# finds memory that is used after its end or beyond its bounds. The first report ends the process that makes it.
SANITIZED_thread := ReactorTests GatewayTests DigestTests EndToEndTests
# The real binary keeps what it makes once until its end, which the leak check that comes with the address sanitizer takes
# for leaks; the machines and drivers run in the tests' own process.
SANITIZED_address := ReactorTests GatewayTests DigestTests TokensTests TLSTests HTTPTests AWSTests LambdaTests
.PHONY: test-thread test-address
test-thread test-address: test-%: $(VENV)/.ready
	@$(call install-packages,$(TEST_PACKAGES))
	TSAN_OPTIONS="halt_on_error=1 suppressions=$(CURDIR)/Tests/thread-sanitizer.suppressions" ASAN_OPTIONS=detect_leaks=0 \
	    Tests/run $(SANITIZED_$*) -- --sanitize=$* --scratch-path .build-$*

# The end-to-end tests against the release binary, which the optimiser has seen and theirs has not.
.PHONY: test-release
test-release: $(VENV)/.ready build
	@$(call install-packages,$(TEST_PACKAGES))
	SLUICE_BINARY=$(abspath .build/release/sluice) Tests/run EndToEndTests

# Depends on this file, which names the versions.
$(VENV)/.ready: Makefile
	@$(call install-packages,$(TEST_PACKAGES))
	rm -rf $(VENV)
	python3 -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check $(PYTHON_PACKAGES)
	touch $@

.PHONY: lint
lint:
	swift format lint --strict -r -p Sources Tests Benchmarks Package.swift

.PHONY: bench
bench:
	@$(call install-packages,$(BENCH_PACKAGES))
	swift build $(RELEASE) --product sluice
	SLUICE_BENCH=1 swift build $(RELEASE) --product sluice-bench
	python3 Benchmarks/run.py

# Builds with libFuzzer and the address sanitizer, assertions on, and runs each fuzzer in turn. What it learns stays in
# .build-fuzz/corpus; an input that fails is left in .build-fuzz and its path printed. Leaks are not looked for, because
# the sanitizer takes what lazy constants hold for lost; memory that grows is caught by its limit.
FUZZERS ?= $(filter %Fuzzer,$(notdir $(wildcard Tests/Fuzzing/*)))
.PHONY: fuzz
fuzz:
	@$(call install-packages,$(BUILD_PACKAGES))
	@for fuzzer in $(FUZZERS); do \
	    SLUICE_FUZZ=1 swift build -c release --sanitize=fuzzer -Xswiftc -sanitize=fuzzer,address \
	        -Xswiftc -assert-config -Xswiftc Debug --scratch-path .build-fuzz --product "$$fuzzer"; \
	done
	@for fuzzer in $(FUZZERS); do \
	    echo "--- $$fuzzer for $(FUZZ_SECONDS) s"; \
	    mkdir -p ".build-fuzz/corpus/$$fuzzer"; \
	    dictionary="Tests/Fuzzing/Seeds/$$fuzzer.dict"; \
	    ASAN_OPTIONS=detect_leaks=0 SWIFT_BACKTRACE=enable=no ".build-fuzz/release/$$fuzzer" -max_total_time=$(FUZZ_SECONDS) -timeout=10 \
	        -max_len=65536 -rss_limit_mb=2048 -print_funcs=0 -verbosity=0 -print_final_stats=1 \
	        $$([ -e "$$dictionary" ] && echo "-dict=$$dictionary") \
	        -artifact_prefix=".build-fuzz/$$fuzzer-" ".build-fuzz/corpus/$$fuzzer" "Tests/Fuzzing/Seeds/$$fuzzer"; \
	done

# With SANITIZE=thread or SANITIZE=address sluice itself is built with that sanitizer, whose first report ends the soak.
.PHONY: soak
soak:
	@$(call install-packages,$(BENCH_PACKAGES) openssl)
ifdef SANITIZE
	swift build --product sluice --sanitize=$(SANITIZE) --scratch-path .build-$(SANITIZE)
	python3 Benchmarks/mixed_soak.py --seconds $(SOAK_SECONDS) --streams $(SOAK_STREAMS) \
	    --sanitize $(SANITIZE) --binary .build-$(SANITIZE)/debug/sluice
else
	swift build $(RELEASE) --product sluice
	SLUICE_BENCH=1 swift build $(RELEASE) --product sluice-bench
	python3 Benchmarks/soak.py --seconds $$(( $(SOAK_SECONDS) / 2 ))
	python3 Benchmarks/mixed_soak.py --seconds $$(( $(SOAK_SECONDS) / 2 )) --streams $(SOAK_STREAMS)
endif

# Installs what `make build` has made. Only the configuration is kept when it is there already.
.PHONY: install
install:
	install -D -m 0755 "$(BINARIES)/sluice" "$(DESTDIR)$(PREFIX)/bin/sluice"
	@if [ ! -e "$(DESTDIR)$(SYSCONFDIR)/sluice/sluice.yaml" ]; then \
	    install -D -m 0644 config/sluice.yaml "$(DESTDIR)$(SYSCONFDIR)/sluice/sluice.yaml"; fi
	install -d "$(DESTDIR)$(UNITDIR)"
	sed -e 's|/usr/local/bin/sluice|$(PREFIX)/bin/sluice|; s|/etc/sluice/|$(SYSCONFDIR)/sluice/|' \
	    $(if $(filter /etc,$(SYSCONFDIR)),,-e '/^ConfigurationDirectory=/d') \
	    deploy/systemd/sluice.service > "$(DESTDIR)$(UNITDIR)/sluice.service"
	install -m 0644 deploy/systemd/sluice.socket deploy/systemd/sluice-https.socket "$(DESTDIR)$(UNITDIR)"
	install -D -m 0644 deploy/systemd/sluice.sysusers "$(DESTDIR)$(SYSUSERSDIR)/sluice.conf"
	install -d "$(DESTDIR)$(TMPFILESDIR)"
	sed -e 's|/etc/sluice|$(SYSCONFDIR)/sluice|' deploy/systemd/sluice.tmpfiles > "$(DESTDIR)$(TMPFILESDIR)/sluice.conf"
	chmod 0644 "$(DESTDIR)$(TMPFILESDIR)/sluice.conf" "$(DESTDIR)$(UNITDIR)/sluice.service"
	install -D -m 0644 deploy/logrotate/sluice "$(DESTDIR)$(SYSCONFDIR)/logrotate.d/sluice"
	install -D -m 0644 -t "$(DESTDIR)$(DATADIR)/systemd" deploy/systemd/local-functions.conf deploy/systemd/notify-reload.conf
	install -D -m 0644 -t "$(DESTDIR)$(DATADIR)/prometheus" deploy/prometheus/sluice.rules.yml
	install -D -m 0644 -t "$(DESTDIR)$(DATADIR)/grafana" deploy/grafana/sluice.json
	install -D -m 0644 -t "$(DESTDIR)$(PREFIX)/share/doc/sluice" README.md CHANGELOG.md LICENSE $(wildcard docs/*.md)

# Boots a Debian of its own in a container, installs the service there, and tries it with the real systemd. Needs root.
.PHONY: systemd-test
systemd-test:
	@$(call install-packages,$(SYSTEMD_PACKAGES))
	@$(MAKE) --no-print-directory build
	$(SUDO) deploy/systemd/try.sh

.PHONY: clean
clean:
	rm -rf .build .build-thread .build-address .build-fuzz .build-systemd $(VENV)
