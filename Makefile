# Everything a contributor runs. `make` alone lists it.
# Go alone runs the product; Node, Chromium and Postgres are for building the stylesheet and for tests, and
# scripts/setup.sh installs what is missing.

SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

TOOL := go tool -modfile=tools/go.mod
POSTGRES := scripts/postgres.sh run
TEST_POSTGRES := scripts/in-memory.sh $(POSTGRES)
# Without vet, which lint runs in full: with other checks it would go through every dependency once more.
GO_TEST := go test -vet=off -timeout 10m

# The product is built without C, so its tests are too.
export CGO_ENABLED := 0

.PHONY: help
help: ## List what make can do
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

## Work

.PHONY: run
run: ## Run the server on :8080 with SQLite under ./data
	go run .

.PHONY: dev
dev: node ## Run the server; regenerate, rebuild and restart at each change
	scripts/dev.sh

.PHONY: generate
generate: node ## Regenerate the templ code and the stylesheet
	scripts/generate.sh

.PHONY: css
css: node ## Rebuild static/app.css
	npm run --silent css

## Check

.PHONY: check
check: lint test-sqlite ## Check what a commit needs, in about a minute: lint and the tests on SQLite

.PHONY: test
test: setup lint test-postgres test-race test-e2e ## Test everything: both databases, data races, the browser

.PHONY: lint
lint: node ## Check format, vet, staticcheck and that generated files are current
	@unformatted=$$(git ls-files -co --exclude-standard '*.go' | xargs gofmt -l); \
	if [ -n "$$unformatted" ]; then echo "Not in gofmt's format; run gofmt -w on:"; echo "$$unformatted"; exit 1; fi
	go vet ./...
	$(TOOL) staticcheck ./...
	scripts/check-generated.sh

.PHONY: test-sqlite
test-sqlite: ## Run the Go tests on SQLite
	scripts/in-memory.sh env -u LATCHKEY_TEST_POSTGRES $(GO_TEST) ./...

.PHONY: test-postgres
test-postgres: postgres ## Run the Go tests on SQLite and on a Postgres of their own
	$(TEST_POSTGRES) $(GO_TEST) ./...

# The detector needs C and slows tests tenfold, so it looks where goroutines share state, and not into SQLite's own code,
# which was translated from C. With little optimisation C is compiled in a part of the time: none of it that matters runs.
RACE := -race -gcflags=modernc.org/sqlite/lib=-race=false -gcflags=modernc.org/libc=-race=false
.PHONY: test-race
test-race: postgres ## Run the tests of the concurrent packages under the race detector
	@if command -v gcc >/dev/null; then \
		CGO_ENABLED=1 CGO_CFLAGS=-O1 $(TEST_POSTGRES) bash -euc '$(GO_TEST) $(RACE) ./internal/ingest ./internal/ratelimit ./internal/usage; \
			$(GO_TEST) $(RACE) -run "AtOnce|Once|Instance|Call|Cache|Rotat|Ended" ./internal/keys'; \
	else echo "Skipped the race detector: it needs gcc."; fi

.PHONY: test-e2e
test-e2e: node chromium ## Walk through the product in a real browser
	scripts/in-memory.sh node e2e/run.mjs

.PHONY: screenshot
screenshot: node chromium ## Make docs/images/console.png from the running product
	node e2e/screenshot.mjs

.PHONY: bench
bench: postgres ## Measure beside a bare handler and pgbench, into docs/performance.md; BENCH="..." passes flags
	$(POSTGRES) --durable go run ./bench -doc docs/performance.md $(BENCH)

## Set up

.PHONY: setup node chromium postgres
setup: node chromium postgres ## Install what the tests need and this machine lacks

node chromium postgres:
	@scripts/setup.sh $@

.PHONY: clean
clean: ## Remove what building and testing left behind (never ./data)
	rm -rf latchkey .cache node_modules e2e/out bench/out coverage.out
