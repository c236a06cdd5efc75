//! Where a redirect leads, and what goes along.

use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, LOCATION};
use reqwest::{Method, StatusCode, Url};

use super::failure::shown;

/// A request, as it is sent.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) method: Method,
    pub(super) url: Url,
    /// All that tells who asks is among these.
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    /// Whether headers were left behind, because another host is asked.
    pub(super) is_bare: bool,
}

/// The request that a redirect asks for; none where the answer is no redirect.
///
/// Credentials may be in any header, in the body and in the query. So nothing goes to another host but a request without any.
pub(super) fn next(sent: &Sent, status: StatusCode, headers: &HeaderMap) -> Result<Option<Sent>, String> {
    if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let Some(location) = headers.get(LOCATION) else { return Ok(None) };
    let target = location.to_str().ok().and_then(|location| sent.url.join(location).ok());
    let target = target.filter(|target| matches!(target.scheme(), "http" | "https") && target.has_host());
    let mut url = target.ok_or("redirects to what is no address of http or https")?;
    let _ = url.set_username("");
    let _ = url.set_password(None);
    let mut next = Sent { url, ..sent.clone() };
    let keeps_method = matches!(status.as_u16(), 307 | 308) || matches!(sent.method, Method::GET | Method::HEAD);
    if !keeps_method {
        next.method = Method::GET;
        next.body.clear();
        for name in [CONTENT_TYPE, CONTENT_LENGTH] {
            next.headers.remove(name);
        }
    }
    if !is_same_host(&sent.url, &next.url) {
        if !next.body.is_empty() {
            let target = shown(&next.url);
            return Err(format!(
                "redirects a {} to {target}, on another host, where its body is not sent",
                sent.method
            ));
        }
        next.is_bare |= !next.headers.is_empty();
        next.headers.clear();
    }
    Ok(Some(next))
}

/// Whether who may see what goes to one address may see it at the other: the same host and port, or its own move to TLS.
fn is_same_host(from: &Url, to: &Url) -> bool {
    let is_move_to_tls = (from.scheme(), from.port_or_known_default()) == ("http", Some(80))
        && (to.scheme(), to.port_or_known_default()) == ("https", Some(443));
    let is_weaker = from.scheme() == "https" && to.scheme() == "http";
    from.host() == to.host()
        && !is_weaker
        && (is_move_to_tls || from.port_or_known_default() == to.port_or_known_default())
}

#[cfg(test)]
mod tests {
    use reqwest::header::AUTHORIZATION;

    use super::*;

    fn redirected(method: Method, from: &str, status: u16, to: &str) -> Result<Option<Sent>, String> {
        let headers: HeaderMap = [(AUTHORIZATION, "s"), (CONTENT_TYPE, "text/plain")]
            .map(|(name, value)| (name, value.parse().expect("a header")))
            .into_iter()
            .collect();
        let body = if method == Method::GET { Vec::new() } else { b"b".to_vec() };
        let url = Url::parse(from).expect("an address");
        let location = [(LOCATION, to.parse().expect("a header"))].into_iter().collect();
        let status = StatusCode::from_u16(status).expect("a status");
        next(&Sent { method, url, headers, body, is_bare: false }, status, &location)
    }

    #[test]
    fn headers_go_to_the_same_host_alone() {
        let cases = [
            ("http://a/x", "/y", "http://a/y", true),
            ("http://a:80/x", "http://a/y", "http://a/y", true),
            ("http://a/x", "https://a/x", "https://a/x", true),
            ("https://a/x", "http://a/x", "http://a/x", false),
            ("https://a/x", "https://a:8443/x", "https://a:8443/x", false),
            ("http://a:8080/x", "https://a/x", "https://a/x", false),
            ("https://a/x", "https://b.a/x", "https://b.a/x", false),
            ("https://a/x", "//b/x", "https://b/x", false),
            ("https://a/x", "https://u:p@a/x", "https://a/x", true),
        ];
        for (from, to, url, keeps) in cases {
            let next = redirected(Method::GET, from, 302, to).expect("a redirect").expect("a redirect");
            assert_eq!((next.url.as_str(), next.headers.contains_key(AUTHORIZATION)), (url, keeps), "{from} {to}");
            assert_eq!(next.is_bare, !keeps, "{from} {to}");
        }
    }

    #[test]
    fn a_post_becomes_a_get_as_browsers_have_it() {
        for (status, method, body) in [(301, Method::GET, 0), (303, Method::GET, 0), (307, Method::POST, 1)] {
            let next = redirected(Method::POST, "http://a/x", status, "/y").expect("a redirect").expect("a redirect");
            assert_eq!((next.method, next.body.len()), (method, body), "{status}");
        }
        let error = redirected(Method::POST, "http://a/x", 308, "http://b/y?s=1").expect_err("a body");
        assert_eq!(error, "redirects a POST to http://b/y, on another host, where its body is not sent");
    }

    #[test]
    fn only_http_is_followed() {
        assert!(redirected(Method::GET, "http://a/x", 302, "file:///etc/passwd").is_err());
        assert!(redirected(Method::GET, "http://a/x", 304, "/y").expect("no redirect").is_none());
    }
}
