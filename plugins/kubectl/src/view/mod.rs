//! Rollouts as text, as pure functions of what was seen.

pub mod colour;
pub mod facts;
pub mod list;
pub mod tree;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use sluice_core::api::{ReplicaSet, Rollout};

/// A Rollout with everything that hangs on it, at one moment.
pub struct Seen {
    /// The Rollout.
    pub rollout: Rollout,
    /// Its ReplicaSets.
    pub replica_sets: Vec<ReplicaSet>,
    /// Pods of the namespace; those of other owners are ignored.
    pub pods: Vec<Pod>,
    /// When.
    pub now: Timestamp,
}

/// A time span in the way of kubectl: two units at most.
pub fn age(since: Option<Timestamp>, now: Timestamp) -> String {
    let Some(since) = since else { return String::new() };
    short_duration(now.duration_since(since).as_secs().max(0))
}

/// Seconds in the way of kubectl.
pub fn short_duration(seconds: i64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let pair = |big: i64, unit: &str, small: i64, small_unit: &str| {
        if small == 0 { format!("{big}{unit}") } else { format!("{big}{unit}{small}{small_unit}") }
    };
    match seconds {
        0..120 => format!("{seconds}s"),
        120..600 => pair(minutes, "m", seconds % 60, "s"),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => pair(hours, "h", minutes % 60, "m"),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => pair(days, "d", hours % 24, "h"),
        _ => format!("{days}d"),
    }
}

#[cfg(test)]
mod tests;
