//! The options of a write that stand in the query.

use serde_json::{Value, json};

use super::Request;
use super::path::Query;
use crate::refusal::{Cause, Refusal};

/// The longest name of a field manager.
const LONGEST_MANAGER: usize = 128;

/// Refuses options that cannot be.
pub fn check(request: &Request) -> Result<(), Refusal> {
    let kind = match request.method.as_str() {
        "POST" => "CreateOptions",
        "PUT" => "UpdateOptions",
        "PATCH" => "PatchOptions",
        "DELETE" => "DeleteOptions",
        _ => return Ok(()),
    };
    let mut causes = Vec::new();
    let applies = request.content_type.starts_with("application/apply-patch+");
    let query = &request.query;
    if kind == "PatchOptions" && applies && query.get("fieldManager").is_empty() {
        causes.push(Cause::required("fieldManager", "is required for apply patch"));
    }
    if kind == "PatchOptions" && !applies && query.has("force") {
        causes.push(Cause::forbidden("force", "may not be specified for non-apply patch"));
    }
    manager(query, &mut causes);
    dry_run(query, &mut causes);
    let validation = query.get("fieldValidation");
    if !["", "Ignore", "Strict", "Warn"].contains(&validation) && kind != "DeleteOptions" {
        let allowed = ["", "Ignore", "Strict", "Warn"];
        causes.push(Cause::not_supported("fieldValidation", &json!(validation), &allowed));
    }
    invalid(kind, &causes)
}

/// Refuses options of this kind for these causes, if there are any.
pub fn invalid(kind: &str, causes: &[Cause]) -> Result<(), Refusal> {
    if causes.is_empty() {
        return Ok(());
    }
    let each: Vec<String> = causes.iter().map(|cause| format!("{}: {}", cause.field, cause.message)).collect();
    let list = if let [one] = &each[..] { one.clone() } else { format!("[{}]", each.join(", ")) };
    let causes: Vec<Value> = causes.iter().map(Cause::to_json).collect();
    let details = json!({ "group": "meta.k8s.io", "kind": kind, "causes": causes });
    Err(Refusal::with(422, "Invalid", format!("{kind}.meta.k8s.io \"\" is invalid: {list}"), details))
}

fn manager(query: &Query, causes: &mut Vec<Cause>) {
    let manager = query.get("fieldManager");
    if manager.len() > LONGEST_MANAGER {
        causes.push(Cause::too_long("fieldManager", LONGEST_MANAGER as u64));
    }
    if manager.chars().any(char::is_control) {
        causes.push(Cause::invalid("fieldManager", &json!(manager), "should only contain printable characters"));
    }
}

fn dry_run(query: &Query, causes: &mut Vec<Cause>) {
    let asked = query.all("dryRun");
    if asked.iter().any(|asked| *asked != "All") {
        causes.push(Cause::not_supported("dryRun", &json!(asked), &["All"]));
    }
}
