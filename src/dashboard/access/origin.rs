//! Whether a request comes from one of our own pages. A browser takes its user's rights along wherever it is sent, so another site must
//! not be able to have it change something.

use std::net::IpAddr;

use axum::http::{HeaderMap, header};

/// What is wrong with where a request that changes something comes from.
///
/// Browsers say it themselves, by `Sec-Fetch-Site` and `Origin`; no page can change what they say. A request with neither is no
/// browser's.
pub fn is_foreign(headers: &HeaderMap) -> Option<String> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if let Some(site) = text("sec-fetch-site") {
        // `none` is the user's own doing.
        return (!["same-origin", "none"].contains(&site))
            .then(|| format!("it comes from another site (Sec-Fetch-Site: {site})"));
    }
    let origin = text("origin")?;
    let host = text(header::HOST.as_str()).unwrap_or_default();
    let same = origin.split_once("://").is_some_and(|(_, from)| from.eq_ignore_ascii_case(host));
    (!same).then(|| format!("it comes from another site (Origin: {origin})"))
}

/// Whether the name by which this machine was called is its own. A foreign name that leads here is a page elsewhere that wants the
/// browser to think that the dashboard belongs to it.
pub fn is_own_machine(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(header::HOST).and_then(|value| value.to_str().ok()) else { return false };
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        lines.iter().map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value"))).collect()
    }

    #[test]
    fn only_our_own_pages_may_have_something_changed() {
        for (lines, foreign) in [
            (&[("host", "localhost:3100")][..], false),
            (&[("host", "localhost:3100"), ("origin", "http://localhost:3100")], false),
            (&[("host", "localhost:3100"), ("origin", "http://LOCALHOST:3100")], false),
            (&[("host", "localhost:3100"), ("origin", "http://localhost:3101")], true),
            (&[("host", "localhost:3100"), ("origin", "https://evil.example.com")], true),
            (&[("host", "localhost:3100"), ("origin", "null")], true),
            (
                &[("host", "a.example.com"), ("sec-fetch-site", "same-origin"), ("origin", "https://a.example.com")],
                false,
            ),
            // Behind a proxy that calls us by another name, the browser's own word counts.
            (&[("host", "web:80"), ("sec-fetch-site", "same-origin"), ("origin", "https://a.example.com")], false),
            (&[("host", "localhost:3100"), ("sec-fetch-site", "none")], false),
            (&[("host", "localhost:3100"), ("sec-fetch-site", "cross-site")], true),
            (&[("host", "localhost:3100"), ("sec-fetch-site", "same-site"), ("origin", "http://localhost:3100")], true),
        ] {
            assert_eq!(is_foreign(&headers(lines)).is_some(), foreign, "{lines:?}");
        }
    }

    #[test]
    fn a_machine_knows_its_own_names() {
        for (host, own) in [
            ("localhost", true),
            ("localhost:3100", true),
            ("127.0.0.1:3100", true),
            ("[::1]:3100", true),
            ("rebound.example.com:3100", false),
            ("localhost.example.com", false),
            ("10.0.0.1:3100", false),
        ] {
            assert_eq!(is_own_machine(&headers(&[("host", host)])), own, "{host}");
        }
        assert!(!is_own_machine(&HeaderMap::new()));
    }
}
