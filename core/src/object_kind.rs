//! Kinds of objects beside those that a controller always looks at.

/// A kind of object that is looked at only where a manifest names one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectKind {
    /// Its API group; empty for the core group.
    pub group: &'static str,
    /// Its name in a manifest.
    pub kind: &'static str,
    /// Its name in a path.
    pub plural: &'static str,
    /// The versions that are understood, the preferred one first.
    pub versions: &'static [&'static str],
}

impl ObjectKind {
    /// How the API server calls the resource in its messages.
    pub fn resource(&self) -> String {
        match self.group {
            "" => self.plural.to_owned(),
            group => format!("{}.{group}", self.plural),
        }
    }
}
