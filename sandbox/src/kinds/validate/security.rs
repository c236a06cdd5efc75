//! Security contexts.

use serde_json::{Value, json};

use super::metadata::invalid_text;
use crate::read::{at, is_true, number};
use crate::refusal::Cause;

const ID_RANGE: &str = "must be between 0 and 2147483647, inclusive";

/// The context of a container.
pub(super) fn of_container(out: &mut Vec<Cause>, field: &str, context: &Value) {
    ids(out, field, context);
    if at(context, "allowPrivilegeEscalation") == false && is_true(context, "privileged") {
        let detail = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true";
        out.push(invalid_text(field, &in_go(context), detail));
    }
}

/// The context of a pod.
pub(super) fn of_pod(out: &mut Vec<Cause>, field: &str, context: &Value) {
    ids(out, field, context);
    if let Some(group) = number(context, "fsGroup").filter(|id| i32::try_from(*id).map_or(true, |id| id < 0)) {
        out.push(Cause::invalid(format!("{field}.fsGroup"), &json!(group), ID_RANGE));
    }
}

fn ids(out: &mut Vec<Cause>, field: &str, context: &Value) {
    for name in ["runAsUser", "runAsGroup"] {
        if let Some(id) = number(context, name).filter(|id| i32::try_from(*id).map_or(true, |id| id < 0)) {
            out.push(Cause::invalid(format!("{field}.{name}"), &json!(id), ID_RANGE));
        }
    }
}

/// The context as the API server prints its own structure, which has other field names and all fields.
fn in_go(context: &Value) -> String {
    const FIELDS: [(&str, &str); 12] = [
        ("Capabilities", "capabilities"),
        ("Privileged", "privileged"),
        ("SELinuxOptions", "seLinuxOptions"),
        ("WindowsOptions", "windowsOptions"),
        ("RunAsUser", "runAsUser"),
        ("RunAsGroup", "runAsGroup"),
        ("RunAsNonRoot", "runAsNonRoot"),
        ("ReadOnlyRootFilesystem", "readOnlyRootFilesystem"),
        ("AllowPrivilegeEscalation", "allowPrivilegeEscalation"),
        ("ProcMount", "procMount"),
        ("SeccompProfile", "seccompProfile"),
        ("AppArmorProfile", "appArmorProfile"),
    ];
    let fields: Vec<String> = FIELDS.iter().map(|(name, field)| format!("{name:?}:{}", at(context, field))).collect();
    format!("{{{}}}", fields.join(","))
}
