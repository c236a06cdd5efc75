//! What holds data: `ConfigMap`, Secret and Lease.

use serde_json::{Value, json};

use super::common::{IMMUTABLE, NOT_NEGATIVE, POSITIVE, at_least};
use super::names::{self, report};
use crate::read::{at, entries, is_empty, is_true, text};
use crate::refusal::Cause;

/// The most that fits into one ConfigMap or Secret.
const SIZE_LIMIT: usize = 1024 * 1024;
const FROZEN: &str = "field is immutable when `immutable` is set";

/// A ConfigMap; with `old`, an update of it.
pub(super) fn config_map(out: &mut Vec<Cause>, object: &Value, old: Option<&Value>) {
    if let Some(old) = old {
        frozen(out, object, old, &["data", "binaryData"]);
    }
    let mut size = 0;
    for (key, value) in entries(object, "data") {
        let field = format!("data[{key}]");
        report(out, &field, key, names::config_key(key));
        if at(object, "binaryData").get(key).is_some() {
            out.push(Cause::invalid(field, &json!(key), "duplicate of key present in binaryData"));
        }
        size += value.as_str().map_or(0, str::len);
    }
    for (key, value) in entries(object, "binaryData") {
        report(out, &format!("binaryData[{key}]"), key, names::config_key(key));
        size += value.as_str().map_or(0, decoded_len);
    }
    too_large(out, "", size);
}

/// A Secret; with `old`, an update of it.
pub(super) fn secret(out: &mut Vec<Cause>, object: &Value, old: Option<&Value>) {
    if let Some(old) = old {
        if text(object, "type") != text(old, "type") {
            out.push(Cause::invalid("type", at(object, "type"), IMMUTABLE));
        }
        frozen(out, object, old, &["data"]);
    }
    let mut size = 0;
    for (key, value) in entries(object, "data") {
        report(out, &format!("data[{key}]"), key, names::config_key(key));
        size += value.as_str().map_or(0, decoded_len);
    }
    too_large(out, "data", size);
    required_keys(out, object);
}

/// What the type of a Secret asks for.
fn required_keys(out: &mut Vec<Cause>, object: &Value) {
    let data = at(object, "data");
    let has = |key: &str| data.get(key).is_some();
    let mut require = |key: &str| out.push(Cause::required(format!("data[{key}]"), ""));
    match text(object, "type") {
        "kubernetes.io/tls" => ["tls.crt", "tls.key"].into_iter().filter(|key| !has(key)).for_each(require),
        "kubernetes.io/dockerconfigjson" if !has(".dockerconfigjson") => require(".dockerconfigjson"),
        "kubernetes.io/dockercfg" if !has(".dockercfg") => require(".dockercfg"),
        "kubernetes.io/ssh-auth" if !has("ssh-privatekey") => require("ssh-privatekey"),
        "kubernetes.io/basic-auth" if !has("username") && !has("password") => {
            ["username", "password"].into_iter().for_each(require);
        }
        "kubernetes.io/service-account-token" => {
            const ACCOUNT: &str = "kubernetes.io/service-account.name";
            if at(object, "metadata.annotations").get(ACCOUNT).is_none() {
                out.push(Cause::required(format!("metadata.annotations[{ACCOUNT}]"), ""));
            }
        }
        _ => {}
    }
}

fn frozen(out: &mut Vec<Cause>, object: &Value, old: &Value, fields: &[&str]) {
    if !is_true(old, "immutable") {
        return;
    }
    if !is_true(object, "immutable") {
        out.push(Cause::forbidden("immutable", FROZEN));
    }
    for field in fields {
        let is_same = at(object, field) == at(old, field) || is_empty(object, field) && is_empty(old, field);
        if !is_same {
            out.push(Cause::forbidden(*field, FROZEN));
        }
    }
}

fn too_large(out: &mut Vec<Cause>, field: &str, size: usize) {
    if size > SIZE_LIMIT {
        let message = format!("Too long: may not be more than {SIZE_LIMIT} bytes");
        out.push(Cause { reason: "FieldValueTooLong", message, field: field.to_owned() });
    }
}

/// How many bytes base 64 stands for.
fn decoded_len(text: &str) -> usize {
    text.trim_end_matches('=').len() * 3 / 4
}

/// A Lease.
pub(super) fn lease(out: &mut Vec<Cause>, object: &Value) {
    let spec = at(object, "spec");
    at_least(out, spec, "spec", "leaseDurationSeconds", 1, POSITIVE);
    at_least(out, spec, "spec", "leaseTransitions", 0, NOT_NEGATIVE);
}
