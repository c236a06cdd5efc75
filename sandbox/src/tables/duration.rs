//! How long ago something was, as people say it: exact while it is fresh, coarse when it is old.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::read::text;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const YEAR: i64 = 365 * DAY;

/// A duration in at most two units: `90s`, `5m3s`, `2d4h`. From the future it is `<invalid>`, but for two seconds of clocks
/// that differ.
pub fn human_duration(duration: SignedDuration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        ..-1 => "<invalid>".to_owned(),
        -1 => "0s".to_owned(),
        0..120 => format!("{seconds}s"),
        120..600 => two(seconds, (MINUTE, "m"), (1, "s")),
        600..10_800 => format!("{}m", seconds / MINUTE),
        10_800..28_800 => two(seconds, (HOUR, "h"), (MINUTE, "m")),
        28_800..172_800 => format!("{}h", seconds / HOUR),
        172_800..691_200 => two(seconds, (DAY, "d"), (HOUR, "h")),
        691_200..63_072_000 => format!("{}d", seconds / DAY),
        63_072_000..252_288_000 => two(seconds, (YEAR, "y"), (DAY, "d")),
        _ => format!("{}y", seconds / YEAR),
    }
}

/// A number of the large unit, and of the small one unless it is none.
fn two(seconds: i64, large: (i64, &str), small: (i64, &str)) -> String {
    let rest = seconds % large.0 / small.0;
    let rest = if rest == 0 { String::new() } else { format!("{rest}{}", small.1) };
    format!("{}{}{rest}", seconds / large.0, large.1)
}

/// The time at a dotted path.
pub(super) fn time(object: &Value, path: &str) -> Option<Timestamp> {
    text(object, path).parse().ok()
}

/// How long ago a time is.
pub(super) fn since(time: Option<Timestamp>, now: Timestamp) -> Option<String> {
    time.map(|time| human_duration(now.duration_since(time)))
}

/// How old an object is.
pub(super) fn age(object: &Value, now: Timestamp) -> Value {
    since(time(object, "metadata.creationTimestamp"), now).unwrap_or_else(|| "<unknown>".to_owned()).into()
}
