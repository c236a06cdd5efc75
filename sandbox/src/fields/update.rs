//! Keeps `managedFields` on creates, updates and patches.

use serde_json::Value;

use super::Manager;
use super::compare::compare_but;
use super::entries::{Entries, text};
use super::ignored::Ignored;
use super::zero::before_create;
use crate::schema::Schema;

/// Sets the `managedFields` of `after`, which is about to be stored by `writer` in the place of `before`. The writer gets
/// what it has set or changed, and everybody else loses that.
///
/// It is the writer's object that counts: decoded and with its defaults, and before the server allocates addresses, adds
/// its finalizers, or drops what a write to a subresource cannot change. What comes after that has no owner.
pub fn update(schema: &Schema, before: Option<&Value>, after: &mut Value, writer: &Manager) {
    let entries = Entries::of_write(before, after, writer);
    let entries = match before {
        // An object whose fields nobody has kept account of stays so until the first apply.
        Some(_) if entries.0.is_empty() => entries,
        _ => tracked(schema, before, after, entries, writer),
    };
    entries.put(after);
}

/// The entries after a write.
pub(super) fn tracked(
    schema: &Schema,
    before: Option<&Value>,
    after: &Value,
    mut entries: Entries,
    writer: &Manager,
) -> Entries {
    let kind = text(after, "kind");
    let ignored = Ignored::of(writer, kind);
    let changes = match before {
        Some(before) => compare_but(schema, before, after, &ignored),
        None => compare_but(schema, &before_create(schema, writer, kind), after, &ignored),
    };
    let mut own = changes.modified;
    own.unite(&changes.added);
    entries.take(&own, &changes.removed);
    entries.give(own, writer);
    entries.cap();
    entries
}
