## make bench [LONG=1] [ARGS=...]     measure every implementation on this CPU, record it under results/
##                                    and compare them: three minutes, or longer; "lanewise bench --help"
## make bench-rivals [ARGS=...]       matrix products beside OpenBLAS, BLIS, oneDNN, libxsmm, gonum and vek, and
##                                    training beside NumPy and PyTorch: ten to twenty minutes for each instruction
##                                    set; needs a C compiler; names the packages that are missing
## make compare OLD=FILE NEW=FILE     compare two records, the older one first
## make test [ARGS=-race]             run all tests
## make check                         format, vet, staticcheck, generated files up to date, go.mod tidy
## make generate                      write the assembly of package kernels anew
## make build                         build bin/lanewise; "bin/lanewise --help" tells what it does
## make clean                         remove what was built; records stay
##
## The same without make:
##   bench      go run ./cmd/lanewise bench [--long]
##   bench-rivals
##              go run -tags rivals ./cmd/lanewise bench rivals --threads all
##   compare    go run ./cmd/lanewise compare OLD NEW
##   test       go test ./...
##   check      gofmt -l .; GOARCH=amd64 go vet ./...; GOARCH=arm64 go vet ./...; go vet -tags purego ./...
##              go vet -tags rivals ./...; go tool staticcheck ./...; go test ./asm; go mod tidy -diff
##   generate   go run ./asm
##   build      go build -o bin/lanewise ./cmd/lanewise
##   clean      rm -rf bin

GO ?= go

# Words to pass on, as in ARGS="--filter SGEMM --rounds 20".
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help build bench bench-rivals compare test generate check clean

# The comments above are the manual.
help:
	@sed -n 's/^## \{0,1\}//p' Makefile

build:
	$(GO) build -o bin/lanewise ./cmd/lanewise

bench: build
	bin/lanewise bench $(if $(LONG),--long) $(ARGS)

bench-rivals:
	@echo '#include <dlfcn.h>' | $${CC:-gcc} -E - >/dev/null 2>&1 || \
		{ echo "bench-rivals calls libraries in C and needs a compiler for it: apt-get install gcc libc6-dev"; exit 1; }
	CGO_ENABLED=1 $(GO) build -tags rivals -o bin/lanewise-rivals ./cmd/lanewise
	bin/lanewise-rivals bench rivals --threads all $(ARGS)

compare:
	$(if $(and $(OLD),$(NEW)),,$(error compare needs two files: make compare OLD=results/.../a.txt NEW=results/.../b.txt))
	@$(MAKE) --no-print-directory build
	bin/lanewise compare $(ARGS) '$(OLD)' '$(NEW)'

test:
	$(GO) test $(ARGS) ./...

generate:
	$(GO) run ./asm

check:
	@echo 'gofmt -l .'
	@unformatted=$$("$$($(GO) env GOROOT)/bin/gofmt" -l .) && test -z "$$unformatted" || \
		{ echo "not formatted, see gofmt -d: $$unformatted"; exit 1; }
	GOARCH=amd64 $(GO) vet ./...
	GOARCH=arm64 $(GO) vet ./...
	$(GO) vet -tags purego ./...
	$(GO) vet -tags rivals ./...
	$(GO) tool staticcheck ./...
	$(GO) test ./asm
	$(GO) mod tidy -diff

clean:
	rm -rf bin
