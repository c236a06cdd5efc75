//! `sluice crds`: the custom resource definitions as YAML.

use anyhow::Context as _;
use sluice_core::api::crds;

/// All definitions as one stream, ready for `kubectl apply --server-side -f -`.
pub fn yaml() -> anyhow::Result<String> {
    let documents: Result<Vec<_>, _> = crds::all().iter().map(serde_saphyr::to_string).collect();
    Ok(documents.context("cannot write the definitions as YAML")?.join("---\n"))
}
