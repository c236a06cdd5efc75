//! The kubectl plugin: `kubectl sluice ...`, also installed as `kubectl-argo-rollouts`.

fn main() {}
