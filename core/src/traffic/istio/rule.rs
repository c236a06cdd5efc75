//! The `DestinationRule`: which pods each subset leads to.

use serde_json::{Value, json};

use super::super::memory::{Memories, Memory, set_entry};
use super::super::retold::leads;
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
        let mut memories = Memories::of(before, self.client);
        let old = memories.get().cloned();
        let manager = before["metadata"]["annotations"][labels::MANAGED_BY].as_str();
        let (canary, stable) = (&self.config.canary_subset_name, &self.config.stable_subset_name);
        let mut names = Vec::new();
        for (subset, to) in [(canary, &routing.canary), (stable, &routing.stable)] {
            if !subset.is_empty() {
                self.is_free(before, subset, &to.hash, manager.filter(|_| old.is_none()))?;
                names.push(subset.clone());
            }
        }
        let mut made: Vec<&Destination> = routing.additional.iter().map(|(to, _)| to).collect();
        made.sort_by(|one, other| one.service.cmp(&other.service));
        names.extend(made.iter().map(|to| to.service.clone()));
        let mut after = before.clone();
        for left in old.iter().flat_map(|old| &old.rules) {
            if names.contains(left) {
                continue;
            }
            if is_in_use(left) && is_bare(&after, left) {
                names.push(left.clone());
            } else {
                let_go(&mut after, left);
            }
        }
        for to in made {
            add(&mut after, to);
        }
        for (subset, to) in [(canary, &routing.canary), (stable, &routing.stable)] {
            if !to.hash.is_empty() {
                set_label(&mut after, subset, Some(&to.hash));
            }
        }
        if manager.is_none() && after != *before {
            set_entry(&mut after, "annotations", labels::MANAGED_BY, Some(&self.client.name));
        }
        if after != *before || old.as_ref().is_some_and(|old| old.rules != names) {
            let memory = Memory { leads: leads(routing), rules: names, ..old.unwrap_or_default() };
            memories.set(Some(memory));
            memories.write(&mut after);
        }
        Ok(after)
    }

    /// The rule without anything that was written into it.
    pub(super) fn undo(&self, before: &Value) -> Value {
        let mut memories = Memories::of(before, self.client);
        let old = memories.get().cloned();
        let manager = before["metadata"]["annotations"][labels::MANAGED_BY].as_str();
        let mut after = before.clone();
        let is_ours = manager == Some(&self.client.name);
        if old.is_none() && manager.is_some() && !is_ours {
            return after;
        }
        let named = [&self.config.canary_subset_name, &self.config.stable_subset_name];
        for subset in named {
            set_label(&mut after, subset, None);
        }
        for left in old.iter().flat_map(|old| &old.rules).filter(|name| !named.contains(name)) {
            let_go(&mut after, left);
        }
        if is_ours {
            set_entry(&mut after, "annotations", labels::MANAGED_BY, None);
        }
        memories.set(None);
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

/// Whether a subset is nothing but its revision, as the router makes those of experiments.
fn is_bare(rule: &Value, name: &str) -> bool {
    let mut subsets = rule["spec"]["subsets"].as_array().into_iter().flatten();
    let found = subsets.find(|subset| subset["name"] == name).and_then(Value::as_object);
    found.is_some_and(|subset| {
        let map = subset.get("labels").and_then(Value::as_object);
        subset.len() == 2 && map.is_some_and(|map| map.len() == 1 && map.contains_key(labels::POD_TEMPLATE_HASH))
    })
}

/// Takes a subset away that is nothing but its revision, or has another lead to every pod of its host again.
fn let_go(rule: &mut Value, name: &str) {
    let is_bare = is_bare(rule, name);
    match rule["spec"]["subsets"].as_array_mut().filter(|_| is_bare) {
        Some(subsets) => subsets.retain(|subset| subset["name"] != name),
        None => set_label(rule, name, None),
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
