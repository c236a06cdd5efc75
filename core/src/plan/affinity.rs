//! `antiAffinity`: pods of a new revision keep off the nodes of the stable one, so that a promotion does not move them.

use serde_json::{Value, json};

use crate::api::{AntiAffinity, labels};
use crate::effect::Change;
use crate::identity::strip_injected_anti_affinity;

use super::draft::Draft;

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";
const AFFINITY: &str = "/spec/affinity";

/// Adds the rule to the template of a revision on trial.
pub(super) fn inject(d: &Draft<'_>, template: &mut Value) {
    let Some(anti_affinity) = d.strategy.anti_affinity() else { return };
    let stable = d.status.stable_rs.as_str();
    if stable.is_empty() || d.is_complete() {
        return;
    }
    let term = json!({
        "labelSelector": { "matchExpressions": [
            { "key": labels::POD_TEMPLATE_HASH, "operator": "In", "values": [stable] },
        ] },
        "namespaces": [d.s.rollout.metadata.namespace],
        "topologyKey": "kubernetes.io/hostname",
    });
    let AntiAffinity {
        preferred_during_scheduling_ignored_during_execution: preferred,
        required_during_scheduling_ignored_during_execution: required,
    } = anti_affinity;
    if let Some(preferred) = preferred {
        add(template, PREFERRED, json!({ "weight": preferred.weight, "podAffinityTerm": term }));
    } else if required.is_some() {
        add(template, REQUIRED, term);
    }
}

fn add(template: &mut Value, list: &str, term: Value) {
    let mut place = &mut *template;
    for field in ["spec", "affinity", "podAntiAffinity"] {
        if !place[field].is_object() {
            place[field] = json!({});
        }
        place = &mut place[field];
    }
    match place[list].as_array_mut() {
        Some(terms) => terms.push(term),
        None => place[list] = json!([term]),
    }
}

/// Renews the rule of a ReplicaSet that is on trial again, where it speaks of a revision that is stable no more. Pods that
/// run stay where they are.
pub(super) fn renew(d: &mut Draft<'_>) {
    let Some(new) = d.revisions.new.filter(|_| !d.is_complete()) else { return };
    let live = &new.spec.template;
    let mut wanted = live.clone();
    let had_one = strip_injected_anti_affinity(&mut wanted);
    inject(d, &mut wanted);
    let affinity = |template: &Value| template.pointer(AFFINITY).cloned().unwrap_or(Value::Null);
    if had_one && stable_named(live) != stable_named(&wanted) {
        let change = Change { from: affinity(live), to: affinity(&wanted) };
        d.change_template(new, |template| template.affinity = Some(change));
    }
}

/// The revisions that rules of ours name. (The API server adds defaults around them, so whole terms do not compare.)
fn stable_named(template: &Value) -> Vec<&Value> {
    let terms = [REQUIRED, PREFERRED].into_iter().filter_map(|list| {
        let terms = template.pointer(&format!("{AFFINITY}/podAntiAffinity/{list}"))?.as_array()?;
        Some(terms.iter().map(|term| term.get("podAffinityTerm").unwrap_or(term)))
    });
    let expressions = terms.flatten().filter_map(|term| term.pointer("/labelSelector/matchExpressions")?.as_array());
    let ours = expressions.flatten().filter(|expression| expression["key"] == labels::POD_TEMPLATE_HASH);
    ours.map(|expression| &expression["values"]).collect()
}
