//! What a data plane was told about where the Services of a rollout lead, written down beside the weights.
//!
//! A Service that is pointed at other pods changes nothing in the objects of a router. So a router writes the move down in an
//! annotation, and has the data plane read the object again; once it is known to have done so, it has heard of the move too.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::routers::Client;
use crate::api::labels;

/// What is remembered of one rollout on an object of a router.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// The revision that each Service led to when the object was written last.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub leads: BTreeMap<String, String>,
    /// Those of them that experiments have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub experiments: Vec<String>,
    /// Whether the weights stand for a half of themselves: the same said in other numbers, so that it is read again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub doubled: bool,
    /// Whether the canary gets requests.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub busy: bool,
    /// The name of the cookie that keeps clients on the canary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cookie: Option<String>,
    /// Digests and names of the rules that the router made: some APIs do not keep the names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
    /// When the object was written last, where that is all by which its data plane is known to have heard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Annotations that the manifest asks for, to be taken away when it does not any more.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub annotations: BTreeSet<String>,
}

/// The keys under which something is remembered on an object with this annotation ([`labels::ROUTED`]).
pub fn remembered_keys(annotation: &str) -> Vec<String> {
    let all: Map<String, Value> = serde_json::from_str(annotation).unwrap_or_default();
    all.into_iter().map(|(key, _)| key).collect()
}

/// The key under which a rollout is remembered on objects of a namespace: its name, and before that its own namespace where that is
/// another one.
pub(super) fn key(client: &Client, namespace: &str) -> String {
    if namespace == client.namespace { client.name.clone() } else { format!("{}/{}", client.namespace, client.name) }
}

/// What is remembered of every rollout that shares an object, seen by one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Memories {
    all: BTreeMap<String, Memory>,
    /// The key of the rollout.
    own: String,
    /// Its name alone, under which earlier versions wrote down what they did in other namespaces.
    earlier: Option<String>,
}

impl Memories {
    /// Reads an object's annotation. One that somebody has spoilt says nothing.
    pub fn of(object: &Value, client: &Client) -> Memories {
        let text = object["metadata"]["annotations"][labels::ROUTED].as_str();
        let all: BTreeMap<_, _> = text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let there = object["metadata"]["namespace"].as_str().unwrap_or(&client.namespace);
        let own = key(client, there);
        let earlier = (there != client.namespace && !all.contains_key(&own)).then(|| client.name.clone());
        Memories { all, own, earlier }
    }

    /// What is remembered of the rollout.
    pub fn get(&self) -> Option<&Memory> {
        self.all.get(&self.own).or_else(|| self.all.get(self.earlier.as_ref()?))
    }

    /// Changes what is remembered of the rollout; what says nothing is not kept.
    pub fn change(&mut self, change: impl FnOnce(&mut Memory)) {
        let mut memory = self.get().cloned().unwrap_or_default();
        change(&mut memory);
        self.set(Some(memory).filter(|memory| *memory != Memory::default()));
    }

    /// Remembers, or forgets. What stands under the name alone is taken over once, and never forgotten: it may be what a rollout of
    /// that name in the object's own namespace remembers.
    pub fn set(&mut self, memory: Option<Memory>) {
        let Some(memory) = memory else { return drop(self.all.remove(&self.own)) };
        if let Some(earlier) = self.earlier.take() {
            self.all.remove(&earlier);
        }
        self.all.insert(self.own.clone(), memory);
    }

    /// Whether the canary of any rollout gets requests.
    pub fn any_busy(&self) -> bool {
        self.all.values().any(|memory| memory.busy)
    }

    /// Writes the annotation, or takes it away where nothing is remembered.
    pub fn write(&self, object: &mut Value) {
        let text = (!self.all.is_empty()).then(|| json!(self.all).to_string());
        set_entry(object, "annotations", labels::ROUTED, text.as_deref());
    }
}

/// Forgets the rollout on an object that is left to whoever comes next.
pub(super) fn forget(object: &mut Value, client: &Client) {
    let mut memories = Memories::of(object, client);
    memories.set(None);
    memories.write(object);
}

/// Sets an entry of `metadata.annotations` or `metadata.labels`, or takes it away.
pub fn set_entry(object: &mut Value, map: &str, key: &str, value: Option<&str>) {
    let metadata = &mut object["metadata"];
    match value {
        Some(value) => metadata[map][key] = json!(value),
        None => {
            if let Some(entries) = metadata.get_mut(map).and_then(Value::as_object_mut) {
                entries.remove(key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(namespace: &str, name: &str) -> Client {
        Client { namespace: namespace.into(), name: name.into(), ..Client::default() }
    }

    fn memory(hash: &str) -> Memory {
        Memory { leads: [("canary".to_owned(), hash.to_owned())].into(), ..Memory::default() }
    }

    /// Has an object remember something of a rollout.
    fn set(object: &mut Value, client: &Client, memory: Option<Memory>) {
        let mut all = Memories::of(object, client);
        all.set(memory);
        all.write(object);
    }

    #[test]
    fn rollouts_that_share_an_object_are_remembered_apart_and_the_annotation_goes_with_the_last() {
        let mut object = json!({"metadata": {"name": "web"}});
        let (web, api) = (client("shop", "web"), client("shop", "api"));
        set(&mut object, &web, Some(memory("abc")));
        set(&mut object, &api, Some(Memory { busy: true, ..Memory::default() }));
        let read = Memories::of(&object, &web);
        assert_eq!((read.get(), read.any_busy()), (Some(&memory("abc")), true));
        set(&mut object, &web, None);
        set(&mut object, &api, None);
        assert_eq!(object, json!({"metadata": {"name": "web", "annotations": {}}}));
    }

    #[test]
    fn rollouts_of_one_name_in_several_namespaces_are_remembered_apart() {
        let mut object = json!({"metadata": {"name": "edge", "namespace": "shop"}});
        let clients = ["shop", "blog", "mail"].map(|namespace| client(namespace, "web"));
        for one in &clients {
            set(&mut object, one, Some(memory(&one.namespace)));
        }
        for one in clients.iter().skip(1) {
            assert_eq!(Memories::of(&object, one).get(), Some(&memory(&one.namespace)));
        }
        // The first one's was taken for what an earlier version had written, once.
        set(&mut object, &clients[0], Some(memory("shop")));
        for one in &clients {
            assert_eq!(Memories::of(&object, one).get(), Some(&memory(&one.namespace)));
        }
        set(&mut object, &clients[1], None);
        set(&mut object, &clients[1], None);
        assert_eq!(Memories::of(&object, &clients[0]).get(), Some(&memory("shop")), "it is not forgotten for another");
    }

    #[test]
    fn what_earlier_versions_remember_in_another_namespace_is_taken_over() {
        let text = r#"{"web":{"busy":true}}"#;
        let mut object = json!({"metadata": {"namespace": "edge", "annotations": {(labels::ROUTED): text}}});
        let web = client("shop", "web");
        assert_eq!(Memories::of(&object, &web).get().map(|memory| memory.busy), Some(true));
        set(&mut object, &web, Some(memory("abc")));
        let text = r#"{"shop/web":{"leads":{"canary":"abc"}}}"#;
        assert_eq!(object["metadata"]["annotations"][labels::ROUTED], text);
    }

    #[test]
    fn what_is_no_memory_says_nothing_and_is_replaced() {
        let mut object = json!({"metadata": {"annotations": {(labels::ROUTED): "]", "other": "x"}}});
        assert_eq!(Memories::of(&object, &client("shop", "web")).get(), None);
        set(&mut object, &client("shop", "web"), None);
        assert_eq!(object, json!({"metadata": {"annotations": {"other": "x"}}}));
    }

    #[test]
    fn nothing_to_forget_leaves_the_object_as_it_is() {
        let mut object = json!({"metadata": {"name": "web"}});
        set(&mut object, &client("shop", "web"), None);
        assert_eq!(object, json!({"metadata": {"name": "web"}}));
    }
}
