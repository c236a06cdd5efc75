//! The weights of a route's destinations.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::Routing;
use super::super::share::{self, in_numbers};
use super::ends::{self, Ends, Role};

/// How far the destinations may be told what they are to do: not before the DestinationRule says where they lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leave {
    /// As far as it goes.
    Free,
    /// Nothing more goes to the canary.
    NoMore,
    /// Everything stays as it is.
    Nothing,
}

/// What the destinations of a route are told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shares<'a> {
    pub(super) ends: &'a Ends,
    pub(super) routing: &'a Routing,
    /// Whether experiments are told apart by subsets, and not by their Services.
    pub(super) by_subset: bool,
    /// Names of Services and subsets that had a share and have none any more.
    pub(super) gone: &'a BTreeSet<String>,
    pub(super) leave: Leave,
}

/// What a route gives to whom, in its own numbers.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    canary: i64,
    stable: i64,
    others: i64,
}

impl Sums {
    fn of(entries: &[Value], ends: &Ends) -> Sums {
        let mut sums = Sums::default();
        for entry in entries {
            let weight = weight_of(entry, entries.len() == 1);
            match ends.role(entry) {
                Some(Role::Canary) => sums.canary += weight,
                Some(Role::Stable) => sums.stable += weight,
                None => sums.others += weight,
            }
        }
        sums
    }

    /// 2 where the weights stand for a half of themselves: the same said in other numbers, so that it is read again.
    fn scale(self, max: i32) -> i64 {
        let is_whole = |scale| self.adds_up(i64::from(max) * scale);
        if !is_whole(1) && is_whole(2) { 2 } else { 1 }
    }

    /// Whether the stable destination has what the others leave.
    fn adds_up(self, all: i64) -> bool {
        self.canary <= all && self.stable == (all - self.canary - self.others).max(0)
    }

    /// The canary's share out of `max`. Where the weights add up to something else, which somebody else has written, it is rounded up.
    fn share(self, max: i32) -> i32 {
        let scale = self.scale(max);
        if self.adds_up(i64::from(max) * scale) {
            return i32::try_from((self.canary + scale - 1) / scale).unwrap_or(i32::MAX);
        }
        share::share(self.canary, self.canary + self.stable, max)
    }
}

/// The canary's share in a route, out of `max`.
pub(super) fn share(route: &Value, ends: &Ends, max: i32) -> i32 {
    Sums::of(ends::entries(route), ends).share(max)
}

/// In which numbers a route speaks: 1 for those of the manifest, 2 for twice as much.
pub(super) fn scale(route: &Value, ends: &Ends, max: i32) -> i64 {
    Sums::of(ends::entries(route), ends).scale(max)
}

impl Shares<'_> {
    /// Gives the destinations of a route their weights, in these numbers.
    pub(super) fn write(&self, route: &mut Value, scale: i64) {
        let Some(entries) = route["route"].as_array_mut() else { return };
        let (weight, max) = (self.routing.weight, i64::from(self.routing.weight.max()));
        let before = Sums::of(entries, self.ends);
        let was = before.scale(weight.max());
        entries.retain(|entry| !self.is_gone(entry));
        self.add_experiments(entries);
        let only = entries.len() == 1;
        let now = before.share(weight.max());
        let canary = i64::from(if self.leave == Leave::Free { weight.value() } else { weight.value().min(now) });
        let mut left = (max - canary) * scale;
        for entry in entries.iter_mut().filter(|entry| self.ends.role(entry).is_none()) {
            let now = weight_of(entry, only);
            let weight = match self.experiment(entry) {
                Some(share) if self.leave == Leave::Free => share * scale,
                Some(share) => now.min(share * scale),
                None => in_numbers(now, was, scale),
            };
            left -= weight;
            set(entry, now, weight);
        }
        let mut told = Vec::new();
        for entry in entries {
            let Some(role) = self.ends.role(entry) else { continue };
            let weight = if role == Role::Canary { canary * scale } else { left.max(0) };
            // The first has all of the share, where somebody has written it down twice.
            let weight = if told.contains(&role) { 0 } else { weight };
            told.push(role);
            set(entry, weight_of(entry, only), weight);
        }
    }

    /// Whether an entry is what is left of a share that is over.
    fn is_gone(&self, entry: &Value) -> bool {
        let had = self.gone.contains(ends::service(entry)) || self.gone.contains(ends::subset(entry));
        had && self.ends.role(entry).is_none() && self.experiment(entry).is_none()
    }

    /// An experiment's share, where the entry is its destination.
    fn experiment(&self, entry: &Value) -> Option<i64> {
        let mut additional = self.routing.additional.iter();
        additional.find(|(to, _)| to.service == self.name_of(entry)).map(|(_, share)| i64::from(*share).max(0))
    }

    /// What an experiment's destination is known by.
    fn name_of<'e>(&self, entry: &'e Value) -> &'e str {
        if self.by_subset { ends::subset(entry) } else { ends::service(entry) }
    }

    /// Adds the destinations of experiments that are missing, beside the stable one.
    fn add_experiments(&self, entries: &mut Vec<Value>) {
        if self.leave != Leave::Free {
            return;
        }
        let stable = entries.iter().find(|entry| self.ends.role(entry) == Some(Role::Stable));
        let Some(host) = stable.and_then(|entry| entry["destination"]["host"].as_str()).map(str::to_owned) else {
            return;
        };
        let mut names: Vec<&str> = self.routing.additional.iter().map(|(to, _)| to.service.as_str()).collect();
        names.sort_unstable();
        for name in names {
            if entries.iter().any(|entry| self.name_of(entry) == name) {
                continue;
            }
            let domain = host.find('.').map_or("", |dot| &host[dot..]);
            let destination = if self.by_subset {
                json!({ "host": host, "subset": name })
            } else {
                json!({ "host": format!("{name}{domain}") })
            };
            entries.push(json!({ "destination": destination, "weight": 0 }));
        }
    }
}

/// The weight of an entry: a single one gets everything, whatever it says.
fn weight_of(entry: &Value, is_only: bool) -> i64 {
    let otherwise = if is_only { 100 } else { 0 };
    entry["weight"].as_i64().unwrap_or(otherwise).clamp(0, 1_000_000)
}

fn set(entry: &mut Value, now: i64, weight: i64) {
    if let Some(fields) = entry.as_object_mut().filter(|_| weight != now) {
        fields.insert("weight".to_owned(), json!(weight));
    }
}
