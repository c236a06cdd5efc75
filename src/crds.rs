//! `sluice crds`: the custom resource definitions as YAML.

use anyhow::Context as _;
use sluice_core::api::crds;

/// The definitions as one stream, ready for `kubectl apply --server-side -f -`; those of the GitOps core on request.
pub fn yaml(gitops: bool) -> anyhow::Result<String> {
    let all = if gitops { crds::gitops() } else { crds::all() };
    let documents: Result<Vec<_>, _> = all.iter().map(serde_saphyr::to_string).collect();
    Ok(documents.context("cannot write the definitions as YAML")?.join("---\n"))
}
