//! Durations as users write them, and whole seconds as Kubernetes stores them.

use jiff::{SignedDuration, Timestamp};

/// Why a duration could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid duration {0:?}: use a number with a unit, such as \"30s\", \"5m\" or \"1h30m\"")]
pub struct InvalidDuration(pub String);

/// Units of Go's `time.ParseDuration`, in nanoseconds; both spellings of the microsecond are legal.
const UNITS: [(&str, i128); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Reads a duration in Go's notation: an optional sign, then numbers with units (`"1h30m"`, `"1.5s"`, `"-2m"`), or `"0"`.
pub fn parse_go_duration(text: &str) -> Result<SignedDuration, InvalidDuration> {
    let invalid = || InvalidDuration(text.to_owned());
    let (negative, mut rest) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    if rest == "0" {
        return Ok(SignedDuration::ZERO);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let number_len = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(invalid)?;
        let (number, after) = rest.split_at(number_len);
        let unit_len = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_len);
        let nanos = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, nanos)| *nanos).ok_or_else(invalid)?;
        total = scaled(number, nanos).and_then(|part| total.checked_add(part)).ok_or_else(invalid)?;
        rest = after;
    }
    // Go's durations are 64-bit nanoseconds; what does not fit there is an error there too.
    let nanos = i64::try_from(if negative { -total } else { total }).map_err(|_| invalid())?;
    Ok(SignedDuration::from_nanos(nanos))
}

/// `number` (digits with at most one dot, at least one digit) times `nanos`, fractions of a nanosecond cut off.
fn scaled(number: &str, nanos: i128) -> Option<i128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return None;
    }
    let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let mut total = whole.checked_mul(nanos)?;
    let mut unit = nanos;
    for digit in fraction.bytes() {
        unit /= 10;
        total += i128::from(digit - b'0') * unit;
    }
    Some(total)
}

/// A duration in Go's notation (`1h0m5s`), rounded up to whole seconds; what is negative is none.
pub fn format_go_duration(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().saturating_add(i64::from(duration.subsec_nanos() > 0)).max(0);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds}s"),
        (0, _) => format!("{minutes}m{seconds}s"),
        _ => format!("{hours}h{minutes}m{seconds}s"),
    }
}

/// The next whole second at or after `time`. Status times have whole seconds; a pause that started mid-second must not end
/// early because its start was cut off.
pub fn ceil_to_second(time: Timestamp) -> Timestamp {
    let second = floor_to_second(time);
    if second == time { time } else { second.saturating_add(SignedDuration::from_secs(1)).unwrap_or(Timestamp::MAX) }
}

/// The whole second that `time` lies in.
pub fn floor_to_second(time: Timestamp) -> Timestamp {
    let into_second = i64::from(time.subsec_nanosecond()).rem_euclid(1_000_000_000);
    time.saturating_sub(SignedDuration::from_nanos(into_second)).unwrap_or(Timestamp::MIN)
}

/// `time` plus `duration`, or the end of time when that overflows.
pub fn after(time: Timestamp, duration: SignedDuration) -> Timestamp {
    time.saturating_add(duration).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn reads(text: &str, millis: i64) {
        assert_eq!(parse_go_duration(text), Ok(SignedDuration::from_millis(millis)), "{text}");
    }

    #[test]
    fn durations_are_read_as_go_reads_them() {
        reads("30s", 30_000);
        reads("1h30m", 5_400_000);
        reads("1.5s", 1_500);
        reads(".5m", 30_000);
        reads("-2m", -120_000);
        reads("0", 0);
        reads("100ms", 100);
    }

    #[test]
    fn text_without_a_unit_or_number_is_an_error() {
        for text in ["", "30", "s", "1x", ".s", "1.2.3s", "-", "9999999999h", "1d"] {
            assert!(parse_go_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn seconds_are_rounded_in_the_named_direction() {
        let time: Timestamp = "2026-01-01T00:00:00.25Z".parse().expect("a timestamp");
        assert_eq!(ceil_to_second(time).to_string(), "2026-01-01T00:00:01Z");
        assert_eq!(floor_to_second(time).to_string(), "2026-01-01T00:00:00Z");
        assert_eq!(ceil_to_second(ceil_to_second(time)), ceil_to_second(time));
    }
}
