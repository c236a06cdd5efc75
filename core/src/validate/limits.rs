//! `maxSurge` and `maxUnavailable`.

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::problem::Problems;
use crate::replicas::limits::parse_percent;

/// A count of pods or a percentage.
pub(super) fn check(field: &str, value: Option<&IntOrString>, found: &mut Problems) {
    match value {
        Some(IntOrString::Int(count)) => found.not_negative(field, Some(*count)),
        Some(IntOrString::String(text)) if parse_percent(text).is_none() => {
            found.invalid(field, text, "must be an integer or a percentage (for example \"25%\")");
        }
        _ => {}
    }
}

/// Whether it is zero, said in one way or the other.
pub(super) fn is_zero(value: Option<&IntOrString>) -> bool {
    match value {
        Some(IntOrString::Int(count)) => *count == 0,
        Some(IntOrString::String(text)) => parse_percent(text) == Some(0),
        None => false,
    }
}
