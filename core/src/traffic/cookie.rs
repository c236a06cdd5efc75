//! Session affinity: whoever was sent to the canary once stays there, by a cookie that its answers carry.
//!
//! The cookie carries the revision, so that it means nothing for the next one. When the canary gets no requests any more, the route for
//! the cookie is gone, and everybody is back.

use super::Routing;
use super::routers::Client;
use super::share::literally;
use crate::api::{HeaderRoutingMatch, SessionAffinity, StringMatch};

/// How long a browser keeps the cookie where the manifest is silent: a day.
const DEFAULT_MAX_AGE: i64 = 86_400;

/// The name of the routes that are made for a rollout's cookie.
pub(super) fn route_name(client: &Client) -> String {
    format!("{}-session-affinity", client.name)
}

/// The cookie while the canary gets requests.
#[derive(Clone, Debug)]
pub(super) struct Cookie<'a> {
    pub(super) name: &'a str,
    hash: &'a str,
    max_age: i64,
}

impl<'a> Cookie<'a> {
    /// The cookie that is in force, if one is.
    pub(super) fn of(affinity: Option<&'a SessionAffinity>, routing: &'a Routing) -> Option<Cookie<'a>> {
        let affinity = affinity?;
        let hash = routing.canary.hash.as_str();
        let max_age = affinity.max_age.unwrap_or(DEFAULT_MAX_AGE);
        (routing.weight.value() > 0 && !hash.is_empty()).then_some(Cookie {
            name: &affinity.cookie_name,
            hash,
            max_age,
        })
    }

    /// The value of the header `Set-Cookie`.
    pub(super) fn set(&self) -> String {
        format!("{}={}; Path=/; Max-Age={}", self.name, self.hash, self.max_age)
    }

    /// A request that has it, among others.
    pub(super) fn among(&self) -> HeaderRoutingMatch {
        let regex = format!(r"(.*;\s*)?{}(;.*)?", literally(&format!("{}={}", self.name, self.hash)));
        let value = StringMatch { regex: Some(regex), ..StringMatch::default() };
        HeaderRoutingMatch { header_name: "cookie".to_owned(), header_value: Some(value) }
    }
}

/// Whether a header `Set-Cookie` is the one of a cookie.
pub(super) fn sets(value: &str, name: &str) -> bool {
    value.strip_prefix(name).is_some_and(|rest| rest.starts_with('='))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traffic::{Destination, Weight};

    #[test]
    fn a_cookie_is_in_force_while_the_canary_gets_requests_and_carries_its_revision() {
        let affinity = SessionAffinity { cookie_name: "v.1".into(), max_age: Some(60) };
        let routing = |weight| Routing {
            canary: Destination { service: "canary".into(), hash: "abc".into() },
            stable: Destination::default(),
            weight: Weight::new(weight, 100),
            additional: Vec::new(),
            routes: Vec::new(),
        };
        assert!(Cookie::of(Some(&affinity), &routing(0)).is_none());
        let with_weight = routing(1);
        let cookie = Cookie::of(Some(&affinity), &with_weight).expect("a cookie");
        assert_eq!(cookie.set(), "v.1=abc; Path=/; Max-Age=60");
        assert!(sets(&cookie.set(), "v.1") && !sets(&cookie.set(), "v"));
        let regex = cookie.among().header_value.and_then(|value| value.regex);
        assert_eq!(regex.as_deref(), Some(r"(.*;\s*)?v\.1=abc(;.*)?"));
    }
}
