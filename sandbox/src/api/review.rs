//! Reviews: questions to the API server that store nothing.

use serde_json::{Value, json};

use super::access::{self, Action, User};
use super::path::Path;
use super::{Answer, decode};
use crate::protobuf::Kind;
use crate::refusal::{Cause, Refusal};
use crate::state::Sandbox;

/// Answers a review, if the path names one.
pub fn answer(
    sandbox: &Sandbox,
    path: &Path,
    method: &str,
    user: &User,
    (content_type, body): (&str, &[u8]),
) -> Option<Result<Answer, Refusal>> {
    let known = path.group == "authorization.k8s.io" && path.version == "v1";
    let kind = match path.plural.as_str() {
        "selfsubjectaccessreviews" if known => "SelfSubjectAccessReview",
        "subjectaccessreviews" if known => "SubjectAccessReview",
        "localsubjectaccessreviews" if known => "LocalSubjectAccessReview",
        _ => return None,
    };
    if method != "POST" {
        return Some(Err(Refusal::method_not_allowed()));
    }
    let expected = Kind { api_version: "authorization.k8s.io/v1".to_owned(), kind: kind.to_owned() };
    Some(decode::question(content_type, body, &expected).and_then(|asked| review(sandbox, kind, user, &asked)))
}

fn review(sandbox: &Sandbox, kind: &str, user: &User, asked: &Value) -> Result<Answer, Refusal> {
    let spec = &asked["spec"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (resource, path) = (&spec["resourceAttributes"], &spec["nonResourceAttributes"]);
    if resource.is_null() == path.is_null() {
        let why = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
        let cause = Cause::invalid("spec.resourceAttributes", &Value::Null, why);
        let message = format!(".authorization.k8s.io \"\" is invalid: {}: {}", cause.field, cause.message);
        let details = json!({ "group": "authorization.k8s.io", "causes": [cause.to_json()] });
        return Err(Refusal::with(422, "Invalid", message, details));
    }
    let subresource = text(&resource["subresource"]);
    let plural = text(&resource["resource"]);
    let action = Action {
        verb: text(if path.is_null() { &resource["verb"] } else { &path["verb"] }),
        group: text(&resource["group"]),
        resource: if subresource.is_empty() { plural } else { format!("{plural}/{subresource}") },
        namespace: text(&resource["namespace"]),
        name: text(&resource["name"]),
        path: path["path"].as_str().map(str::to_owned),
    };
    let about = if kind == "SelfSubjectAccessReview" {
        user.clone()
    } else {
        let groups = serde_json::from_value(spec["groups"].clone()).unwrap_or_default();
        User { name: text(&spec["user"]), groups }
    };
    let allowed = sandbox.with(|state| access::may(state, &about, &action));
    let mut metadata = json!({});
    if let Some(namespace) = asked["metadata"]["namespace"].as_str() {
        metadata["namespace"] = json!(namespace);
    }
    let answer = json!({
        "kind": kind, "apiVersion": "authorization.k8s.io/v1", "metadata": metadata, "spec": spec,
        "status": { "allowed": allowed },
    });
    Ok(Answer::Json(201, answer, Vec::new()))
}
