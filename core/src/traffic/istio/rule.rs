//! The `DestinationRule`: which pods each subset leads to.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::memory::{Memories, Memory, set_entry};
use super::super::routers::Client;
use super::super::{Destination, Routing};
use crate::api::{IstioDestinationRule, labels};

/// The DestinationRule of one rollout.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule<'a> {
    pub(super) client: &'a Client,
    pub(super) config: &'a IstioDestinationRule,
}

/// The revision that a subset leads to; empty where it leads to every pod of its host.
pub(super) fn leads_to<'a>(rule: &'a Value, subset: &str) -> &'a str {
    let mut subsets = rule["spec"]["subsets"].as_array().into_iter().flatten();
    let found = subsets.find(|found| !subset.is_empty() && found["name"] == subset);
    found.and_then(|found| found["labels"][labels::POD_TEMPLATE_HASH].as_str()).unwrap_or_default()
}

impl Rule<'_> {
    /// The rule whose subsets lead to their revisions. Where no revision is ready to be led to, a subset stays as it is; one of an
    /// experiment that is over, as long as a route sends requests there.
    ///
    /// # Errors
    /// Says which subset cannot be kept.
    pub(super) fn apply(
        &self,
        before: &Value,
        routing: &Routing,
        is_in_use: impl Fn(&str) -> bool,
    ) -> Result<Value, String> {
        let mut memories = Memories::of(before);
        let old = memories.get(&self.client.name).cloned();
        let manager = before["metadata"]["annotations"][labels::MANAGED_BY].as_str();
        let (canary, stable) = (&self.config.canary_subset_name, &self.config.stable_subset_name);
        let mut leads = BTreeMap::new();
        for (subset, to) in [(canary, &routing.canary), (stable, &routing.stable)] {
            if subset.is_empty() {
                continue;
            }
            self.is_free(before, subset, &to.hash, manager.filter(|_| old.is_none()))?;
            leads.insert(subset.clone(), to.hash.clone());
        }
        let named = |name: &str| leads.contains_key(name);
        let mut made: Vec<&Destination> = routing.additional.iter().map(|(to, _)| to).collect();
        made.sort_by(|one, other| one.service.cmp(&other.service));
        let mut after = before.clone();
        let old_or_none = old.clone().unwrap_or_default();
        let had = old_or_none.rules.into_iter();
        let left: Vec<String> = had.filter(|name| !named(name) && !made.iter().any(|to| to.service == *name)).collect();
        let (kept, gone): (Vec<_>, Vec<_>) = left.into_iter().partition(|name| is_in_use(name));
        strip(&mut after, old_or_none.leads.keys().filter(|name| !named(name)), &gone);
        for (subset, hash) in leads.iter().filter(|(_, hash)| !hash.is_empty()) {
            set_label(&mut after, subset, Some(hash));
        }
        let rules: Vec<String> = made.iter().map(|to| to.service.clone()).chain(kept).collect();
        for to in made {
            add(&mut after, to);
        }
        if manager.is_none() && after != *before {
            set_entry(&mut after, "annotations", labels::MANAGED_BY, Some(&self.client.name));
        }
        if old.is_some() || after != *before {
            let leads = leads.into_keys().map(|name| (name.clone(), leads_to(&after, &name).to_owned()));
            let leads = leads.filter(|(_, hash)| !hash.is_empty()).collect();
            memories.set(&self.client.name, Some(Memory { leads, rules, ..old.unwrap_or_default() }));
            memories.write(&mut after);
        }
        Ok(after)
    }

    /// The rule without anything that was written into it.
    pub(super) fn undo(&self, before: &Value) -> Value {
        let mut memories = Memories::of(before);
        let old = memories.get(&self.client.name).cloned();
        let manager = before["metadata"]["annotations"][labels::MANAGED_BY].as_str();
        let mut after = before.clone();
        let is_ours = manager == Some(&self.client.name);
        if old.is_none() && manager.is_some() && !is_ours {
            return after;
        }
        let old = old.unwrap_or_default();
        let named = [&self.config.canary_subset_name, &self.config.stable_subset_name];
        strip(&mut after, old.leads.keys().chain(named), &old.rules);
        if is_ours {
            set_entry(&mut after, "annotations", labels::MANAGED_BY, None);
        }
        memories.set(&self.client.name, None);
        memories.write(&mut after);
        after
    }

    /// Whether the subset is there, and nobody else keeps it on another revision.
    fn is_free(&self, rule: &Value, subset: &str, hash: &str, manager: Option<&str>) -> Result<(), String> {
        let mut subsets = rule["spec"]["subsets"].as_array().into_iter().flatten();
        if !subsets.any(|found| found["name"] == subset) {
            return Err(format!("has no subset {subset:?}; add it to spec.subsets, with labels of the pods or none"));
        }
        let now = leads_to(rule, subset);
        match manager.filter(|manager| *manager != self.client.name) {
            Some(other) if !now.is_empty() && now != hash => Err(format!(
                "its subset {subset:?} is managed by another Rollout, {other:?}; give this one subsets of its own, or remove the annotation {} if that Rollout is gone",
                labels::MANAGED_BY
            )),
            _ => Ok(()),
        }
    }
}

/// Has subsets lead to every pod of their host again, and takes those of experiments away.
fn strip<'a>(rule: &mut Value, led: impl Iterator<Item = &'a String>, gone: &[String]) {
    for subset in led {
        set_label(rule, subset, None);
    }
    if let Some(subsets) = rule["spec"]["subsets"].as_array_mut() {
        subsets.retain(|subset| !gone.iter().any(|name| subset["name"] == name.as_str()));
    }
}

/// Keeps a subset of an experiment, which is called as its Service is.
fn add(rule: &mut Value, to: &Destination) {
    let Some(subsets) = rule["spec"]["subsets"].as_array_mut() else { return };
    if !subsets.iter().any(|subset| subset["name"] == to.service.as_str()) {
        subsets.push(json!({ "name": to.service, "labels": {} }));
    }
    set_label(rule, &to.service, Some(&to.hash));
}

fn set_label(rule: &mut Value, name: &str, hash: Option<&str>) {
    let mut subsets = rule["spec"]["subsets"].as_array_mut().into_iter().flatten();
    let Some(subset) = subsets.find(|subset| subset["name"] == name).and_then(Value::as_object_mut) else { return };
    match (hash, subset.get_mut("labels").and_then(Value::as_object_mut)) {
        (Some(hash), Some(map)) => drop(map.insert(labels::POD_TEMPLATE_HASH.to_owned(), json!(hash))),
        (Some(hash), None) => {
            subset.insert("labels".to_owned(), json!({ (labels::POD_TEMPLATE_HASH): hash }));
        }
        (None, Some(map)) => drop(map.remove(labels::POD_TEMPLATE_HASH)),
        (None, None) => {}
    }
}
