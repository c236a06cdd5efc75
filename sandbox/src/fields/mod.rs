//! Who has set which field: `metadata.managedFields`, and server-side apply, which rests on it.
//!
//! - [`Set`] is a set of fields, with its algebra; [`set_of`] makes one of a value, [`compare`] three of two values;
//! - [`update`] keeps `managedFields` on creates, updates and patches;
//! - [`apply`] merges what is applied, finds conflicts, and removes what its applier has let go of.
//!
//! A write costs as much as it changes: equal parts of two objects are only looked at once, and the entries of
//! `managedFields` stay JSON, of which only the changed places are touched.

mod apply;
mod collect;
mod compare;
mod conflicts;
mod element;
mod entries;
mod ignored;
mod last_applied;
mod merge;
mod remove;
mod set;
mod shape;
mod typed;
mod update;
mod zero;

pub use apply::apply;
pub use collect::set_of;
pub use compare::{Comparison, compare};
pub use set::Set;
pub use update::update;

/// Who writes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manager {
    /// `fieldManager`, or else what the user agent begins with.
    pub name: String,
    /// The `apiVersion` in which it writes.
    pub api_version: String,
    /// `status`, `scale`, or nothing for the object itself.
    pub subresource: String,
    /// Now, as `2026-01-31T12:00:00Z`.
    pub time: String,
    /// The kind has a status subresource, so that the status belongs to that and all else to the object itself.
    pub has_status: bool,
}
