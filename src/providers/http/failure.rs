//! Why a measurement could not be taken, in one line without secrets.

use std::time::Duration;

use reqwest::Url;
use reqwest::header::{HeaderMap, RETRY_AFTER};

use crate::clock::Clock;

/// So much of an answer is told, in characters.
const SHOWN: usize = 200;
/// Nobody makes a measurement wait longer than this.
const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// Why there is no answer, or no good one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// In one line: what was asked of whom, what came of it, what to do.
    pub message: String,
    /// When to ask again at the earliest, where the other side said so.
    pub retry_after: Option<Duration>,
}

impl Failure {
    /// For this reason.
    pub fn new(message: impl AsRef<str>) -> Failure {
        Failure { message: one_line(message.as_ref(), usize::MAX), retry_after: None }
    }
}

/// An address as messages name it: without user, password, query and fragment.
pub fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // These fail for addresses without a host, which have no user either.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    url.into()
}

/// The beginning of a text in one line, for messages.
pub fn beginning(text: &[u8]) -> String {
    // No more than is shown, in whatever encoding, is looked at.
    one_line(&String::from_utf8_lossy(&text[..text.len().min(4 * SHOWN)]), SHOWN)
}

fn one_line(text: &str, characters: usize) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let line = words.collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(characters) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// When to ask again: in seconds, or as a date.
pub fn retry_after(headers: &HeaderMap, clock: Clock) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = if let Ok(seconds) = text.parse() {
        Duration::from_secs(seconds)
    } else {
        let then = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
        Duration::try_from(then.duration_since(clock.now())).unwrap_or_default()
    };
    Some(wait.min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_what_may_be_secret() {
        let url = Url::parse("https://user:pass@example.com:8443/a/b?token=t#f").expect("an address");
        assert_eq!(shown(&url), "https://example.com:8443/a/b");
    }

    #[test]
    fn what_somebody_else_says_is_one_line() {
        assert_eq!(beginning(b" <html>\r\n\t<b>no</b>\x1b[31m\n"), "<html> <b>no</b> [31m");
        let long = beginning("é".repeat(5000).as_bytes());
        assert_eq!(long.chars().count(), SHOWN + 1, "{long}");
        assert!(long.ends_with("é…"), "{long}");
    }

    #[tokio::test]
    async fn when_to_ask_again_is_told_in_seconds_or_as_a_date() {
        let clock = Clock::starting_at("2026-01-01T00:00:00Z".parse().expect("a time"));
        let read = |text: &str| {
            let headers = [(RETRY_AFTER, text.parse().expect("a header"))].into_iter().collect();
            retry_after(&headers, clock).map(|wait| wait.as_secs())
        };
        assert_eq!(read("7"), Some(7));
        assert!(matches!(read("Thu, 01 Jan 2026 00:01:00 GMT"), Some(59..=60)));
        assert_eq!(read("Wed, 31 Dec 2025 00:00:00 GMT"), Some(0));
        assert_eq!(read("99999999999"), Some(3600));
        assert_eq!(read("soon"), None);
    }
}
