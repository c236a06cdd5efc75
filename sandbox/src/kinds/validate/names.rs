//! Names in all their forms. Each rule returns what is wrong with a text, in the API server's words.

use serde_json::json;
pub(super) use sluice_cel::labels::{dns_1035_label, dns_label, dns_subdomain, label_value, qualified};

use super::super::registry::NameRule;
use crate::refusal::Cause;

/// A list of complaints about one text; empty when it is fine.
pub(super) type Wrong = Vec<String>;

fn too_long(limit: usize) -> String {
    format!("must be no more than {limit} characters")
}

fn complain(wrong: bool, message: impl FnOnce() -> String) -> Option<String> {
    wrong.then(message)
}

/// One segment of a URL's path.
pub(super) fn path_segment(text: &str) -> Wrong {
    if matches!(text, "." | "..") {
        return vec![format!("may not be '{text}'")];
    }
    let forbidden = ['/', '%'].into_iter().filter(|c| text.contains(*c));
    forbidden.map(|c| format!("may not contain '{c}'")).collect()
}

/// The name of a port (an IANA service name).
pub(super) fn port_name(text: &str) -> Wrong {
    if text.len() > 15 {
        return vec![too_long(15)];
    }
    let inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    [
        (
            text.is_empty() || !text.bytes().all(inside),
            "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)",
        ),
        (!text.bytes().any(|byte| byte.is_ascii_lowercase()), "must contain at least one letter (a-z)"),
        (text.contains("--"), "must not contain consecutive hyphens"),
        (text.starts_with('-') || text.ends_with('-'), "must not begin or end with a hyphen"),
    ]
    .into_iter()
    .filter(|(wrong, _)| *wrong)
    .map(|(_, message)| message.to_owned())
    .collect()
}

/// A key of a ConfigMap or Secret, which may become the name of a file.
pub(super) fn config_key(text: &str) -> Wrong {
    let inside = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let mut wrong: Wrong = complain(text.len() > 253, || too_long(253)).into_iter().collect();
    wrong.extend(complain(text.is_empty() || !text.bytes().all(inside), || {
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or \
         'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
            .to_owned()
    }));
    wrong.extend(match text {
        "." => Some("must not be '.'".to_owned()),
        ".." => Some("must not be '..'".to_owned()),
        _ => complain(text.starts_with(".."), || "must not start with '..'".to_owned()),
    });
    wrong
}

/// The name of an environment variable.
pub(super) fn environment_name(text: &str) -> Wrong {
    let printable = |byte: u8| (b' '..=b'~').contains(&byte) && byte != b'=';
    let form = complain(!text.bytes().all(printable), || {
        "a valid environment variable name must consist only of printable ASCII characters other than '='".to_owned()
    });
    form.into_iter().collect()
}

/// An IP address.
pub(super) fn ip_address(text: &str) -> Wrong {
    let form = complain(text.parse::<std::net::IpAddr>().is_err(), || {
        "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)".to_owned()
    });
    form.into_iter().collect()
}

impl NameRule {
    /// What is wrong with a name.
    pub(super) fn check(self, name: &str) -> Wrong {
        match self {
            NameRule::Subdomain => dns_subdomain(name),
            NameRule::Label => dns_label(name),
            NameRule::Label1035 => dns_1035_label(name),
            NameRule::PathSegment => path_segment(name),
        }
    }
}

/// Complaints about a text in a field.
pub(super) fn report(out: &mut Vec<Cause>, field: &str, text: &str, wrong: Wrong) {
    out.extend(wrong.into_iter().map(|wrong| Cause::invalid(field, &json!(text), &wrong)));
}

/// A name that must be there, and be right.
pub(super) fn required(out: &mut Vec<Cause>, field: &str, text: &str, rule: impl FnOnce(&str) -> Wrong) {
    if text.is_empty() {
        out.push(Cause::required(field, ""));
    } else {
        report(out, field, text, rule(text));
    }
}
