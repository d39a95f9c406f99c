# The targets that developers run and CI runs too.
CDK := npx -y aws-cdk@2.1148.1
GOLANGCI_LINT := go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
FUZZTIME ?= 30s
# go.mod names the oldest CDK that is tested, so that nobody is forced to update.
# A module that is new takes the newest one, which is tested as well.
CDK_NEWEST := v2.276.0

.PHONY: help build test race fuzz golden lint fmt synth newest templates examples all

help: ## show the targets
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## compile everything
	go build ./...

test: ## run all tests
	go test ./...

race: ## run the tests of all packages with goroutines but those that import the CDK under the race detector
	go test -race ./constructs/checks ./internal/... ./lambdaruntime/... ./local/... ./cmd/...

fuzz: ## run each fuzz target for FUZZTIME
	@for pkg in $$(go list ./constructs/checks ./lambdaruntime/... ./local/... ./examples/... ./plan); do \
		for target in $$(go test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
			echo "$$pkg $$target"; go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$pkg || exit 1; \
		done; \
	done

golden: ## write the golden templates anew; read their diff
	go test ./constructs ./examples/baseline/infra ./examples/canary/infra ./examples/embed/infra ./test -update
	go test ./examples/api/infra ./examples/jobs/infra ./examples/live/infra ./examples/app/infra ./examples/full/infra -update
	go test ./constructs/checks -update
	go test ./constructs/hearthtest ./local/internal/sqs -run "Table|Snapshot" -update
	go test ./cmd/hearth -run Planning -update

fmt: ## check formatting
	@out=$$(gofmt -l .); if [ -n "$$out" ]; then echo "gofmt would change:"; echo "$$out"; exit 1; fi

lint: fmt ## check formatting and run go vet, also for macOS and Windows, and golangci-lint
	go vet ./...
	GOOS=darwin go vet ./cmd/hearth
	GOOS=windows go vet ./cmd/hearth
	$(GOLANGCI_LINT) run ./...

synth: ## synthesize the example with the real CDK CLI
	$(CDK) synth --quiet

newest: ## compile the constructs with the newest CDK, and synthesize stacks with it
	@dir=$$(mktemp -d) && trap 'rm -rf "$$dir"' EXIT && \
	cp go.mod "$$dir/newest.mod" && cp go.sum "$$dir/newest.sum" && \
	go get -modfile="$$dir/newest.mod" github.com/aws/aws-cdk-go/awscdk/v2@$(CDK_NEWEST) && \
	go build -modfile="$$dir/newest.mod" ./constructs/... ./examples/... && \
	go test -modfile="$$dir/newest.mod" -run '^(TestBackendFull|TestPlainAccepts|TestWarnings)$$' ./constructs

templates: ## make a project from each template, and test, synthesize and run it
	go test ./test/templates -templates -count=1 -timeout 30m

examples: synth ## synthesize the example with cdk-nag's AwsSolutions checks as well
	$(CDK) synth --quiet -c nag=true

all: lint test newest templates race synth ## everything
