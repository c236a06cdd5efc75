//! Tokens for service accounts: `kubectl create token`.

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{Answer, Request, decode};
use crate::object;
use crate::refusal::{Cause, Refusal};
use crate::resource::Resource;
use crate::state::{Sandbox, State};
use crate::token::{Bound, Claims, ISSUER, Reference};

/// How long a token lives unless it says otherwise, in seconds.
const LIFETIME: i64 = 3600;

/// Makes a token for the service account that the path names.
pub fn answer(sandbox: &Sandbox, request: Request) -> Result<Answer, Refusal> {
    let request = Request { resource: Arc::new(Resource::token_request()), ..request };
    let decoded = decode::object(&request)?;
    let asked = decoded.object;
    let namespace = request.namespace();
    if ![namespace, ""].contains(&object::namespace(&asked)) {
        let why = "the namespace of the provided object does not match the namespace sent on the request";
        return Err(Refusal::bad_request(why));
    }
    let made = sandbox.with(|state| make(state, &request, &asked))?;
    Ok(Answer::Json(201, made, decoded.warnings))
}

fn make(state: &mut State, request: &Request, asked: &Value) -> Result<Value, Refusal> {
    let (namespace, name) = (request.namespace(), request.path.name.as_deref().unwrap_or_default());
    find(state, "namespaces", "", namespace)?;
    if ![name, ""].contains(&object::name(asked)) {
        let why = "must match the service account name if specified";
        let cause = Cause::invalid("metadata.name", &json!(object::name(asked)), why);
        return Err(Refusal::invalid(&request.resource, name, &[cause]));
    }
    let account = find(state, "serviceaccounts", namespace, name)?;
    let (given, uid) = (object::uid(asked), object::uid(&account));
    if ![uid, ""].contains(&given) {
        let why =
            format!("the UID in the token request ({given}) does not match the UID of the service account ({uid})");
        return Err(Refusal::conflict(&request.resource, name, &why));
    }
    let spec = &asked["spec"];
    let lifetime = lifetime(&request.resource, spec)?;
    let mut audiences: Vec<String> = serde_json::from_value(spec["audiences"].clone()).unwrap_or_default();
    if audiences.is_empty() {
        audiences.push(ISSUER.to_owned());
    }
    let account = Reference { name: name.to_owned(), uid: uid.to_owned() };
    let bound = bound(state, namespace, account.clone(), &spec["boundObjectRef"])?;
    let now = state.now.as_second();
    let claims = Claims {
        aud: audiences.clone(),
        exp: now.saturating_add(lifetime),
        iat: now,
        iss: ISSUER.to_owned(),
        jti: state.ids.uid(),
        bound,
        nbf: now,
        sub: format!("system:serviceaccount:{namespace}:{name}"),
    };
    let token = state.tokens.sign(&claims).map_err(|_| {
        Refusal::with(500, "InternalError", "Internal error occurred: the token could not be signed", Value::Null)
    })?;
    let end = state.now.saturating_add(SignedDuration::from_secs(lifetime)).unwrap_or(jiff::Timestamp::MAX);
    let mut metadata = json!({
        "name": name, "namespace": namespace, "uid": account.uid, "creationTimestamp": object::time(state.now),
    });
    for field in ["generateName", "labels", "annotations"] {
        if !asked["metadata"][field].is_null() {
            metadata[field] = asked["metadata"][field].clone();
        }
    }
    Ok(json!({
        "kind": request.resource.kind, "apiVersion": request.resource.api_version(), "metadata": metadata,
        "spec": { "audiences": audiences, "expirationSeconds": lifetime, "boundObjectRef": spec["boundObjectRef"] },
        "status": { "token": token, "expirationTimestamp": object::time(end) },
    }))
}

fn find(state: &State, key: &str, namespace: &str, name: &str) -> Result<Arc<Value>, Refusal> {
    let found = state.store.get(key, namespace, name).cloned();
    found.ok_or_else(|| Refusal::not_found(&state.registry.known(key), name))
}

/// For how long, in seconds.
fn lifetime(resource: &Resource, spec: &Value) -> Result<i64, Refusal> {
    const SHORTEST: i64 = 600;
    const LONGEST: i64 = 1 << 32;
    let seconds = spec["expirationSeconds"].as_i64().unwrap_or(LIFETIME);
    let why = match seconds {
        _ if seconds < SHORTEST => "may not specify a duration less than 10 minutes",
        _ if seconds > LONGEST => "may not specify a duration larger than 2^32 seconds",
        _ => return Ok(seconds),
    };
    Err(Refusal::invalid(resource, "", &[Cause::invalid("spec.expirationSeconds", &json!(seconds), why)]))
}

/// What the token ends with: its account, and the object that the request names, if it names one.
fn bound(state: &State, namespace: &str, account: Reference, reference: &Value) -> Result<Bound, Refusal> {
    let text = |field: &str| reference[field].as_str().unwrap_or_default();
    let mut bound =
        Bound { namespace: namespace.to_owned(), node: None, pod: None, secret: None, serviceaccount: account };
    if reference.is_null() {
        return Ok(bound);
    }
    let (group, version) = text("apiVersion").split_once('/').unwrap_or(("", text("apiVersion")));
    let (key, place) = match (group, text("kind")) {
        ("", "Pod") => ("pods", namespace),
        ("", "Secret") => ("secrets", namespace),
        ("", "Node") => ("nodes", ""),
        (_, kind) => {
            let why = format!("cannot bind token to object of type {group}/{version}, Kind={kind}");
            return Err(Refusal::bad_request(why));
        }
    };
    let found = find(state, key, place, text("name"))?;
    let refer =
        |object: &Value| Reference { name: object::name(object).to_owned(), uid: object::uid(object).to_owned() };
    match key {
        "pods" => {
            let account = &bound.serviceaccount.name;
            if found["spec"]["serviceAccountName"] != account.as_str() {
                let why = "to pod running with different serviceaccount name.";
                return Err(Refusal::bad_request(format!("cannot bind token for serviceaccount {account:?} {why}")));
            }
            let node = found["spec"]["nodeName"].as_str().unwrap_or_default();
            bound.node = state.store.get("nodes", "", node).map(|node| refer(node));
            bound.pod = Some(refer(&found));
        }
        "secrets" => bound.secret = Some(refer(&found)),
        _ => bound.node = Some(refer(&found)),
    }
    if ![object::uid(&found), ""].contains(&text("uid")) {
        return Err(another(text("kind"), text("name"), text("uid")));
    }
    Ok(bound)
}

/// The object that is meant is not the one that is there.
fn another(kind: &str, name: &str, uid: &str) -> Refusal {
    let why = format!(
        "the UID in the bound object reference ({uid}) does not match the UID in record. The object might have been deleted and then recreated"
    );
    let message = format!("Operation cannot be fulfilled on {kind} {name:?}: {why}");
    Refusal::with(409, "Conflict", message, json!({ "name": name, "kind": kind }))
}
