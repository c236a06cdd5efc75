.PHONY: test try lint crds

# Everything: units, laws, golden vectors, and the scenarios on a real control plane.
test:
	@tests/all

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
