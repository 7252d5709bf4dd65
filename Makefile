# What people and machines run; `make test` is all that a change must pass.
# Tools and environments are kept in .cache, which git ignores.

.PHONY: build test soak bench golden fuzz lint clean help

comma := ,

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

build: ## ./mlreport, without cgo
	CGO_ENABLED=0 go build -trimpath -o mlreport ./cmd/mlreport

test: ## install what tests need, then lint, all tests with real servers, race detector, short fuzzing
	@scripts/test

soak: ## hours of killed batches, spoilt answers and full disks: tests that leave something to chance try it often
	@scripts/mlflow-env 2.22.1 3.17.2
	MLREPORT_SOAK=1 go test -count=1 -timeout 24h ./cmd/mlreport ./pkg/...

lint: ## the part of `make test` that runs no test
	@scripts/lint

bench: ## what a batch costs, into bench/results.md; BENCH=large: with 100,000 models, into bench/results-large.md
	@scripts/bench $(if $(filter large,$(BENCH)),results-large.md 1000$(comma)10000$(comma)100000,results.md 1000$(comma)10000)

golden: ## write expected outputs anew (samples, docs, testdata); read the difference before you commit it
	@scripts/golden

fuzz: ## fuzz for hours: make fuzz SECONDS=7200
	@scripts/fuzz $(or $(SECONDS),7200)

clean: ## all that git ignores; the next `make test` installs it again
	rm -rf .cache mlreport mlreport-out bench/out
