//! Labels and annotations that pods have for as long as their revision is on trial or serves, changed on live pods.
//!
//! A ReplicaSet's annotation lists what was put on its pods. While some pods still lack what they should have, or have what
//! they should not, it lists both, so that whatever happens in between, nothing stays behind.

use std::collections::BTreeMap;

use crate::api::{PodTemplateMetadata, ReplicaSet, labels};
use crate::effect::{Effect, Entries, Entry, PodPatch};
use crate::planted::{self, Bug};
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
    let on_trial = !d.status.stable_rs.is_empty() && !d.is_complete();
    let metadata = if on_trial { d.strategy.trial_metadata() } else { d.strategy.serving_metadata() };
    metadata.cloned().unwrap_or_default()
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
    let of_stable = d.strategy.serving_metadata().cloned().unwrap_or_default();
    let (new, stable) = (d.revisions.new, d.revisions.other_stable());
    for rs in d.revisions.old.clone() {
        settle_one(d, rs, &PodTemplateMetadata::default());
    }
    if let Some(rs) = stable {
        settle_one(d, rs, &of_stable);
    }
    if let Some(rs) = new {
        settle_one(d, rs, &of_new);
    }
}

fn settle_one(d: &mut Draft<'_>, rs: &ReplicaSet, wanted: &PodTemplateMetadata) {
    let annotation = rs.annotation(labels::EPHEMERAL_METADATA);
    // A list that cannot be read lists nothing, as when ReplicaSets are compared.
    let known: PodTemplateMetadata = annotation.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    if known == *wanted && annotation.is_none() {
        return;
    }
    let pods: Vec<&Pod> = d.s.pods.iter().filter(|pod| pod.replica_set_uid == rs.uid() && !pod.deleting).collect();
    let mut settled = true;
    for pod in pods.into_iter().filter(|_| !planted::is(Bug::ForgetsLivePods)) {
        let labels = changes(&pod.labels, &known.labels, &wanted.labels);
        let annotations = changes(&pod.annotations, &known.annotations, &wanted.annotations);
        if !labels.changes.is_empty() || !annotations.changes.is_empty() {
            settled = false;
            let patch = PodPatch { target: pod.target.clone(), labels, annotations };
            d.plan(Effect::PatchPod(patch), None, Vec::new());
        }
    }
    let list = if settled && reads_as(rs, &known, wanted) { wanted.clone() } else { both(&known, wanted) };
    match listed(&list) {
        Some(text) => d.annotate(rs, labels::EPHEMERAL_METADATA, &text),
        None => d.remove_annotation(rs, labels::EPHEMERAL_METADATA),
    }
    let (of_labels, of_annotations) = template_changes(rs, &known, wanted);
    d.change_template(rs, |template| (template.labels, template.annotations) = (of_labels, of_annotations));
}

/// What the template for pods to come lacks or has too much.
fn template_changes(rs: &ReplicaSet, known: &PodTemplateMetadata, wanted: &PodTemplateMetadata) -> (Entries, Entries) {
    let map = |at: &str| -> Texts {
        let map = rs.spec.template.pointer(at).and_then(serde_json::Value::as_object);
        map.into_iter().flatten().filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned()))).collect()
    };
    let (own_labels, own_annotations) = (map("/metadata/labels"), map("/metadata/annotations"));
    (
        changes(&own_labels, &known.labels, &wanted.labels),
        changes(&own_annotations, &known.annotations, &wanted.annotations),
    )
}

/// Whether new pods come with what is wanted already.
fn reads_as(rs: &ReplicaSet, known: &PodTemplateMetadata, wanted: &PodTemplateMetadata) -> bool {
    let (labels, annotations) = template_changes(rs, known, wanted);
    labels.changes.is_empty() && annotations.changes.is_empty()
}

/// What leads from the entries that are there to those wanted, given those that were put there before.
fn changes(present: &Texts, known: &Texts, wanted: &Texts) -> Entries {
    let mut entries = Entries::of(Some(present));
    let surplus = known.keys().filter(|key| !wanted.contains_key(*key));
    entries.changes.extend(surplus.filter_map(|key| Entry::change(key, present.get(key).map(String::as_str), None)));
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

    fn texts(pairs: &[(&str, &str)]) -> Texts {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn what_was_put_there_goes_what_is_wanted_comes_and_the_rest_stays() {
        let present = texts(&[("app", "web"), ("role", "canary"), ("trial", "yes")]);
        let known = texts(&[("role", "canary"), ("trial", "yes"), ("gone", "already")]);
        let changes = changes(&present, &known, &texts(&[("role", "stable"), ("tier", "1")]));
        let expected = [
            Entry::change("trial", Some("yes"), None),
            Entry::change("role", Some("canary"), Some("stable")),
            Entry::change("tier", None, Some("1")),
        ];
        assert_eq!(changes.changes, expected.into_iter().flatten().collect::<Vec<_>>());
    }

    #[test]
    fn the_annotation_lists_labels_before_annotations_and_leaves_empty_ones_out() {
        let metadata = PodTemplateMetadata { labels: texts(&[("role", "canary")]), annotations: Texts::new() };
        assert_eq!(listed(&metadata).as_deref(), Some(r#"{"labels":{"role":"canary"}}"#));
        assert_eq!(listed(&PodTemplateMetadata::default()), None);
    }
}
