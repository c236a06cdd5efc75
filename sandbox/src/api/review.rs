//! Questions to the API server that store nothing: who somebody is, and what they may do.

use serde_json::{Value, json};

use super::access::{self, Action, in_brackets};
use super::decode::{self, Decoded};
use super::identify;
use super::user::User;
use super::{Answer, Request};
use crate::object;
use crate::refusal::{Cause, Refusal};
use crate::state::{Sandbox, State};

/// Answers a question.
pub fn answer(sandbox: &Sandbox, request: &Request, user: &User) -> Result<Answer, Refusal> {
    if request.path.name.is_some() {
        return Err(Refusal::no_such_path());
    }
    if request.method != "POST" || request.resource.namespaced != request.path.namespace.is_some() {
        return Err(Refusal::method_not_allowed());
    }
    let Decoded { object: asked, warnings } = decode::object(request)?;
    let answered = sandbox.with(|state| match request.resource.kind.as_str() {
        "SelfSubjectReview" => Ok(self_review(state, user)),
        "TokenReview" => token(state, &asked),
        "SelfSubjectRulesReview" => rules(state, user, &asked),
        _ => access(state, request, user, &asked),
    });
    let mut answer = json!({
        "kind": request.resource.kind, "apiVersion": request.resource.api_version(), "metadata": asked["metadata"],
    });
    if !answer["metadata"].is_object() {
        answer["metadata"] = json!({});
    }
    if let (false, Some(metadata)) = (request.resource.namespaced, answer["metadata"].as_object_mut()) {
        metadata.remove("namespace");
    }
    match (&mut answer, answered?) {
        (Value::Object(answer), Value::Object(answered)) => answer.extend(answered),
        (_, _) => return Err(Refusal::bad_request("a question is an object")),
    }
    Ok(Answer::Json(201, answer, warnings))
}

/// Who asks.
fn self_review(state: &State, user: &User) -> Value {
    let metadata = json!({ "creationTimestamp": object::time(state.now) });
    json!({ "metadata": metadata, "status": { "userInfo": user.to_json() } })
}

/// Who holds a token.
fn token(state: &State, asked: &Value) -> Result<Value, Refusal> {
    let spec = &asked["spec"];
    let token = spec["token"].as_str().filter(|token| !token.is_empty());
    let token = token.ok_or_else(|| Refusal::bad_request("token is required for TokenReview in authentication"))?;
    let audiences: Vec<String> = serde_json::from_value(spec["audiences"].clone()).unwrap_or_default();
    let status = match identify::holder(state, token, &audiences) {
        Ok((user, audiences)) => json!({ "authenticated": true, "user": user.to_json(), "audiences": audiences }),
        Err(error) => json!({ "user": {}, "error": error }),
    };
    Ok(json!({ "spec": spec, "status": status }))
}

/// All that one may do in a namespace.
fn rules(state: &State, user: &User, asked: &Value) -> Result<Value, Refusal> {
    let namespace = asked["spec"]["namespace"].as_str().filter(|namespace| !namespace.is_empty());
    let namespace = namespace.ok_or_else(|| Refusal::bad_request("no namespace on request"))?;
    let (mut resources, mut paths, mut mistakes) = (Vec::new(), Vec::new(), Vec::new());
    for grant in access::grants(state, user, namespace) {
        match grant.rules {
            Ok(rules) => {
                for rule in rules {
                    if rule["nonResourceURLs"].is_null() { &mut resources } else { &mut paths }.push(rule.clone());
                }
            }
            Err(mistake) => mistakes.push(mistake),
        }
    }
    let mut status = json!({ "resourceRules": resources, "nonResourceRules": paths, "incomplete": false });
    if !mistakes.is_empty() {
        status["evaluationError"] = json!(in_brackets(&mistakes));
    }
    Ok(json!({ "spec": {}, "status": status }))
}

/// Whether somebody may do something.
fn access(state: &State, request: &Request, user: &User, asked: &Value) -> Result<Value, Refusal> {
    let spec = &asked["spec"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (resource, path) = (&spec["resourceAttributes"], &spec["nonResourceAttributes"]);
    let invalid = |field: &str, value: &Value, why: &str| {
        let cause = Cause::invalid(field, value, why);
        let message = format!(".authorization.k8s.io \"\" is invalid: {}: {}", cause.field, cause.message);
        let details = json!({ "group": "authorization.k8s.io", "causes": [cause.to_json()] });
        Refusal::with(422, "Invalid", message, details)
    };
    if resource.is_null() == path.is_null() {
        let why = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
        return Err(invalid("spec.resourceAttributes", &Value::Null, why));
    }
    let about = if request.resource.kind == "SelfSubjectAccessReview" {
        user.clone()
    } else {
        let groups: Vec<String> = serde_json::from_value(spec["groups"].clone()).unwrap_or_default();
        let name = text(&spec["user"]);
        if name.is_empty() && groups.is_empty() {
            return Err(invalid("spec.user", &json!(""), "at least one of user or group must be specified"));
        }
        User { name, groups, ..User::default() }
    };
    let (plural, subresource) = (text(&resource["resource"]), text(&resource["subresource"]));
    let action = Action {
        verb: text(if path.is_null() { &resource["verb"] } else { &path["verb"] }),
        group: text(&resource["group"]),
        resource: if subresource.is_empty() { plural } else { format!("{plural}/{subresource}") },
        namespace: text(&resource["namespace"]),
        name: text(&resource["name"]),
        path: path["path"].as_str().map(str::to_owned),
    };
    let verdict = access::judge(state, &about, &action);
    let mut status = json!({ "allowed": verdict.allowed });
    if !verdict.mistakes.is_empty() {
        status["reason"] = json!(format!("RBAC: {}", in_brackets(&verdict.mistakes)));
    } else if !verdict.reason.is_empty() {
        status["reason"] = json!(verdict.reason);
    }
    Ok(json!({ "spec": spec, "status": status }))
}
