//! What a data plane was told about where the Services of a rollout lead, written down beside the weights.
//!
//! A Service that is pointed at other pods changes nothing in the objects of a router. So a router writes the move down in an
//! annotation, and has the data plane read the object again; once it is known to have done so, it has heard of the move too.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

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

/// What is remembered of every rollout that shares the object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Memories(BTreeMap<String, Memory>);

impl Memories {
    /// Reads an object's annotation. One that somebody has spoilt says nothing.
    pub fn of(object: &Value) -> Memories {
        let text = object["metadata"]["annotations"][labels::ROUTED].as_str();
        text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }

    /// What is remembered of a rollout.
    pub fn get(&self, rollout: &str) -> Option<&Memory> {
        self.0.get(rollout)
    }

    /// Changes what is remembered of a rollout; what says nothing is not kept.
    pub fn change(&mut self, rollout: &str, change: impl FnOnce(&mut Memory)) {
        let mut memory = self.get(rollout).cloned().unwrap_or_default();
        change(&mut memory);
        self.set(rollout, Some(memory).filter(|memory| *memory != Memory::default()));
    }

    /// Remembers, or forgets.
    pub fn set(&mut self, rollout: &str, memory: Option<Memory>) {
        match memory {
            Some(memory) => drop(self.0.insert(rollout.to_owned(), memory)),
            None => drop(self.0.remove(rollout)),
        }
    }

    /// Whether the canary of any rollout gets requests.
    pub fn any_busy(&self) -> bool {
        self.0.values().any(|memory| memory.busy)
    }

    /// Writes the annotation, or takes it away where nothing is remembered.
    pub fn write(&self, object: &mut Value) {
        let text = (!self.0.is_empty()).then(|| json!(self).to_string());
        set_entry(object, "annotations", labels::ROUTED, text.as_deref());
    }
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

    #[test]
    fn rollouts_that_share_an_object_are_remembered_apart_and_the_annotation_goes_with_the_last() {
        let mut object = json!({"metadata": {"name": "web"}});
        let memory = Memory { leads: [("canary".to_owned(), "abc".to_owned())].into(), ..Memory::default() };
        let mut all = Memories::default();
        all.set("web", Some(memory.clone()));
        all.set("api", Some(Memory { busy: true, ..Memory::default() }));
        all.write(&mut object);
        let mut read = Memories::of(&object);
        assert_eq!((read.get("web"), read.any_busy()), (Some(&memory), true));
        read.set("web", None);
        read.set("api", None);
        read.write(&mut object);
        assert_eq!(object, json!({"metadata": {"name": "web", "annotations": {}}}));
    }

    #[test]
    fn what_is_no_memory_says_nothing_and_is_replaced() {
        let mut object = json!({"metadata": {"annotations": {(labels::ROUTED): "]", "other": "x"}}});
        assert_eq!(Memories::of(&object), Memories::default());
        Memories::default().write(&mut object);
        assert_eq!(object, json!({"metadata": {"annotations": {"other": "x"}}}));
    }

    #[test]
    fn nothing_to_forget_leaves_the_object_as_it_is() {
        let mut object = json!({"metadata": {"name": "web"}});
        Memories::default().write(&mut object);
        assert_eq!(object, json!({"metadata": {"name": "web"}}));
    }
}
