//! A request, as far as routers look at it.

/// What routers know of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// `GET`.
    pub method: String,
    /// The host that it asks for, in lower case and without a port.
    pub host: String,
    /// The path, without the query.
    pub path: String,
    /// The parameters of the query, in their order.
    pub query: Vec<(String, String)>,
    /// The headers, with names in lower case.
    pub headers: Vec<(String, String)>,
}

impl Request {
    /// A request for a host and what stands behind it in an address, such as `/cart?size=2`.
    pub fn new(method: &str, host: &str, target: &str) -> Request {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let query = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        Request {
            method: method.to_owned(),
            host: without_port(host).trim_end_matches('.').to_ascii_lowercase(),
            path: if path.starts_with('/') { path.to_owned() } else { "/".to_owned() },
            query: query.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            headers: Vec::new(),
        }
    }

    /// The same with one more header.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Request {
        self.headers.push((name.to_ascii_lowercase(), value.to_owned()));
        self
    }

    /// A header; several of one name are one, with commas between.
    pub fn header(&self, name: &str) -> Option<String> {
        let mut all = self.headers.iter().filter(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        let first = all.next()?.clone();
        let separator = if name.eq_ignore_ascii_case("cookie") { "; " } else { "," };
        Some(all.fold(first, |joined, value| joined + separator + value))
    }

    /// A parameter of the query; the first of its name counts.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// A cookie.
    pub fn cookie(&self, name: &str) -> Option<String> {
        let all = self.header("cookie")?;
        let mut pairs = all.split(';').filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(own, _)| *own == name).map(|(_, value)| value.to_owned())
    }
}

/// `[::1]:80` is `[::1]`.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) && !name.ends_with(':') => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_apart() {
        let request = Request::new("GET", "Shop.Example.com:8080", "/cart?size=2&gift")
            .with("X-Beta", "yes")
            .with("Cookie", "a=1; b=2")
            .with("X-Beta", "no");
        assert_eq!((request.host.as_str(), request.path.as_str()), ("shop.example.com", "/cart"));
        assert_eq!((request.parameter("size"), request.parameter("gift")), (Some("2"), Some("")));
        assert_eq!(request.header("x-BETA").as_deref(), Some("yes,no"));
        assert_eq!((request.cookie("b").as_deref(), request.cookie("c")), (Some("2"), None));
        assert_eq!(Request::new("GET", "[::1]:80", "*").path, "/");
        assert_eq!(Request::new("GET", "[::1]:80", "/").host, "[::1]");
    }
}
