//! Which objects of an Application somebody means: `GROUP:KIND:NAME` or `GROUP:KIND:NAMESPACE/NAME`.

use std::str::FromStr;

use crate::api::{Application, SyncOperationResource};
use crate::gitops::glob;

/// Stands for everything.
const ALL: &str = "*";

/// A description of objects. Its parts may be patterns with `*`; one with `!` before it leaves out what it describes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    is_left_out: bool,
    group: String,
    kind: String,
    /// Any, where nothing is said.
    namespace: Option<String>,
    name: String,
}

impl FromStr for Selection {
    type Err = String;

    fn from_str(text: &str) -> Result<Selection, String> {
        let (is_left_out, rest) = text.strip_prefix('!').map_or((false, text), |rest| (true, rest));
        let parts: Vec<&str> = rest.split(':').collect();
        // Names of RBAC objects have colons in them.
        let [group, kind, name @ ..] = parts.as_slice() else { return Err(form(text)) };
        let name = name.join(":");
        if kind.is_empty() || name.is_empty() {
            return Err(form(text));
        }
        let (namespace, name) = match name.split_once('/') {
            Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() => {
                (Some(namespace.to_owned()), name.to_owned())
            }
            Some(_) => return Err(form(text)),
            None => (None, name),
        };
        Ok(Selection { is_left_out, group: (*group).to_owned(), kind: (*kind).to_owned(), namespace, name })
    }
}

fn form(text: &str) -> String {
    format!(
        "{text:?} is not GROUP:KIND:NAME or GROUP:KIND:NAMESPACE/NAME; the core group is empty, as in :ConfigMap:web"
    )
}

impl Selection {
    /// Whether it describes an object.
    fn describes(&self, group: &str, kind: &str, namespace: &str, name: &str) -> bool {
        let fits = |pattern: &str, text: &str| pattern == ALL || pattern == text || glob::matches(pattern, text);
        let is_there = self.namespace.as_ref().is_none_or(|pattern| fits(pattern, namespace));
        is_there && fits(&self.group, group) && fits(&self.kind, kind) && fits(&self.name, name)
    }

    /// Whether it names one object and no pattern.
    fn is_exact(&self) -> bool {
        let parts = [Some(&self.group), Some(&self.kind), self.namespace.as_ref(), Some(&self.name)];
        !self.is_left_out && !parts.into_iter().flatten().any(|part| part.contains(['*', '?', '[', '{']))
    }
}

/// Whether an object is meant: it is described by one of them that does not leave out, if there are such, and left out by none.
pub fn is_meant(all: &[Selection], group: &str, kind: &str, namespace: &str, name: &str) -> bool {
    let describes = |selection: &&Selection| selection.describes(group, kind, namespace, name);
    let (left_out, taken): (Vec<&Selection>, Vec<&Selection>) = all.iter().partition(|one| one.is_left_out);
    (taken.is_empty() || taken.iter().any(describes)) && !left_out.iter().any(describes)
}

/// What a sync is asked for that is about these objects. What is named in full may be in Git alone; patterns are about what the
/// status lists.
pub fn resources(all: &[Selection], application: &Application) -> Result<Vec<SyncOperationResource>, String> {
    if all.iter().all(Selection::is_exact) {
        let named = all.iter().cloned().map(|Selection { group, kind, namespace, name, .. }| SyncOperationResource {
            group,
            kind,
            name,
            namespace: namespace.unwrap_or_default(),
        });
        return Ok(named.collect());
    }
    let known = application.status().resources.iter();
    let meant = known.filter(|it| !it.hook && is_meant(all, &it.group, &it.kind, &it.namespace, &it.name));
    let found: Vec<SyncOperationResource> = meant
        .map(|it| SyncOperationResource {
            group: it.group.clone(),
            kind: it.kind.clone(),
            name: it.name.clone(),
            namespace: it.namespace.clone(),
        })
        .collect();
    // A sync of no objects in particular would be one of all.
    if found.is_empty() { Err("no object of it is what --resource describes".to_owned()) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::info::application::sample::application;

    fn selected(texts: &[&str]) -> Result<Vec<String>, String> {
        let object = |group: &str, kind: &str, namespace: &str, name: &str| json!({"group": group, "kind": kind, "namespace": namespace, "name": name, "version": "v1"});
        let application = application(&json!({"status": {"resources": [
            object("", "ConfigMap", "a", "web"),
            object("", "ConfigMap", "b", "web"),
            object("apps", "Deployment", "a", "web"),
            object("rbac.authorization.k8s.io", "ClusterRole", "", "system:web"),
            {"group": "batch", "kind": "Job", "namespace": "a", "name": "hook", "version": "v1", "hook": true},
        ]}}));
        let all: Result<Vec<Selection>, String> = texts.iter().map(|text| text.parse()).collect();
        let found = resources(&all?, &application)?;
        Ok(found.into_iter().map(|it| format!("{}:{}:{}/{}", it.group, it.kind, it.namespace, it.name)).collect())
    }

    #[test]
    fn objects_are_named_or_described() {
        for (texts, expected) in [
            (&["apps:Deployment:web"][..], &["apps:Deployment:/web"][..]),
            (&[":ConfigMap:c/new", "apps:Deployment:a/web"], &[":ConfigMap:c/new", "apps:Deployment:a/web"]),
            (
                &["rbac.authorization.k8s.io:ClusterRole:system:web"],
                &["rbac.authorization.k8s.io:ClusterRole:/system:web"],
            ),
            (&["*:*:a/*"], &[":ConfigMap:a/web", "apps:Deployment:a/web"]),
            (&[":Config*:web"], &[":ConfigMap:a/web", ":ConfigMap:b/web"]),
            (&["!*:*:a/*", "*:*:web"], &[":ConfigMap:b/web"]),
            (&["!:ConfigMap:web"], &["apps:Deployment:a/web", "rbac.authorization.k8s.io:ClusterRole:/system:web"]),
        ] {
            assert_eq!(selected(texts).expect("objects"), expected, "{texts:?}");
        }
    }

    #[test]
    fn what_describes_nothing_is_no_sync_of_everything() {
        assert_eq!(selected(&["*:Secret:*"]), Err("no object of it is what --resource describes".to_owned()));
        for text in ["web", "apps:Deployment", "apps:Deployment:", "apps::web", "apps:Deployment:/web", ":a:b/"] {
            assert!(selected(&[text]).expect_err(text).contains("GROUP:KIND:NAME"), "{text}");
        }
    }
}
