//! Schemas that are put together of others: all, any, one or none of them.

use serde_json::Value;

use super::path::Path;
use super::validate::node;
use super::{Limits, Link};
use crate::refusal::Cause;

/// Checks the combinations of one node.
pub(super) fn combinations(limits: &Limits, value: &Value, path: &mut Path, causes: &mut Vec<Cause>) {
    if !limits.any_of.is_empty() {
        let tries = tries(&limits.any_of, value, path);
        if tries.iter().all(|mistakes| !mistakes.is_empty()) {
            causes.push(whole(path, "must validate at least one schema (anyOf)"));
            causes.extend(first_of(tries));
        }
    }
    if !limits.one_of.is_empty() {
        let tries = tries(&limits.one_of, value, path);
        match tries.iter().filter(|mistakes| mistakes.is_empty()).count() {
            1 => {}
            0 => {
                causes.push(whole(path, "must validate one and only one schema (oneOf). Found none valid"));
                causes.extend(first_of(tries));
            }
            kept => {
                let message = format!("must validate one and only one schema (oneOf). Found {kept} valid alternatives");
                causes.push(whole(path, &message));
            }
        }
    }
    if !limits.all_of.is_empty() {
        let tries = tries(&limits.all_of, value, path);
        let kept = tries.iter().filter(|mistakes| mistakes.is_empty()).count();
        let all = tries.len();
        causes.extend(tries.into_iter().flatten());
        match kept {
            0 => causes.push(whole(path, "must validate all the schemas (allOf). None validated")),
            kept if kept < all => causes.push(whole(path, "must validate all the schemas (allOf)")),
            _ => {}
        }
    }
    if let Some(not) = &limits.not
        && mistakes(not, value, path).is_empty()
    {
        causes.push(whole(path, "must not validate the schema (not)"));
    }
}

/// The real server cannot say where these are.
fn whole(path: &Path, message: &str) -> Cause {
    Cause::invalid("<nil>", &"".into(), &format!("{:?} {message}", path.text()))
}

fn tries(schemas: &[Link], value: &Value, path: &mut Path) -> Vec<Vec<Cause>> {
    schemas.iter().map(|schema| mistakes(schema, value, path)).collect()
}

fn mistakes(schema: &Link, value: &Value, path: &mut Path) -> Vec<Cause> {
    let mut causes = Vec::new();
    node(schema, value, None, path, &mut causes);
    causes
}

fn first_of(tries: Vec<Vec<Cause>>) -> Vec<Cause> {
    tries.into_iter().next().unwrap_or_default()
}
