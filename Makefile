# Everything that is done to this repository. `make help` lists it.

VERSION   ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
FUZZTIME  ?= 10s
BENCH     ?= .
BENCHTIME ?= 1s
ROUNDS    ?= 200
LEAK_TIME ?= 10m
COUNT     ?= 1
MACRO     ?= 3

TOOL    := go tool -modfile=tools.mod
LDFLAGS := -s -w -X main.version=$(VERSION)

# The version is set above: a build works outside a git repository too.
export GOFLAGS := $(GOFLAGS) -buildvcs=false
# The plugin is C to its host.
export CGO_ENABLED := 1

.PHONY: help build demo test race lint fuzz bench bench-macro crash leak tools clean dist distcheck manifests test-duckdb notice

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

build: ## build the plugin and siemctl into build/
	go build -trimpath -ldflags "$(LDFLAGS)" -buildmode=c-shared -o build/out_siem_s3.so ./plugin
	@rm -f build/out_siem_s3.h
	go build -trimpath -ldflags "$(LDFLAGS)" -o build/siemctl ./cmd/siemctl

demo: build ## see the plugin at work against servers on this machine
	build/siemctl demo

# The tests load the plugin as it is shipped, and spend none of their time on builds.
test: export SIEM_S3_PLUGIN := $(CURDIR)/build/out_siem_s3.so

test: build tools ## run every test, with the race detector
	go test -race ./...

race: ## hunt for races: the packages with goroutines, ten times over
	go test -race -short -count=10 ./spool ./notify ./pipeline ./plugin

lint: ## check format, vet and staticcheck
	@unformatted=$$($(TOOL) gofumpt -l .); test -z "$$unformatted" || \
		{ echo "not formatted, run: $(TOOL) gofumpt -w ." >&2; echo "$$unformatted" >&2; exit 1; }
	go vet ./...
	$(TOOL) staticcheck ./...

fuzz: ## run each fuzz target for FUZZTIME (10s)
	@set -e; for package in $$(go list ./...); do \
		for target in $$(go test -list '^Fuzz' $$package | grep '^Fuzz' || true); do \
			echo "== $$package $$target"; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$package; \
		done; \
	done

bench: ## run the benchmarks that match BENCH, COUNT (1) times, into build/bench.txt
	@mkdir -p build
	set -o pipefail; go test -p 1 -run '^$$' -bench '$(BENCH)' -benchtime $(BENCHTIME) -count $(COUNT) -benchmem ./... | tee build/bench.txt
	$(TOOL) benchstat build/bench.txt
bench bench-macro: SHELL := bash

bench-macro: build tools ## run the plugin beside Fluent Bit's own s3 output, MACRO (3) times
	@go build -o build/bench ./bench
	set -o pipefail; SIEM_S3_PLUGIN=$(CURDIR)/build/out_siem_s3.so build/bench -rounds $(MACRO) | tee build/bench-macro.txt

crash: tools ## kill the plugin ROUNDS (200) times, and look for what was lost or doubled
	CRASH_ROUNDS=$(ROUNDS) go test -run 'Kills|Tiny|Huge|Partitions|LargeStoreDir' -count=1 -timeout 60m -v ./test/crash
	go test -run PowerLoss -count=1 -v ./spool

leak: tools ## load, faults and reloads for LEAK_TIME (10m), and look for what has grown
	LEAK_TIME=$(LEAK_TIME) go test -run Leaks -count=1 -timeout 60m -v ./test/crash

tools: ## build the S3 server of the tests
	@echo "building the S3 server of the tests; the first time this takes minutes"
	@$(TOOL) -n versitygw >/dev/null

dist: build ## make the packages of a release into dist/
	VERSION=$(VERSION) sh test/packaging/dist.sh

distcheck: ## check that the same commit makes the same packages, twice from scratch
	VERSION=$(VERSION) sh test/packaging/distcheck.sh

manifests: ## check what is in deploy/ against Kubernetes and Compose
	cd test/packaging/schema && go test ./...

test-duckdb: ## run what siemctl schema --duckdb prints in DuckDB, 575 MB to download
	cd test/duckdb && go test ./...

notice: build ## collect the licenses of all that is linked into NOTICE
	go run ./test/packaging/notice build/out_siem_s3.so build/siemctl >build/NOTICE
	mv build/NOTICE NOTICE

clean: ## remove what was built
	rm -rf build dist
