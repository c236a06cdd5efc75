//! The options of a write that stand in the query.

use serde_json::{Value, json};

use super::Request;
use super::path::Query;
use crate::refusal::{Cause, Refusal, in_words};

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
    let list = in_words(causes);
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

/// Refuses options of a list or a watch that cannot be together.
pub fn check_list(query: &Query) -> Result<(), Refusal> {
    for number in ["limit", "timeoutSeconds"] {
        let text = query.get(number);
        if !text.is_empty() && text.parse::<i64>().is_err() {
            return Err(Refusal::bad_request(format!("strconv.ParseInt: parsing {text:?}: invalid syntax")));
        }
    }
    let (version, matching) = (query.get("resourceVersion"), query.get("resourceVersionMatch"));
    let (watches, streams) = (query.is_set("watch"), query.has("sendInitialEvents"));
    let mut causes = Vec::new();
    let mut forbid = |why: &str| causes.push(Cause::forbidden("resourceVersionMatch", why));
    if watches {
        if streams && matching != "NotOlderThan" {
            forbid("sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
        } else if !streams && !matching.is_empty() {
            forbid("resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
        }
    } else if !matching.is_empty() {
        if version.is_empty() {
            forbid("resourceVersionMatch is forbidden unless resourceVersion is provided");
        }
        if !query.get("continue").is_empty() {
            forbid("resourceVersionMatch is forbidden when continue is provided");
        }
        if !["Exact", "NotOlderThan"].contains(&matching) {
            let allowed = ["Exact", "NotOlderThan", ""];
            causes.push(Cause::not_supported("resourceVersionMatch", &json!(matching), &allowed));
        } else if matching == "Exact" && version == "0" {
            forbid("resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"");
        }
    }
    if streams && !watches {
        causes.push(Cause::forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
    }
    invalid("ListOptions", &causes)
}
