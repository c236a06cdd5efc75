//! Labels and annotations that pods have for as long as their revision is on trial or serves, changed on live pods.
//!
//! A ReplicaSet's annotation lists what was put on its pods. While some pods still lack what they should have, or have what
//! they should not, it lists both, so that whatever happens in between, nothing stays behind.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::api::{PodTemplateMetadata, ReplicaSet, labels};
use crate::effect::{Effect, Entries, Entry, PodPatch};
use crate::planted::{self, Bug};
use crate::selector;
use crate::snapshot::{Pod, Snapshot};
use crate::strategy::Strategy;

use super::draft::Draft;

type Texts = BTreeMap<String, String>;

/// Whether a decision about labels and annotations needs the pods themselves.
pub fn concerns_pods(snapshot: &Snapshot) -> bool {
    let configured = Strategy::of(&snapshot.rollout)
        .is_some_and(|strategy| strategy.trial_metadata().is_some() || strategy.serving_metadata().is_some());
    configured || snapshot.owned().any(|rs| rs.annotation(labels::EPHEMERAL_METADATA).is_some())
}

/// What a new ReplicaSet's pods get: as on trial where another revision serves, else as serving.
pub(super) fn of_new(d: &Draft<'_>) -> PodTemplateMetadata {
    let on_trial = !d.is_first() && !d.is_complete();
    allowed(d, if on_trial { d.strategy.trial_metadata() } else { d.strategy.serving_metadata() })
}

/// The metadata, without the labels by which pods belong to their ReplicaSet.
fn allowed(d: &Draft<'_>, metadata: Option<&PodTemplateMetadata>) -> PodTemplateMetadata {
    let mut metadata = metadata.cloned().unwrap_or_default();
    let selector = d.s.selector();
    let keys = selector.and_then(|selector| selector.match_labels.as_ref()).into_iter().flat_map(BTreeMap::keys);
    let expressions = selector.and_then(|selector| selector.match_expressions.as_ref()).into_iter().flatten();
    for key in keys.chain(expressions.map(|expression| &expression.key)) {
        metadata.labels.remove(key);
    }
    metadata.labels.remove(labels::POD_TEMPLATE_HASH);
    metadata
}

/// How the annotation lists them; `None` for nothing.
pub(super) fn listed(metadata: &PodTemplateMetadata) -> Option<String> {
    let nothing = metadata.labels.is_empty() && metadata.annotations.is_empty();
    // Two maps of texts always have a JSON form.
    if nothing { None } else { serde_json::to_string(metadata).ok() }
}

/// Brings the metadata of every revision's pods up to its role.
pub(super) fn settle(d: &mut Draft<'_>) {
    if !concerns_pods(d.s) || d.begins {
        return;
    }
    let of_new = of_new(d);
    let of_stable = allowed(d, d.strategy.serving_metadata());
    let (new, stable) = (d.revisions.new, d.revisions.other_stable());
    for rs in d.revisions.old.clone() {
        settle_one(d, rs, &PodTemplateMetadata::default(), &PodTemplateMetadata::default());
    }
    if let Some(rs) = stable {
        settle_one(d, rs, &of_stable, &PodTemplateMetadata::default());
    }
    if let Some(rs) = new {
        // The manifest says what its pods have without a role.
        let own = d.s.template().map(written).unwrap_or_default();
        settle_one(d, rs, &of_new, &own);
    }
}

/// Template first, then the pods: what the API server refuses in the one never reaches the others.
fn settle_one(d: &mut Draft<'_>, rs: &ReplicaSet, wanted: &PodTemplateMetadata, own: &PodTemplateMetadata) {
    let annotation = rs.annotation(labels::EPHEMERAL_METADATA);
    // A list that cannot be read lists nothing, as when ReplicaSets are compared.
    let known: PodTemplateMetadata = annotation.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    if known == *wanted && annotation.is_none() {
        return;
    }
    let (of_labels, of_annotations) = template_changes(rs, &known, wanted, own);
    if !of_labels.changes.is_empty() || !of_annotations.changes.is_empty() {
        list(d, rs, &both(&known, wanted));
        d.change_template(rs, |template| (template.labels, template.annotations) = (of_labels, of_annotations));
        return;
    }
    let pods: Vec<&Pod> = d.s.pods.iter().filter(|pod| pod.replica_set_uid == rs.uid() && !pod.deleting).collect();
    let mut settled = true;
    for pod in pods.into_iter().filter(|_| !planted::is(Bug::ForgetsLivePods)) {
        let labels = changes(&pod.labels, &known.labels, &wanted.labels, &own.labels);
        let annotations = changes(&pod.annotations, &known.annotations, &wanted.annotations, &own.annotations);
        if !labels.changes.is_empty() || !annotations.changes.is_empty() {
            settled = false;
            let patch = PodPatch { target: pod.target.clone(), labels, annotations };
            d.plan(Effect::PatchPod(patch), None, Vec::new());
        }
    }
    if settled {
        list(d, rs, wanted);
    }
}

fn list(d: &mut Draft<'_>, rs: &ReplicaSet, metadata: &PodTemplateMetadata) {
    match listed(metadata) {
        Some(text) => d.annotate(rs, labels::EPHEMERAL_METADATA, &text),
        None => d.remove_annotation(rs, labels::EPHEMERAL_METADATA),
    }
}

/// What the template for pods to come lacks or has too much.
fn template_changes(
    rs: &ReplicaSet,
    known: &PodTemplateMetadata,
    wanted: &PodTemplateMetadata,
    own: &PodTemplateMetadata,
) -> (Entries, Entries) {
    let live = written(&rs.spec.template);
    (
        changes(&live.labels, &known.labels, &wanted.labels, &own.labels),
        changes(&live.annotations, &known.annotations, &wanted.annotations, &own.annotations),
    )
}

/// What a pod template says itself.
fn written(template: &Value) -> PodTemplateMetadata {
    PodTemplateMetadata {
        labels: selector::texts(template, "/metadata/labels"),
        annotations: selector::texts(template, "/metadata/annotations"),
    }
}

/// What leads from the entries that are there to those wanted, given those that were put there before and those that stand in
/// the manifest.
fn changes(present: &Texts, known: &Texts, wanted: &Texts, own: &Texts) -> Entries {
    let mut entries = Entries::of(Some(present));
    let surplus = known.keys().filter(|key| !wanted.contains_key(*key));
    entries.changes.extend(
        surplus.filter_map(|key| {
            Entry::change(key, present.get(key).map(String::as_str), own.get(key).map(String::as_str))
        }),
    );
    let missing = wanted.iter();
    entries.changes.extend(
        missing.filter_map(|(key, value)| Entry::change(key, present.get(key).map(String::as_str), Some(value))),
    );
    entries
}

fn both(known: &PodTemplateMetadata, wanted: &PodTemplateMetadata) -> PodTemplateMetadata {
    let join =
        |known: &Texts, wanted: &Texts| known.iter().chain(wanted).map(|(k, v)| (k.clone(), v.clone())).collect();
    PodTemplateMetadata {
        labels: join(&known.labels, &wanted.labels),
        annotations: join(&known.annotations, &wanted.annotations),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(pairs: &[(&str, &str)]) -> Texts {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn what_was_put_there_goes_back_to_what_the_manifest_says_and_the_rest_stays() {
        let present = pairs(&[("app", "web"), ("role", "canary"), ("trial", "yes")]);
        let known = pairs(&[("role", "canary"), ("trial", "yes"), ("gone", "already")]);
        let changes =
            changes(&present, &known, &pairs(&[("role", "stable"), ("tier", "1")]), &pairs(&[("trial", "own")]));
        let expected = [
            Entry::change("trial", Some("yes"), Some("own")),
            Entry::change("role", Some("canary"), Some("stable")),
            Entry::change("tier", None, Some("1")),
        ];
        assert_eq!(changes.changes, expected.into_iter().flatten().collect::<Vec<_>>());
    }

    #[test]
    fn the_annotation_lists_labels_before_annotations_and_leaves_empty_ones_out() {
        let metadata = PodTemplateMetadata { labels: pairs(&[("role", "canary")]), annotations: Texts::new() };
        assert_eq!(listed(&metadata).as_deref(), Some(r#"{"labels":{"role":"canary"}}"#));
        assert_eq!(listed(&PodTemplateMetadata::default()), None);
    }
}
