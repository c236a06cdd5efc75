//! What is known of an object that a manifest names.

/// An object, or why there is none.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Sight<T> {
    /// There is none, or none is named.
    #[default]
    Missing,
    /// It is there.
    Found(T),
    /// There cannot be any, as the cluster does not have its kind, for this reason.
    Absent(String),
    /// Nothing can be said, for this reason.
    Unreadable(String),
}
