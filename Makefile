# One-liners over the go tool; make alone prints them. All but race build without a C compiler.
export CGO_ENABLED = 0
T = 5m
GOTEST = go test
D = 8h
ARGS =
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.7.0
# Where pars-evm has a full node in it: a desktop can run one, and the tag makes the program twice as large.
DESKTOP = linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64
FULL = $(if $(filter $(DESKTOP),$(shell go env GOOS)/$(shell go env GOARCH)),-tags parsfull)
TARGETS = linux/386 linux/arm linux/arm64 linux/riscv64 windows/amd64 darwin/arm64

help: ## print this
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

run: build ## build and start a node: make run ARGS='--home /tmp/a'
	bin/pars-node run $(ARGS)

build: ## build every command into bin/
	go build -trimpath $(FULL) -o bin/ ./cmd/...

check: ## formatting, vet, staticcheck, go.mod, the tree's own rules, generated files, other platforms
	@out=$$(gofmt -l .); test -z "$$out" || { echo "gofmt:"; echo "$$out"; exit 1; }
	go vet ./...
	go vet -tags interop,parsfull ./...
	go run $(STATICCHECK) ./...
	go run $(STATICCHECK) -tags parsfull ./pkg/evm/full ./internal/command/evm
	go mod tidy -diff
	go test ./internal/arch ./internal/gen
	@sh scripts/cross.sh $(TARGETS)

test: ## every test; no network, no service, no root
	go test ./...
	go test -tags parsfull ./pkg/evm/full ./internal/command/evm

race: ## the short tests under the race detector
	CGO_ENABLED=1 go test -race -short ./...

fuzz: ## every Fuzz target in turn, T in all: make fuzz T=5m
	sh scripts/fuzz.sh $(T)

interop: ## the labs: real servers and real peers
	sh test/lab/install.sh
	$(GOTEST) $(V) -count=1 -timeout=45m -tags=interop,parsfull ./test/...

bench: ## measure against the peers
	cd bench && go run . $(ARGS)

soak: ## long seeds and churn for D: make soak D=8h
	PARS_SOAK=$(D) go test -count=1 -timeout 0 -tags soak ./pkg/bootstrap/... ./pkg/bundle ./pkg/dag ./pkg/dht ./pkg/fountain ./pkg/gossip ./pkg/node ./pkg/peerbook ./test/...

man: ## write manual pages, completion scripts and doc.go from the trees of verbs
	go run ./internal/gen/write all

dist: ## release builds into dist/; with VERIFY=1 twice, and compared
	sh scripts/dist.sh

.PHONY: help run build check test race fuzz interop bench soak man dist
