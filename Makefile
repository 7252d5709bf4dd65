# What people and machines run; `make test` is all that a change must pass.
# Tools and environments are kept in .cache, which git ignores.

.PHONY: build test bench golden fuzz lint clean help

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

build: ## ./mlreport, without cgo
	CGO_ENABLED=0 go build -trimpath -o mlreport ./cmd/mlreport

test: ## install what tests need, then lint, all tests with real servers, race detector, short fuzzing
	@scripts/test

lint: ## the part of `make test` that runs no test
	@scripts/lint

bench: ## all benchmarks; some start real servers
	@scripts/mlflow-env 3.17.2 2.22.1
	go test -run '^$$' -bench . -benchmem ./...

golden: ## write expected outputs anew (samples, docs, testdata); read the difference before you commit it
	@scripts/golden

fuzz: ## fuzz for hours: make fuzz SECONDS=7200
	@scripts/fuzz $(or $(SECONDS),7200)

clean: ## all that git ignores; the next `make test` installs it again
	rm -rf .cache mlreport mlreport-out bench/out
