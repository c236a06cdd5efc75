//! Times as kubectl prints ages: at most two units, the coarser the older.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

/// How old something is, as it was told at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Age {
    /// Since when it is there; nobody knows where it is none.
    pub since: Option<Timestamp>,
    text: String,
}

impl Age {
    /// How old something is `now`.
    pub fn of(since: Option<Timestamp>, now: Timestamp) -> Age {
        Age { since, text: age(since, now) }
    }
}

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// How long ago `since` was.
pub fn age(since: Option<Timestamp>, now: Timestamp) -> String {
    since.map_or_else(|| "<unknown>".to_owned(), |since| human(now.duration_since(since)))
}

/// A duration as kubectl writes it; a negative one, from a clock that runs behind, counts as nothing.
pub fn human(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        0..120 => format!("{seconds}s"),
        120..600 => two((minutes, "m"), (seconds % 60, "s")),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => two((hours, "h"), (minutes % 60, "m")),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => two((days, "d"), (hours % 24, "h")),
        691_200..63_072_000 => format!("{days}d"),
        63_072_000..252_288_000 => two((days / 365, "y"), (days % 365, "d")),
        _ => format!("{}y", days / 365),
    }
}

fn two(coarse: (i64, &str), fine: (i64, &str)) -> String {
    let (coarse, fine) = (format!("{}{}", coarse.0, coarse.1), (fine.0 > 0).then(|| format!("{}{}", fine.0, fine.1)));
    coarse + &fine.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_get_coarser_as_they_grow() {
        for (seconds, text) in [
            (-3, "0s"),
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (548, "9m8s"),
            (600, "10m"),
            (3 * 3600 - 1, "179m"),
            (3 * 3600 + 60, "3h1m"),
            (9 * 3600, "9h"),
            (47 * 3600, "47h"),
            (50 * 3600, "2d2h"),
            (9 * 86_400, "9d"),
            (800 * 86_400, "2y70d"),
            (4000 * 86_400, "10y"),
        ] {
            assert_eq!(human(SignedDuration::from_secs(seconds)), text, "{seconds}");
        }
    }
}
