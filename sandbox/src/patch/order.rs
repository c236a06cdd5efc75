//! The order of a merged list: what the patch names, in its order, woven into what only the server has.

use serde_json::{Map, Value};

use super::PatchError;
use super::go_text::{go_kind, go_list};
use super::lists::{merge_list, no_key};
use super::strategic::{DIRECTIVE, SET_ORDER, without_directives};
use crate::schema::Schema;

/// Carries out the `$setElementOrder` of a patch, and gives the names of the lists that are merged by that.
pub(super) fn set_orders<'a>(
    into: &mut Map<String, Value>,
    patch: &'a Map<String, Value>,
    schema: &Schema,
) -> Result<Vec<&'a str>, PatchError> {
    let mut done = Vec::new();
    for (directive, wanted) in patch {
        let Some(list) = directive.strip_prefix(SET_ORDER) else { continue };
        let wanted = as_list(wanted)?;
        let field = schema.properties.get(list);
        let key = field.and_then(|field| field.strategy.key.as_deref());
        let below = field.map_or(Schema::anything(), |field| &field.schema);
        let named = patch.get(list).filter(|named| !named.is_null()).map(as_list).transpose()?;
        check(wanted, named.map_or(&[], Vec::as_slice), key)?;
        let before = match into.get(list) {
            Some(present) => Some(as_list(present)?.clone()),
            None => None,
        };
        let mut merged = before.clone().unwrap_or_default();
        match (named, &before) {
            (None, None) => continue,
            (Some(named), Some(_)) => merge_list(&mut merged, named, below, key)?,
            (Some(named), None) => merged = named.iter().cloned().filter_map(without_directives).collect(),
            (None, Some(_)) => {}
        }
        arrange(&mut merged, wanted, before.as_deref().unwrap_or_default(), key);
        into.insert(list.to_string(), Value::Array(merged));
        done.push(list);
    }
    Ok(done)
}

/// What the patch sets is in the order that it asks for.
fn check(wanted: &[Value], named: &[Value], key: Option<&str>) -> Result<(), PatchError> {
    if let Some(key) = key {
        let without = wanted.iter().filter_map(Value::as_object).find(|map| !map.contains_key(key));
        if let Some(map) = without {
            return Err(no_key(map, key));
        }
    }
    let plain: Vec<Value> = named.iter().filter(|item| item.get(DIRECTIVE).is_none()).cloned().collect();
    let mut rest = wanted.iter();
    if plain.iter().all(|item| rest.any(|wanted| same(wanted, item, key))) {
        return Ok(());
    }
    let (plain, wanted) = (go_list(&plain), go_list(wanted));
    let message = format!("The order in patch list:\n{plain}\n doesn't match $setElementOrder list:\n{wanted}\n");
    Err(PatchError::internal(message))
}

/// Arranges a merged list: the items that are in `wanted` get its order, the others stay where they were among those
/// that were there `before`.
pub(super) fn arrange(merged: &mut Vec<Value>, wanted: &[Value], before: &[Value], key: Option<&str>) {
    let place_in = |list: &[Value], item: &Value| list.iter().position(|other| same(other, item, key));
    let (mut named, mut others) = (Vec::new(), Vec::new());
    for item in std::mem::take(merged) {
        match place_in(wanted, &item) {
            Some(place) => named.push((place, item)),
            None => others.push(item),
        }
    }
    named.sort_by_key(|(place, _)| *place);
    let mut named = named.into_iter().map(|(_, item)| item).peekable();
    for other in others {
        let place = place_in(before, &other);
        // What the server has never seen goes first, as does what came before this one.
        while let Some(item) =
            named.next_if(|item| !matches!((place, place_in(before, item)), (Some(other), Some(item)) if other < item))
        {
            merged.push(item);
        }
        merged.push(other);
    }
    merged.extend(named);
}

fn same(one: &Value, other: &Value, key: Option<&str>) -> bool {
    match key {
        Some(key) => one.get(key).is_some() && one.get(key) == other.get(key),
        None => one == other,
    }
}

fn as_list(value: &Value) -> Result<&Vec<Value>, PatchError> {
    value.as_array().ok_or_else(|| {
        let kind = if value.is_object() { "map[string]interface {}" } else { go_kind(value) };
        PatchError::internal(format!("expected a []interface {{}}, but received a {kind}"))
    })
}
