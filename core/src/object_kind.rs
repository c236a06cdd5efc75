//! Kinds of objects beside those that a controller always looks at.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

/// A kind of object that is looked at only where a manifest names one. It is the same one in all of its versions.
#[derive(Clone, Copy, Debug)]
pub struct ObjectKind {
    /// Its API group; empty for the core group.
    pub group: &'static str,
    /// Its name in a manifest.
    pub kind: &'static str,
    /// Its name in a path.
    pub plural: &'static str,
    /// The versions that are understood, the preferred one first. Of an object that was looked for, those of them that the cluster
    /// has: what comes into being does so in the first one.
    pub versions: &'static [&'static str],
}

impl ObjectKind {
    fn id(&self) -> (&'static str, &'static str, &'static str) {
        (self.group, self.kind, self.plural)
    }

    /// Its `apiVersion` in a new object.
    pub fn api_version(&self) -> String {
        let version = self.versions.first().unwrap_or(&"v1");
        if self.group.is_empty() { (*version).to_owned() } else { format!("{}/{version}", self.group) }
    }

    /// How the API server calls the resource in its messages.
    pub fn resource(&self) -> String {
        match self.group {
            "" => self.plural.to_owned(),
            group => format!("{}.{group}", self.plural),
        }
    }
}

impl PartialEq for ObjectKind {
    fn eq(&self, other: &ObjectKind) -> bool {
        self.id() == other.id()
    }
}

impl Eq for ObjectKind {}

impl Hash for ObjectKind {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id().hash(state);
    }
}

impl PartialOrd for ObjectKind {
    fn partial_cmp(&self, other: &ObjectKind) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ObjectKind {
    fn cmp(&self, other: &ObjectKind) -> Ordering {
        self.id().cmp(&other.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_the_same_one_in_every_version() {
        let kind = |versions| ObjectKind { group: "apps", kind: "Deployment", plural: "deployments", versions };
        assert_eq!(kind(&["v1", "v1beta1"]), kind(&["v1beta1"]));
        assert_eq!(kind(&["v1beta1"]).api_version(), "apps/v1beta1");
        assert_eq!(ObjectKind { group: "", ..kind(&["v1"]) }.api_version(), "v1");
    }
}
