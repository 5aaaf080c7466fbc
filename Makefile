# Commands for people: `make demo`, `make check`, `make bench`. Everything else is Meson's.
BUILD ?= build
MESON_OPTIONS ?=

.PHONY: all demo check fuzz bench clean
all: $(BUILD)/build.ninja
	@ninja -C $(BUILD)

$(BUILD)/build.ninja:
	@scripts/install-packages build
	@meson setup $(BUILD) $(MESON_OPTIONS)

# Builds, then classifies drawings that the network has never seen.
demo: all
	@scripts/demo $(BUILD)

# Builds, runs every test, ends with a line "N passed, N failed, N skipped".
check: all
	@scripts/run-tests $(BUILD)

# Each fuzzer for FUZZ_SECONDS with sanitizers, on clang.
fuzz:
	@scripts/install-packages build clang
	@scripts/run-fuzzers $(or $(FUZZ_SECONDS),60)

# Tenon beside ONNX Runtime, XNNPACK and TFLite, which are fetched: docs/benchmarks.md.
bench: all
	@bench/fetch-peers .cache/peers
	@bench/run $(BUILD) $(BENCH_OPTIONS)

clean:
	rm -rf $(BUILD)
