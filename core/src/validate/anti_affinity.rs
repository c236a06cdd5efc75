//! `antiAffinity`, which both strategies have.

use super::problem::Problems;
use crate::api::AntiAffinity;

pub(super) fn check(field: &str, anti_affinity: Option<&AntiAffinity>, found: &mut Problems) {
    let Some(anti_affinity) = anti_affinity else { return };
    let preferred = anti_affinity.preferred_during_scheduling_ignored_during_execution.as_ref();
    let required = anti_affinity.required_during_scheduling_ignored_during_execution.as_ref();
    if preferred.is_some() == required.is_some() {
        found.invalid(field, anti_affinity, "AntiAffinity must have exactly one strategy listed");
    }
    if let Some(weight) = preferred.map(|preferred| preferred.weight).filter(|weight| !(1..=100).contains(weight)) {
        let field = format!("{field}.preferredDuringSchedulingIgnoredDuringExecution.weight");
        found.invalid(field, &weight, "AntiAffinity weight must be between 1-100");
    }
}
