//! Whose ReplicaSet it is: orphans that match are adopted, owned ones that no longer match are released.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, OwnerReference};
use serde_json::json;

use crate::api::ReplicaSet;
use crate::effect::{Effect, Ownership, Target};
use crate::revision::owns;

use super::draft::Draft;
use super::scale::owner;

/// Plans adoption and release. What is adopted counts from the next observation on.
pub(super) fn settle(d: &mut Draft<'_>) {
    let Some(selector) = d.s.selector() else { return };
    for rs in d.s.replica_sets.iter().filter(|rs| !rs.is_deleting()) {
        let matching = matches(selector, rs);
        if matching && rs.controller_uid().is_none() {
            let mut owners = rs.metadata.owner_references.clone().unwrap_or_default();
            owners.push(owner(d));
            reown(d, rs, &owners, true);
        } else if !matching && owns(&d.s.rollout, rs) {
            let owners = rs.metadata.owner_references.iter().flatten();
            let others: Vec<_> = owners.filter(|owner| owner.controller != Some(true)).cloned().collect();
            reown(d, rs, &others, false);
        }
    }
}

fn reown(d: &mut Draft<'_>, rs: &ReplicaSet, owners: &[OwnerReference], adopted: bool) {
    let ownership = Ownership { target: Target::of(&rs.metadata), owner_references: json!(owners), adopted };
    d.plan(Effect::OwnReplicaSet(ownership), None, Vec::new());
}

/// Whether a label selector selects the ReplicaSet. An unknown operator selects nothing.
pub(crate) fn matches(selector: &LabelSelector, rs: &ReplicaSet) -> bool {
    let empty = std::collections::BTreeMap::new();
    let labels = rs.metadata.labels.as_ref().unwrap_or(&empty);
    crate::selector::matches(selector, labels)
}
