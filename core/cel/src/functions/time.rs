//! Moments and spans of time.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};

use super::{Made, unfit};
use crate::Error;
use crate::eval::Budget;
use crate::signature::Row;
use crate::value::Val;

pub const TABLE: &[Row] = &[
    ("getFullYear", "timestamp.() -> int", year),
    ("getFullYear", "timestamp.(string) -> int", year),
    ("getMonth", "timestamp.() -> int", month),
    ("getMonth", "timestamp.(string) -> int", month),
    ("getDayOfYear", "timestamp.() -> int", day_of_year),
    ("getDayOfYear", "timestamp.(string) -> int", day_of_year),
    ("getDayOfMonth", "timestamp.() -> int", day_of_month),
    ("getDayOfMonth", "timestamp.(string) -> int", day_of_month),
    ("getDate", "timestamp.() -> int", date),
    ("getDate", "timestamp.(string) -> int", date),
    ("getDayOfWeek", "timestamp.() -> int", day_of_week),
    ("getDayOfWeek", "timestamp.(string) -> int", day_of_week),
    ("getHours", "timestamp.() -> int", hours),
    ("getHours", "timestamp.(string) -> int", hours),
    ("getHours", "duration.() -> int", hours),
    ("getMinutes", "timestamp.() -> int", minutes),
    ("getMinutes", "timestamp.(string) -> int", minutes),
    ("getMinutes", "duration.() -> int", minutes),
    ("getSeconds", "timestamp.() -> int", seconds),
    ("getSeconds", "timestamp.(string) -> int", seconds),
    ("getSeconds", "duration.() -> int", seconds),
    ("getMilliseconds", "timestamp.() -> int", milliseconds),
    ("getMilliseconds", "timestamp.(string) -> int", milliseconds),
    ("getMilliseconds", "duration.() -> int", milliseconds),
];

/// A moment, written with its time or as a date.
pub fn moment(text: &str) -> Option<Timestamp> {
    let date = || Some(text.parse::<jiff::civil::Date>().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp());
    text.parse().ok().or_else(date)
}

/// A span as Go writes it, such as `1h30m` or `-1.5s`.
pub fn span(text: &str) -> Option<SignedDuration> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(SignedDuration::ZERO);
    }
    if rest.is_empty() {
        return None;
    }
    let mut nanos: i128 = 0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(end);
        let unit = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(unit);
        let unit: i128 = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None,
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
            return None;
        }
        let count: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        nanos = nanos.checked_add(count.checked_mul(unit)?)?;
        let mut share = unit;
        for digit in fraction.bytes() {
            share /= 10;
            nanos = nanos.checked_add(share.checked_mul(i128::from(digit.wrapping_sub(b'0')))?)?;
        }
        rest = after;
    }
    let nanos = i64::try_from(if negative { -nanos } else { nanos }).ok()?;
    Some(SignedDuration::from_nanos(nanos))
}

/// A span in seconds, as the language writes it.
pub fn shown(span: SignedDuration) -> String {
    let (nanos, sign) = (span.as_nanos().unsigned_abs(), if span.is_negative() { "-" } else { "" });
    let (seconds, rest) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
    if rest == 0 {
        return format!("{sign}{seconds}s");
    }
    let fraction = format!("{rest:09}");
    format!("{sign}{seconds}.{}s", fraction.trim_end_matches('0'))
}

pub fn to_timestamp<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    let at = match args {
        [Val::Int(seconds)] => Timestamp::from_second(*seconds).ok(),
        [Val::String(text)] => text.parse().ok(),
        _ => return unfit(),
    };
    at.map(Val::Timestamp).ok_or_else(|| Error::new("timestamp overflow"))
}

pub fn to_duration<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    match args {
        [Val::Int(nanos)] => Ok(Val::Duration(SignedDuration::from_nanos(*nanos))),
        [Val::String(text)] => {
            span(text).map(Val::Duration).ok_or_else(|| Error::new(format!("time: invalid duration {:?}", &**text)))
        }
        _ => unfit(),
    }
}

/// The moment in a time zone; in universal time if none is named.
fn zoned(args: &[Val<'_>]) -> Result<Zoned, Error> {
    match args {
        [Val::Timestamp(at)] => Ok(at.to_zoned(TimeZone::UTC)),
        [Val::Timestamp(at), Val::String(zone)] => {
            let unknown = || Error::new(format!("unknown time zone {}", &**zone));
            Ok(at.to_zoned(time_zone(zone).ok_or_else(unknown)?))
        }
        _ => Err(Error::no_such_overload()),
    }
}

/// A zone by its name, or by its distance such as `-08:00`.
fn time_zone(name: &str) -> Option<TimeZone> {
    let Some((hours, minutes)) = name.split_once(':') else { return TimeZone::get(name).ok() };
    let negative = hours.starts_with('-');
    let hours: i32 = hours.trim_start_matches(['-', '+']).parse().ok().filter(|hours| (0..24).contains(hours))?;
    let minutes: i32 = minutes.parse().ok().filter(|minutes| (0..60).contains(minutes))?;
    let seconds = hours * 3600 + minutes * 60;
    Some(TimeZone::fixed(jiff::tz::Offset::from_seconds(if negative { -seconds } else { seconds }).ok()?))
}

fn part<'a>(args: &[Val<'a>], of: fn(&Zoned) -> i64) -> Made<'a> {
    zoned(args).map(|at| Val::Int(of(&at)))
}

fn year<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    part(args, |at| i64::from(at.year()))
}

fn month<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    part(args, |at| i64::from(at.month()) - 1)
}

fn day_of_year<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    part(args, |at| i64::from(at.day_of_year()) - 1)
}

fn day_of_month<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    part(args, |at| i64::from(at.day()) - 1)
}

fn date<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    part(args, |at| i64::from(at.day()))
}

fn day_of_week<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    part(args, |at| i64::from(at.weekday().to_sunday_zero_offset()))
}

fn hours<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    match args {
        [Val::Duration(span)] => Ok(Val::Int(span.as_hours())),
        args => part(args, |at| i64::from(at.hour())),
    }
}

fn minutes<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    match args {
        [Val::Duration(span)] => Ok(Val::Int(span.as_mins())),
        args => part(args, |at| i64::from(at.minute())),
    }
}

fn seconds<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    match args {
        [Val::Duration(span)] => Ok(Val::Int(span.as_secs())),
        args => part(args, |at| i64::from(at.second())),
    }
}

fn milliseconds<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    match args {
        [Val::Duration(span)] => Ok(Val::Int(i64::try_from(span.as_millis()).unwrap_or(i64::MAX))),
        args => part(args, |at| i64::from(at.millisecond())),
    }
}
