//! The formats of text that the real server checks in custom resources. Those it knows and this does not, such as `uri`
//! and `email`, are let pass.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Whether the text is of the format.
pub fn holds(format: &str, text: &str) -> bool {
    match format {
        "date-time" => is_date_time(text),
        "date" => text.parse::<jiff::civil::Date>().is_ok() && text.len() == 10,
        "duration" => is_duration(text),
        "byte" => is_base64(text),
        "uuid" | "uuid3" | "uuid4" | "uuid5" => is_uuid(text),
        "ipv4" => text.parse::<Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<Ipv6Addr>().is_ok(),
        "cidr" => is_cidr(text),
        "hostname" => is_hostname(text),
        _ => true,
    }
}

fn is_date_time(text: &str) -> bool {
    text.contains(['T', 't', ' ']) && text.parse::<jiff::Timestamp>().is_ok()
}

/// Go's durations, and days and weeks beside them.
fn is_duration(text: &str) -> bool {
    let mut rest = text.trim().trim_start_matches(['-', '+']);
    if rest == "0" {
        return true;
    }
    let known = ["ns", "us", "µs", "ms", "s", "m", "h", "d", "w", "day", "days", "week", "weeks", "hour", "hours"];
    while !rest.is_empty() {
        let number = rest.find(|each: char| !each.is_ascii_digit() && each != '.').unwrap_or(rest.len());
        let (count, after) = rest.split_at(number);
        let after = after.trim_start();
        let unit = after.find(|each: char| !each.is_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at(unit);
        if count.parse::<f64>().is_err() || !known.contains(&unit) {
            return false;
        }
        rest = after.trim_start();
    }
    !text.trim().is_empty()
}

/// Where the first thing is that does not belong into base64.
pub fn base64_mistake(text: &str) -> Option<usize> {
    let bytes: Vec<(usize, u8)> = text.bytes().enumerate().filter(|(_, byte)| !matches!(byte, b'\n' | b'\r')).collect();
    let end = bytes.iter().position(|(_, byte)| *byte == b'=').unwrap_or(bytes.len());
    let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
    if let Some((place, _)) = bytes[..end].iter().find(|(_, byte)| !is_digit(*byte)) {
        return Some(*place);
    }
    let padding = &bytes[end..];
    let whole = match end % 4 {
        0 => padding.is_empty(),
        2 => padding.len() == 2 && padding[1].1 == b'=',
        3 => padding.len() == 1,
        _ => false,
    };
    (!whole).then(|| bytes.get(end).map_or(text.len(), |(place, _)| *place))
}

fn is_base64(text: &str) -> bool {
    !text.is_empty() && base64_mistake(text).is_none()
}

fn is_uuid(text: &str) -> bool {
    let digits: String = text.chars().filter(|each| *each != '-').collect();
    digits.len() == 32 && digits.chars().all(|each| each.is_ascii_hexdigit())
}

fn is_cidr(text: &str) -> bool {
    let Some((address, length)) = text.split_once('/') else { return false };
    let Ok(length) = length.parse::<u8>() else { return false };
    address.parse::<Ipv4Addr>().is_ok() && length <= 32 || address.parse::<Ipv6Addr>().is_ok() && length <= 128
}

fn is_hostname(text: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|each| each.is_alphanumeric() || matches!(each, '-' | '_'))
    };
    text.len() <= 255 && text.strip_suffix('.').unwrap_or(text).split('.').all(is_label)
}
