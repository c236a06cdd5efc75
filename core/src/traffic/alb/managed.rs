//! Which annotations of an Ingress are the router's, by the annotation that lists them for every rollout.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::super::ingress::{self, annotation};
use super::super::memory::set_entry;
use super::super::routers::Client;
use super::routes;

/// The annotation with the lists.
pub(super) const LISTS: &str = "rollouts.argoproj.io/managed-alb-annotations";
/// What stands before the name of an action in its annotation.
pub(in super::super) const ACTIONS: &str = "/actions.";
/// What stands before the name of a condition in its annotation.
pub(super) const CONDITIONS: &str = "/conditions.";

/// What was written on an Ingress for one rollout.
pub(super) struct Managed {
    rollout: String,
    /// The lists of all rollouts.
    lists: Map<String, Value>,
    /// Its annotations, in the order in which they came.
    pub(super) keys: Vec<String>,
    /// Others that are its by their names, though they are not listed.
    known: Vec<String>,
    /// The names of its routes for certain requests.
    pub(super) routes: BTreeSet<String>,
}

impl Managed {
    /// Reads it. Lists that somebody has spoilt say nothing; routes that the manifest names are the router's all the same.
    pub(super) fn of(ingress: &Value, client: &Client, root: &str) -> Managed {
        let lists: Map<String, Value> =
            annotation(ingress, LISTS).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let listed = lists.get(&client.name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let is_own = |key: &&str| action_of(key).or(condition_of(key)).is_some();
        let keys: Vec<String> = listed.filter(is_own).map(str::to_owned).collect();
        let listed = keys.iter().filter_map(|key| condition_of(key)).map(str::to_owned);
        let mut routes: BTreeSet<String> = listed.chain(client.managed.iter().cloned()).collect();
        // What paths of the user lead to is no route of the router.
        routes.remove(root);
        let annotations = ingress["metadata"]["annotations"].as_object().into_iter().flatten().map(|(key, _)| key);
        let of_route = |key: &&String| {
            action_of(key).or(condition_of(key)).is_some_and(|name| client.managed.iter().any(|own| own == name))
        };
        let known = annotations.filter(of_route).filter(|key| !keys.contains(key)).cloned().collect();
        Managed { rollout: client.name.clone(), lists, keys, known, routes }
    }

    /// All of its annotations.
    pub(super) fn own(&self) -> impl Iterator<Item = &String> {
        self.keys.iter().chain(&self.known)
    }

    /// Whether a path leads to an action that is no route: without the annotation, the load balancer controller would refuse the
    /// whole Ingress.
    pub(super) fn is_needed(&self, ingress: &Value, key: &str) -> bool {
        let Some(action) = action_of(key).filter(|action| !self.routes.contains(*action)) else { return false };
        ingress::all_paths(ingress).any(|path| ingress::leads_to(path, action) && routes::uses_annotation(path))
    }

    /// Lists these annotations, those that were listed before in their order.
    pub(super) fn write<'a>(&mut self, ingress: &mut Value, keys: impl Iterator<Item = &'a str>) {
        let wanted: Vec<&str> = keys.collect();
        let mut listed: Vec<&str> = self.keys.iter().map(String::as_str).filter(|key| wanted.contains(key)).collect();
        listed.extend(wanted.iter().filter(|key| !self.keys.iter().any(|old| old == **key)));
        if listed.is_empty() {
            self.lists.remove(&self.rollout);
        } else {
            self.lists.insert(self.rollout.clone(), json!(listed));
        }
        let text = (!self.lists.is_empty()).then(|| json!(self.lists).to_string());
        if annotation(ingress, LISTS).is_some() || text.is_some() {
            set_entry(ingress, "annotations", LISTS, text.as_deref());
        }
    }
}

/// The action that an annotation is.
fn action_of(key: &str) -> Option<&str> {
    key.split_once(ACTIONS).map(|(_, name)| name)
}

fn condition_of(key: &str) -> Option<&str> {
    key.split_once(CONDITIONS).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client() -> Client {
        Client { name: "web".into(), managed: vec!["beta".into(), "root".into()], ..Client::default() }
    }

    #[test]
    fn what_is_listed_is_the_routers_and_so_are_the_routes_that_the_manifest_names() {
        let lists = json!({ "api": ["p/actions.api"], "web": ["p/actions.root", "p/conditions.gone", "other", 3] });
        let ingress = json!({ "metadata": { "annotations": {
            (LISTS): lists.to_string(),
            "p/actions.beta": "",
            "p/actions.api": "",
        } } });
        let managed = Managed::of(&ingress, &client(), "root");
        assert_eq!(managed.keys, ["p/actions.root", "p/conditions.gone"]);
        assert_eq!(managed.known, ["p/actions.beta"]);
        assert_eq!(managed.routes.into_iter().collect::<Vec<_>>(), ["beta", "gone"]);
    }

    #[test]
    fn a_list_keeps_its_order_and_those_of_other_rollouts_stay() {
        let lists = json!({ "api": { "somebody": "else" }, "web": ["p/actions.b", "p/actions.a"] }).to_string();
        let mut ingress = json!({ "metadata": { "annotations": { (LISTS): lists } } });
        let written = |ingress: &Value| annotation(ingress, LISTS).map(str::to_owned);
        let mut managed = Managed::of(&ingress, &client(), "root");
        managed.write(&mut ingress, ["p/actions.a", "p/actions.b", "p/actions.c"].into_iter());
        assert_eq!(
            written(&ingress).as_deref(),
            Some(r#"{"api":{"somebody":"else"},"web":["p/actions.b","p/actions.a","p/actions.c"]}"#)
        );
        managed.write(&mut ingress, std::iter::empty());
        assert_eq!(written(&ingress).as_deref(), Some(r#"{"api":{"somebody":"else"}}"#));
    }

    #[test]
    fn lists_that_somebody_has_spoilt_are_written_anew_and_go_with_the_last_one() {
        let mut ingress = json!({ "metadata": { "annotations": { (LISTS): "]", "team": "shop" } } });
        let mut managed = Managed::of(&ingress, &client(), "root");
        managed.write(&mut ingress, ["p/actions.root"].into_iter());
        assert_eq!(annotation(&ingress, LISTS), Some(r#"{"web":["p/actions.root"]}"#));
        let mut managed = Managed::of(&ingress, &client(), "root");
        managed.write(&mut ingress, std::iter::empty());
        assert_eq!(ingress, json!({ "metadata": { "annotations": { "team": "shop" } } }));
    }
}
