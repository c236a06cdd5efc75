//! Volumes.

use serde_json::Value;

use super::{DEGRADED, PROGRESSING, UNKNOWN, Verdict, healthy, text};

pub(super) fn claim(it: &Value) -> Verdict {
    match text(it, "/status/phase") {
        "Lost" => (DEGRADED, String::new()),
        "Pending" => (PROGRESSING, String::new()),
        "Bound" => healthy(),
        _ => (UNKNOWN, String::new()),
    }
}
