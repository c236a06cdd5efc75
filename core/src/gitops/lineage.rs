//! The Applications that an Application is of: the one that has it in its folder, the one that has that, and so on. They may be a
//! ring, or it may be in its own folder.
//!
//! It does not wait for any of them: they wait for it, or may as well come to do so.

use std::ops::Deref;

use super::key::Key;
use super::tracking;
use crate::api::Application;

/// An Application, and those that it is of, from itself outwards.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lineage {
    /// By namespace and name.
    names: Vec<(String, String)>,
    /// How many of them, from itself on, are going: each waits for the one before it.
    going: usize,
}

impl Lineage {
    /// The lineage of an Application, where the controller lives in `home`.
    pub fn of<A: Deref<Target = Application>>(
        (namespace, name): (&str, &str),
        home: &str,
        find: impl Fn(&str, &str) -> Option<A>,
    ) -> Lineage {
        let (mut lineage, mut is_going) = (Lineage::default(), true);
        let mut next = Some((namespace.to_owned(), name.to_owned()));
        while let Some(one) = next.filter(|one| !lineage.names.contains(one)) {
            let found = find(&one.0, &one.1);
            next = found.as_ref().and_then(|application| tracking::parent(application, home));
            is_going = is_going && found.is_some_and(|it| it.metadata.deletion_timestamp.is_some());
            lineage.going += usize::from(is_going);
            lineage.names.push(one);
        }
        lineage
    }

    /// Whether an object is one of them.
    pub fn has(&self, key: &Key) -> bool {
        self.place(key).is_some()
    }

    /// Whether an object is one of them that goes when the Application itself has gone.
    pub fn waits(&self, key: &Key) -> bool {
        self.place(key).is_some_and(|place| place < self.going)
    }

    fn place(&self, key: &Key) -> Option<usize> {
        let is_application = key.group == "argoproj.io" && key.kind == "Application";
        let found = || self.names.iter().position(|(namespace, name)| *namespace == key.namespace && *name == key.name);
        is_application.then(found).flatten()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Applications, each with the one that it is of, and whether it is going.
    fn lineage(name: &str, all: &[(&str, &str, bool)]) -> Lineage {
        Lineage::of(("argocd", name), "argocd", |_, name| {
            let (name, parent, is_going) = all.iter().find(|(known, ..)| *known == name)?;
            let id = format!("{parent}:argoproj.io/Application:argocd/{name}");
            let annotations = json!({ "argocd.argoproj.io/tracking-id": id });
            let gone = is_going.then_some("2026-01-01T00:00:00Z");
            let metadata = json!({
                "name": name, "namespace": "argocd", "annotations": annotations, "deletionTimestamp": gone,
            });
            let spec = json!({ "destination": {} });
            Some(Box::new(
                serde_json::from_value(json!({ "metadata": metadata, "spec": spec })).expect("an Application"),
            ))
        })
    }

    fn key(name: &str) -> Key {
        Key {
            group: "argoproj.io".to_owned(),
            kind: "Application".to_owned(),
            namespace: "argocd".to_owned(),
            name: name.to_owned(),
        }
    }

    #[test]
    fn a_child_does_not_wait_for_those_that_it_is_of() {
        let all = [("root", "", false), ("team", "root", false), ("shop", "team", false), ("other", "team", false)];
        let shop = lineage("shop", &all);
        assert!(["shop", "team", "root"].iter().all(|name| shop.has(&key(name))));
        assert!(!shop.has(&key("other")) && !shop.has(&Key { kind: "ConfigMap".to_owned(), ..key("team") }));
        assert!(!lineage("team", &all).has(&key("shop")), "a parent waits for its children");
    }

    #[test]
    fn a_ring_has_an_end() {
        let all = [("one", "three", false), ("two", "one", false), ("three", "two", false), ("self", "self", false)];
        let two = lineage("two", &all);
        assert!(["one", "two", "three"].iter().all(|name| two.has(&key(name))));
        assert!(lineage("self", &all).has(&key("self")));
    }

    #[test]
    fn who_goes_waits_for_those_that_go_before_it() {
        let waiting = |going: [bool; 3]| {
            let two =
                lineage("two", &[("one", "three", going[0]), ("two", "one", going[1]), ("three", "two", going[2])]);
            ["one", "two", "three"].map(|name| two.waits(&key(name)))
        };
        assert_eq!(waiting([false, true, false]), [false, true, false]);
        // The first is not going, and so the third does not wait for the second.
        assert_eq!(waiting([false, true, true]), [false, true, false]);
        assert_eq!(waiting([true, true, true]), [true, true, true]);
        assert_eq!(waiting([true, false, true]), [false, false, false]);
    }
}
