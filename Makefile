.PHONY: test prove try lint crds

# Everything: units, laws, golden vectors, and the scenarios on a real control plane.
test:
	@tests/all

# The long form of the proof: the laws over many more random inputs than `make test` tries; every scenario with every fault at each
# write; random histories; and the planted bugs, which must all be found.
prove:
	PROPTEST_CASES=$${CASES:-20000} cargo test --release --locked -p sluice-core -p sluice-sandbox --tests
	SEEDS=$${SEEDS:-1000} cargo test --release --locked --workspace --features planted-bugs --test scenarios prove:: -- \
		--include-ignored --nocapture --test-threads 1

# The product on a throwaway control plane, in a few minutes.
try:
	@tests/cluster/build
	@cargo build --release --locked --workspace --bins
	@SLUICE_CLUSTER_CRDS=crds tests/cluster/run examples/getting-started/try

lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

# Writes crds/ anew from the types.
crds:
	UPDATE=1 cargo test --release --locked --workspace --test crds
