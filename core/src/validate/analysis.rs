//! An analysis block: which templates, with which arguments.

use super::problem::Problems;
use crate::api::{AnalysisRunArgument, AnalysisTemplateRef};

pub(super) fn check(
    field: &str,
    templates: &[AnalysisTemplateRef],
    args: &[AnalysisRunArgument],
    found: &mut Problems,
) {
    check_args(field, args, found);
    // Of ours from here on.
    if templates.is_empty() {
        found.warn(format!("{field}.templates"), "names no template, so there is nothing to measure");
    }
    for (index, template) in templates.iter().enumerate() {
        if template.template_name.is_empty() {
            found.required(format!("{field}.templates[{index}].templateName"), "");
        }
    }
}

/// Values that are taken from fields of the Rollout.
pub(super) fn check_args(field: &str, args: &[AnalysisRunArgument], found: &mut Problems) {
    for (index, arg) in args.iter().enumerate() {
        let field = format!("{field}.args[{index}]");
        let from = arg.value_from.as_ref();
        if let Some(path) = from.and_then(|from| from.field_ref.as_ref()).map(|reference| &reference.field_path) {
            let field = format!("{field}.valueFrom.fieldRef.fieldPath");
            if path.starts_with("metadata") && !is_downward(path) {
                let detail = "Analyses arguments must refer to valid object metadata supported by downwardAPI";
                found.invalid(field, path, detail);
            } else if path.is_empty() {
                found.required(field, "");
            }
        }
        let hash = from.and_then(|from| from.pod_template_hash_value.as_deref()).unwrap_or_default();
        if !["", "Stable", "Latest"].contains(&hash) {
            // Of ours: Argo Rollouts takes every other text for the latest revision.
            found.warn(
                format!("{field}.valueFrom.podTemplateHashValue"),
                format!("{hash:?} means Latest; there are \"Stable\" and \"Latest\""),
            );
        }
        if args[..index].iter().any(|other| other.name == arg.name) {
            found.warn(format!("{field}.name"), format!("{:?} has a value already", arg.name));
        }
    }
}

/// Paths under `metadata` that the downward API knows.
fn is_downward(path: &str) -> bool {
    const WHOLE: [&str; 5] =
        ["metadata.name", "metadata.namespace", "metadata.uid", "metadata.labels", "metadata.annotations"];
    let one = |map: &str| {
        let key = path.strip_prefix(map).and_then(|rest| rest.strip_prefix("['")?.strip_suffix("']"));
        key.is_some_and(|key| !key.is_empty())
    };
    WHOLE.contains(&path) || one("metadata.labels") || one("metadata.annotations")
}
