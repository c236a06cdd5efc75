//! A set of manifests to look things up in.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;

use super::{Lookup, Reference, Surroundings};

/// Manifests by group, kind and name.
#[derive(Debug, Default)]
pub struct Objects<'a> {
    by_name: BTreeMap<(String, String, String), Vec<&'a Value>>,
    is_complete: bool,
}

impl<'a> Objects<'a> {
    /// A set of manifests. Is it complete, then what is not in it does not exist.
    pub fn new(manifests: impl IntoIterator<Item = &'a Value>, is_complete: bool) -> Objects<'a> {
        let mut by_name: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for manifest in manifests {
            let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
            let version = text(manifest.get("apiVersion"));
            let group = version.split_once('/').map_or("", |(group, _)| group).to_owned();
            let key = (group, text(manifest.get("kind")), text(manifest.pointer("/metadata/name")));
            by_name.entry(key).or_default().push(manifest);
        }
        Objects { by_name, is_complete }
    }
}

impl Surroundings for Objects<'_> {
    /// Manifests often leave their namespace to whoever applies them, so one without a namespace is in every one.
    fn find(&self, wanted: &Reference<'_>) -> Lookup<'_> {
        let absent = if self.is_complete { Lookup::Missing } else { Lookup::Absent("is not in these files") };
        let key = (wanted.group.to_owned(), wanted.kind.to_owned(), wanted.name.to_owned());
        let Some(candidates) = self.by_name.get(&key) else { return absent };
        let namespace =
            |object: &Value| object.pointer("/metadata/namespace").and_then(Value::as_str).map(str::to_owned);
        let exact = candidates.iter().find(|object| namespace(object).as_deref() == wanted.namespace);
        let loose = || candidates.iter().find(|object| wanted.namespace.is_none() || namespace(object).is_none());
        exact.or_else(loose).map_or(absent, |object| Lookup::Found(Cow::Borrowed(object)))
    }
}
