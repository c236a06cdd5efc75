//! What routers with lists of weighted destinations have in common: the weights of the entries, and what they make of the whole; and
//! objects whose API has moved from one group to another.

use serde_json::{Value, json};

use super::memory::Memory;
use super::object::{Seen, Trouble};
use super::router::{Observed, View};
use crate::object_kind::ObjectKind;
use crate::sight::Sight;

/// The weight of an entry, whatever somebody has written there; the API's default where it has none.
pub(super) fn weight_of(entry: &Value, default: i64) -> i64 {
    entry["weight"].as_i64().unwrap_or(default).clamp(0, 1_000_000)
}

/// Gives the entries that `wanted` knows their weights. The others keep theirs.
pub(super) fn weigh(entries: &mut [Value], wanted: impl Fn(&Value) -> Option<i64>) {
    for entry in entries {
        if let Some(weight) = wanted(entry).filter(|weight| entry["weight"] != *weight) {
            set(entry, "weight", json!(weight));
        }
    }
}

/// The weight of an entry that is somebody else's, where the whole is told in other numbers.
pub(super) fn rescaled(weight: i64, was: &Memory, next: &Memory) -> i64 {
    let scale = |memory: &Memory| if memory.doubled { 2 } else { 1 };
    in_numbers(weight, scale(was), scale(next))
}

/// The same from one scale, 1 or 2, to another.
pub(super) fn in_numbers(weight: i64, was: i64, is: i64) -> i64 {
    match (was, is) {
        (1, 2) => weight.saturating_mul(2),
        (2, 1) if weight % 2 == 0 => weight / 2,
        _ => weight,
    }
}

/// Sets a field. What cannot have fields becomes something that can.
pub(super) fn set(parent: &mut Value, field: &str, value: Value) {
    if !parent.is_object() {
        *parent = json!({});
    }
    parent[field] = value;
}

/// The canary's share out of `max`, where it has `canary` of `all`. Where weights add up to something else than `max`, which
/// somebody else has written, it is rounded up.
pub(super) fn share(canary: i64, all: i64, max: i32) -> i32 {
    let (all, wide) = (i128::from(all.max(1)), i128::from(max));
    i32::try_from((i128::from(canary).clamp(0, all) * wide + all - 1) / all).unwrap_or(max)
}

/// What is to be said of the canary's shares in several places.
pub(super) fn observed(shares: &[i32]) -> Observed {
    Observed {
        lowest: shares.iter().copied().min().unwrap_or(0),
        highest: shares.iter().copied().max().unwrap_or(0),
        ..Observed::default()
    }
}

/// The objects of a name, by whichever of these groups it is served: an API that has moved to another group may have one in each.
/// Trouble where there is none.
pub(super) fn in_any_group<'a>(
    view: View<'a>,
    kinds: &[ObjectKind],
    name: &str,
) -> Result<Vec<(&'a Seen, &'a Value)>, Trouble> {
    let all: Vec<&Seen> = view.objects.iter().filter(|seen| seen.name == name && kinds.contains(&seen.kind)).collect();
    let found: Vec<_> = all.iter().filter_map(|seen| Some((*seen, seen.found().ok()?))).collect();
    // A cluster has one group or the other; that an object is not where it could be says more than that a group is not there.
    let looked_for = all.iter().find(|seen| seen.object == Sight::Missing).or(all.first());
    match looked_for.filter(|_| found.is_empty()) {
        Some(seen) => seen.found().map(|_| found),
        None => Ok(found),
    }
}

/// A regular expression that matches this text.
pub(super) fn literally(text: &str) -> String {
    text.chars().fold(String::new(), |mut all, one| {
        if r"\.+*?()|[]{}^$".contains(one) {
            all.push('\\');
        }
        all.push(one);
        all
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_exact_where_weights_add_up_and_rounded_up_elsewhere() {
        for (canary, all, max, expected) in [
            (20, 100, 100, 20),
            (40, 200, 100, 20),
            (1, 3, 100, 34),
            (0, 0, 100, 0),
            (5, 1000, 1000, 5),
            (9, 1, 100, 100),
            (1, 1000, 100, 1),
            (i64::MAX, i64::MAX, i32::MAX, i32::MAX),
        ] {
            assert_eq!(share(canary, all, max), expected, "{canary} of {all}");
        }
    }

    #[test]
    fn what_is_no_weight_counts_as_the_default_and_none_is_beyond_its_range() {
        for (entry, expected) in [
            (json!({"weight": 7}), 7),
            (json!({}), 1),
            (json!({"weight": "many"}), 1),
            (json!({"weight": -4}), 0),
            (json!({"weight": i64::MAX}), 1_000_000),
            (json!("no entry"), 1),
        ] {
            assert_eq!(weight_of(&entry, 1), expected, "{entry}");
        }
    }

    #[test]
    fn only_entries_that_are_known_get_another_weight() {
        let mut entries =
            [json!({"name": "a"}), json!({"name": "b", "weight": 3}), json!("c"), json!({"name": "a", "weight": 5})];
        weigh(&mut entries, |entry| (entry["name"] == "a").then_some(5));
        let expected = [
            json!({"name": "a", "weight": 5}),
            json!({"name": "b", "weight": 3}),
            json!("c"),
            json!({"name": "a", "weight": 5}),
        ];
        assert_eq!(entries, expected);
    }
}
