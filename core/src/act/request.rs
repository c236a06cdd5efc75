//! Requests that do not depend on where the rollout stands.

use crate::time;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// Gives the update up.
pub fn abort() -> Value {
    json!({"status": {"abort": true}})
}

/// Begins an aborted update again.
pub fn retry() -> Value {
    json!({"status": {"abort": false}})
}

/// Begins an experiment again, as if it had never run.
pub fn forget() -> Value {
    json!({"status": null})
}

/// Ends an analysis run or an experiment.
pub fn terminate() -> Value {
    json!({"spec": {"terminate": true}})
}

/// Holds the rollout where it is.
pub fn pause() -> Value {
    json!({"spec": {"paused": true}})
}

/// Replaces pods that were started before a moment `delay` from now.
pub fn restart(now: Timestamp, delay: SignedDuration) -> Value {
    let at = time::floor_to_second(time::after(now, delay));
    json!({"spec": {"restartAt": at.to_string()}})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restart_names_a_whole_second() {
        let now = "2026-01-01T00:00:00.75Z".parse().expect("a time");
        let patch = restart(now, SignedDuration::from_secs(90));
        assert_eq!(patch, json!({"spec": {"restartAt": "2026-01-01T00:01:30Z"}}));
    }
}
