//! Server-side apply.
//!
//! The applier says all that it wants, and gets it, unless somebody else wants it otherwise. What it wanted the last time
//! and does not want any more goes, unless somebody else has it too.

use serde_json::Value;

use super::Manager;
use super::collect::set_of;
use super::compare::compare_but;
use super::conflicts::{Conflict, refusal};
use super::entries::{Entries, entry, name, text};
use super::ignored::Ignored;
use super::last_applied::{self, KUBECTL};
use super::merge::merge;
use super::remove::let_go;
use super::set::Set;
use super::update::tracked;
use super::zero::before_create;
use crate::patch::PatchError;
use crate::schema::Schema;

/// The manager of all that was there before anybody kept account.
const BEFORE: &str = "before-first-apply";

/// What comes of applying `applied` to `live`, with its `managedFields`. By `force`, what others have set otherwise is
/// taken from them.
pub fn apply(
    schema: &Schema,
    live: Option<&Value>,
    applied: &Value,
    writer: &Manager,
    force: bool,
) -> Result<Value, PatchError> {
    let sends_entries = applied.get("metadata").and_then(|metadata| metadata.get("managedFields"));
    if sends_entries.is_some_and(|entries| !entries.is_null()) {
        return Err(PatchError::bad_request("metadata.managedFields must be nil"));
    }
    super::typed::check(schema, applied)?;
    let kind = text(applied, "kind");
    let zero = live.is_none().then(|| before_create(schema, writer, kind));
    let Some(live) = live.or(zero.as_ref()) else { unreachable!("one of both is there") };
    let entries = accounted(schema, live, zero.is_some(), writer);

    let application = Application { schema, live, applied, writer, ignored: Ignored::of(writer, kind) };
    let mut result = match application.run(entries.clone(), force) {
        Err(conflicts) if name(writer) == KUBECTL => application.between_applies(entries, conflicts)?,
        result => result.map_err(refusal)?,
    };
    if name(writer) == KUBECTL {
        last_applied::bring_along(&mut result, applied);
    }
    Ok(result)
}

/// The entries to start from. If there are none yet, whoever was there owns all that there is.
fn accounted(schema: &Schema, live: &Value, is_new: bool, writer: &Manager) -> Entries {
    let entries = Entries::of(live);
    if !entries.0.is_empty() || is_new {
        return entries;
    }
    let before = Manager { name: BEFORE.to_string(), ..writer.clone() };
    tracked(schema, None, live, entries, &before)
}

struct Application<'a> {
    schema: &'a Schema,
    live: &'a Value,
    applied: &'a Value,
    writer: &'a Manager,
    ignored: Ignored,
}

impl Application<'_> {
    /// What client-side apply has set may be changed; what else is in conflict may not.
    fn between_applies(&self, entries: Entries, mut conflicts: Vec<Conflict>) -> Result<Value, PatchError> {
        if let Some(own) = last_applied::own_fields(self.schema, self.live) {
            for conflict in &mut conflicts {
                conflict.fields.subtract(&own);
            }
            conflicts.retain(|conflict| !conflict.fields.is_empty());
            if conflicts.is_empty() {
                return self.run(entries, true).map_err(refusal);
            }
        }
        Err(refusal(conflicts))
    }

    fn run(&self, mut entries: Entries, force: bool) -> Result<Value, Vec<Conflict>> {
        let mut own = set_of(self.schema, self.applied);
        own.subtract_whole(&self.ignored.as_set());
        let last = entries.find(self.writer, "Apply").map(|place| entries.0.remove(place));
        let mut merged = merge(self.schema, self.live, self.applied);
        if let Some(last) = &last {
            let last = Set::decode(&last["fieldsV1"]);
            merged = let_go(self.schema, &merged, &last, &all_owned(&entries, &own));
        }
        let changes = compare_but(self.schema, self.live, &merged, &self.ignored);
        let mut taken = changes.modified;
        taken.unite(&changes.added);
        if !force {
            let conflicts = entries.0.iter().filter_map(|entry| {
                let fields = Set::decode(&entry["fieldsV1"]).intersection(&taken);
                (!fields.is_empty()).then(|| Conflict::new(entry, fields))
            });
            let conflicts: Vec<Conflict> = conflicts.collect();
            if !conflicts.is_empty() {
                return Err(conflicts);
            }
        }
        entries.take(&taken, &changes.removed);
        own.subtract(&Ignored::of_the_server());
        if !own.is_empty() {
            entries.0.push(self.own_entry(own, last.as_ref(), merged != *self.live));
        }
        entries.put(&mut merged);
        Ok(merged)
    }

    /// An apply that changes nothing has no time of its own.
    fn own_entry(&self, own: Set, last: Option<&Value>, has_changed: bool) -> Value {
        let mut entry = entry(self.writer, "Apply", own);
        if !has_changed && let Some(fields) = entry.as_object_mut() {
            match last.and_then(|last| last.get("time")) {
                Some(time) => fields.insert("time".to_string(), time.clone()),
                None => fields.remove("time"),
            };
        }
        entry
    }
}

/// All that anybody has, the applier's new set included.
fn all_owned(entries: &Entries, own: &Set) -> Set {
    let mut owned = own.clone();
    for entry in &entries.0 {
        owned.unite(&Set::decode(&entry["fieldsV1"]));
    }
    owned
}
