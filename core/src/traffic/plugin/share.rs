//! Shares as plugins say them, for the destinations of now.

use sluice_plugin::{Observation, Routing, Share, Weighted};

use crate::traffic::Destination;

/// The lowest and the highest share that a destination may have, out of `max`, by an answer to `asked`. Services may have changed
/// places since.
pub(super) fn of(asked: &Routing, seen: &Observation, to: &Destination, max: i32) -> (i32, i32) {
    let is_there = |weighted: &Weighted| weighted.destination.service == to.service;
    let weights = &seen.weights;
    let additional = || asked.additional.iter().zip(&weights.additional).find(|(it, _)| is_there(it));
    let share = if is_there(&asked.canary) {
        weights.canary
    } else if is_there(&asked.stable) {
        weights.stable
    } else if let Some((_, share)) = additional() {
        *share
    } else {
        Share::default()
    };
    let (total, max) = (u64::from(asked.total.max(1)), u64::try_from(max).unwrap_or(0));
    let lowest = u64::from(share.lowest) * max / total;
    let highest = (u64::from(share.highest) * max).div_ceil(total);
    (i32::try_from(lowest).unwrap_or(i32::MAX), i32::try_from(highest).unwrap_or(i32::MAX))
}

/// Whether a data plane was seen to do what is wanted of it.
pub(super) fn agrees(asked: &Routing, seen: &Observation, wanted: &Routing) -> bool {
    let expected = Observation::of(wanted);
    asked.total == wanted.total && seen.weights == expected.weights && seen.has_routes == expected.has_routes
}
