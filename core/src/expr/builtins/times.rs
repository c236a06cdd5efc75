//! Moments and lengths of time.

use std::sync::Arc;

use jiff::Zoned;
use jiff::civil::DateTime;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;

use super::super::error::Refusal;
use super::super::fuel::Work;
use super::super::kind::Type;
use super::super::value::Value;
use super::{Builtin, Given, Kinds, row, text};
use crate::time::parse_go_duration;

const TEXT: Kinds = Kinds::STRING;

pub const TABLE: &[Builtin] = &[
    row("now", &[], |_| Type::Time, |_, work| Ok(time(work.env.now.to_zoned(TimeZone::UTC)))),
    row("duration", &[TEXT], |_| Type::Duration, duration),
    row("date", &[TEXT, TEXT, TEXT], |_| Type::Time, date).least(1),
];

fn time(time: Zoned) -> Value {
    Value::Time(Arc::new(time))
}

fn duration(args: &[Value], work: &mut Work<'_>) -> Given {
    let written = text("duration", args, 0)?;
    work.spend_on_text(written.len())?;
    let length = parse_go_duration(written).map_err(|error| Refusal::new(error.to_string()))?;
    let nanos = i64::try_from(length.as_nanos()).map_err(|_| Refusal::new(format!("invalid duration {written:?}")))?;
    Ok(Value::Duration(nanos))
}

/// `date(text)`, `date(text, layout)`, `date(text, layout, "UTC")`, with a layout as Go writes them: `2006-01-02 15:04:05`.
fn date(args: &[Value], work: &mut Work<'_>) -> Given {
    let written = text("date", args, 0)?;
    work.spend_on_text(written.len())?;
    if args.len() > 2 {
        let zone = text("date", args, 2)?;
        if !matches!(zone, "" | "UTC") {
            return Err(Refusal::new(format!("time zone {zone} is not supported: expected UTC")));
        }
    }
    let read = if args.len() > 1 { with_layout(written, text("date", args, 1)?)? } else { plain(written) };
    read.map(time).ok_or_else(|| Refusal::new(format!("invalid date {written}")))
}

/// Layouts of mail and of HTTP, all with a name for the zone: the numbers in them, and what they are called elsewhere.
const MAIL: [(&str, &str); 4] = [
    ("02 2006 15:04:05", "%a, %d %b %Y %H:%M:%S GMT"),
    ("02 2006 15:04:05", "%a, %d %b %Y %H:%M:%S UTC"),
    ("02 06 15:04", "%d %b %y %H:%M UTC"),
    ("_2 15:04:05 2006", "%a %b %e %H:%M:%S %Y"),
];

fn plain(written: &str) -> Option<Zoned> {
    if let Ok(Some(read)) = with_layout(written, "2006-01-02T15:04:05Z07:00") {
        return Some(read);
    }
    for layout in ["2006-01-02 15:04:05", "2006-01-02"] {
        if let Ok(Some(read)) = with_layout(written, layout) {
            return Some(read);
        }
    }
    for (_, format) in MAIL.iter().filter(|(numbers, _)| fits(numbers, written)) {
        if let Ok(time) = strtime::parse(format, written).and_then(|read| read.to_datetime()) {
            return utc(time);
        }
    }
    None
}

fn utc(time: DateTime) -> Option<Zoned> {
    time.to_zoned(TimeZone::UTC).ok()
}

/// The parts of Go's layouts, and what they are called elsewhere. Longer ones stand before those that they begin with.
const LAYOUT: [(&str, &str); 17] = [
    ("2006", "%Y"),
    ("January", "%B"),
    ("Monday", "%A"),
    ("Z07:00", "%:z"),
    ("-07:00", "%:z"),
    ("-0700", "%z"),
    ("Jan", "%b"),
    ("Mon", "%a"),
    ("01", "%m"),
    ("02", "%d"),
    ("_2", "%e"),
    ("15", "%H"),
    ("03", "%I"),
    ("04", "%M"),
    ("05", "%S"),
    ("06", "%y"),
    ("PM", "%p"),
];

/// Whether numbers are as long as they are in a layout, and there is no space before all.
fn fits(layout: &str, written: &str) -> bool {
    let spaced = written.starts_with(char::is_whitespace) && !layout.starts_with(char::is_whitespace);
    !spaced && widths(layout).zip(widths(written)).all(|(wanted, found)| wanted == 0 || wanted == found)
}

/// How many digits stand side by side, each time, but for those of a fraction, which can be as long as it is; none where a
/// layout says `_2`, for one or two.
fn widths(text: &str) -> impl Iterator<Item = usize> {
    let is_digit = |c: char| c.is_ascii_digit();
    let begins = text.char_indices().filter(move |(at, c)| is_digit(*c) && !text[..*at].ends_with(is_digit));
    begins.filter(|(at, _)| !text[..*at].ends_with(['.', ','])).map(move |(at, _)| {
        if text[..at].ends_with('_') { 0 } else { text[at..].find(|c| !is_digit(c)).unwrap_or(text.len() - at) }
    })
}

fn with_layout(written: &str, layout: &str) -> Result<Option<Zoned>, Refusal> {
    let mut format = String::new();
    let mut rest = layout;
    let mut zone = false;
    while let Some(c) = rest.chars().next() {
        if let Some((part, directive)) = LAYOUT.iter().find(|(part, _)| rest.starts_with(part)) {
            zone |= directive.ends_with('z');
            format.push_str(directive);
            // Seconds may have a fraction, whatever the layout says.
            format.push_str(if *part == "05" { "%.f" } else { "" });
            rest = &rest[part.len()..];
        } else if c.is_alphanumeric() && c != 'T' && c != 'Z' {
            return Err(Refusal::new(format!("the layout {layout:?} has parts that are not supported, from {rest:?}")));
        } else {
            format.push(c);
            format.push_str(if c == '%' { "%" } else { "" });
            rest = &rest[c.len_utf8()..];
        }
    }
    // A zone of `Z` is no offset to whoever reads the format.
    let zulu = zone && written.ends_with('Z');
    let written = if zulu { format!("{}+00:00", &written[..written.len() - 1]) } else { written.to_owned() };
    // `2026-1-2` is no date of the layout `2006-01-02`.
    if !fits(layout, &written) {
        return Ok(None);
    }
    let Ok(read) = strtime::parse(&format, &written) else { return Ok(None) };
    if zone {
        let (Ok(moment), Some(offset)) = (read.to_timestamp(), read.offset()) else { return Ok(None) };
        return Ok(Some(moment.to_zoned(TimeZone::fixed(offset))));
    }
    Ok(read.to_datetime().ok().and_then(utc))
}
