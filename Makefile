# What one does here. Go, make and git are enough for demo, build and test.

GO      ?= go
PROGRAM := dealbell
FUZZ    ?= 300000x

# The daemon is one static binary; the race detector alone needs cgo.
export CGO_ENABLED ?= 0

.PHONY: help
help: ## List the targets.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  \1\t/' | expand -t 14

.PHONY: demo
demo: ## Try it all in a playground: a website form, a deals board, a Slack where it rings, and buttons for trouble.
	@dir=$$(mktemp -d) && trap "rm -rf $$dir" EXIT && $(GO) build -o $$dir/$(PROGRAM) ./cmd/dealbell && { trap : INT; $$dir/$(PROGRAM) demo; }

.PHONY: build
build: ## Build ./dealbell, static and stripped.
	$(GO) build -trimpath -ldflags '-s -w' -o $(PROGRAM) ./cmd/dealbell

.PHONY: test
test: ## Run all tests.
	$(GO) test $(TESTFLAGS) ./...

.PHONY: race
race: ## Run all tests with the race detector; the longest ones shortened.
	CGO_ENABLED=1 $(GO) test -race -short -shuffle=on -timeout 20m ./...

DIR ?= screenshots

# Packages whose tests photograph pages.
PHOTOGRAPHED = $(shell grep -rl DEALBELL_SCREENSHOTS --include='*_test.go' cmd internal | xargs -n 1 dirname | sort -u | sed 's,^,./,')

# Packages whose tests have a full length, and print figures.
TORTURED = $(shell grep -rl DEALBELL_TORTURE --include='*_test.go' internal | xargs -n 1 dirname | sort -u | sed 's,^,./,')

.PHONY: screenshots
screenshots: ## Photograph the pages in Chromium, light, dark and as on a telephone, into DIR (default screenshots).
	@mkdir -p "$(DIR)" && DEALBELL_SCREENSHOTS="$$(realpath "$(DIR)")" $(GO) test $(PHOTOGRAPHED) -count=1 -run 'Newcomer|OperatorsDay' && ls "$(DIR)"

.PHONY: torture
torture: ## Run the rigs at their full length, which takes an hour or more, and print the figures.
	@dir=$$(mktemp -d) && trap "rm -rf $$dir" EXIT; \
	{ DEALBELL_TORTURE=full $(GO) test -p 1 -count=1 -v -timeout 90m $(TORTURED) 2>&1 || touch $$dir/failed; } | tee $$dir/log | grep -E '^(--- |ok|FAIL|panic)'; \
	if [ -e $$dir/failed ]; then grep -vE '^[[:space:]]*(=== |--- PASS)' $$dir/log; fi; \
	printf '\n'; sed -n 's/.*figure: //p' $$dir/log | sort | awk -F ' [|] ' \
		'{ goal[NR] = $$1; rest[NR] = $$2 "  (" $$3 ")"; if (length($$1) > width) width = length($$1) } \
		END { for (i = 1; i <= NR; i++) printf "%-*s  %s\n", width, goal[i], rest[i] }'; \
	test ! -e $$dir/failed

.PHONY: lint
lint: ## Lint with golangci-lint v2.
	golangci-lint run

.PHONY: fmt
fmt: ## Format all code.
	golangci-lint fmt

.PHONY: fuzz
fuzz: ## Fuzz each target FUZZ times (default 300000x).
	@set -e; for file in $$(grep -rl '^func Fuzz' --include='*_test.go' internal); do \
		for target in $$(sed -nE 's/^func (Fuzz[A-Za-z]+).*/\1/p' $$file); do \
			echo "$$(dirname $$file) $$target"; \
			$(GO) test ./$$(dirname $$file) -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZ) -fuzzminimizetime 10x; \
		done; \
	done

.PHONY: bench
bench: ## Measure speed and memory of the real binary; prints the README's table.
	$(GO) test ./internal/bench -run '^$$' -bench Outside -benchtime 1x -timeout 20m

.PHONY: vuln
vuln: ## Look for known vulnerabilities.
	$(GO) run golang.org/x/vuln/cmd/govulncheck@v1.1.4 ./...

.PHONY: clean
clean: ## Delete what was built.
	rm -f $(PROGRAM)
