//! Hosts, as manifests name them.

use std::cmp::Reverse;

/// Which hosts rules are for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// One.
    Exact(String),
    /// All of a domain, one label deep: the part from the dot on.
    Label(String),
    /// All of a domain, as deep as may be.
    Domain(String),
    /// Every one.
    Any,
}

impl Host {
    /// `*.example.com` as the Gateway API and Istio read it: also `a.b.example.com`.
    pub fn deep(text: &str) -> Host {
        Host::of(text, Host::Domain)
    }

    /// `*.example.com` as Ingresses read it: `a.example.com`, and nothing below it.
    pub fn flat(text: &str) -> Host {
        Host::of(text, Host::Label)
    }

    fn of(text: &str, wildcard: impl FnOnce(String) -> Host) -> Host {
        let text = text.to_ascii_lowercase();
        match text.strip_prefix('*') {
            _ if text.is_empty() => Host::Any,
            Some("") => Host::Any,
            Some(domain) => wildcard(domain.to_owned()),
            None => Host::Exact(text),
        }
    }

    /// Whether a host is one of them.
    pub fn holds(&self, host: &str) -> bool {
        match self {
            Host::Exact(exact) => host == exact,
            Host::Label(domain) => {
                host.strip_suffix(domain.as_str()).is_some_and(|label| !label.is_empty() && !label.contains('.'))
            }
            Host::Domain(domain) => host.strip_suffix(domain.as_str()).is_some_and(|labels| !labels.is_empty()),
            Host::Any => true,
        }
    }

    /// Order in which they are asked: what names a host better goes first.
    pub fn order(&self) -> (u8, Reverse<usize>) {
        match self {
            Host::Exact(_) => (0, Reverse(0)),
            Host::Label(domain) | Host::Domain(domain) => (1, Reverse(domain.len())),
            Host::Any => (2, Reverse(0)),
        }
    }
}

/// The hosts that both name, in the better name of the two. One that names none takes all of the other's.
pub fn shared(listener: &str, route: &[&str]) -> Vec<String> {
    let listener = if listener.is_empty() { "*" } else { listener };
    if route.is_empty() {
        return vec![listener.to_owned()];
    }
    let covers = |wide: &str, narrow: &str| wide.eq_ignore_ascii_case(narrow) || Host::deep(wide).holds(narrow);
    let both = route.iter().filter_map(|host| match () {
        () if covers(listener, host) => Some((*host).to_owned()),
        () if covers(host, listener) => Some(listener.to_owned()),
        () => None,
    });
    both.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_are_as_deep_as_their_kind() {
        let cases = [
            (Host::deep("*.example.com"), "a.example.com", true),
            (Host::deep("*.example.com"), "a.b.example.com", true),
            (Host::deep("*.example.com"), "example.com", false),
            (Host::flat("*.example.com"), "a.example.com", true),
            (Host::flat("*.example.com"), "a.b.example.com", false),
            (Host::flat(""), "anything", true),
            (Host::deep("*"), "anything", true),
            (Host::deep("A.example.com"), "a.example.com", true),
            (Host::deep("a.example.com"), "b.example.com", false),
        ];
        for (host, name, holds) in cases {
            assert_eq!(host.holds(name), holds, "{host:?} {name}");
        }
    }

    #[test]
    fn a_route_and_a_listener_share_the_better_names() {
        let cases = [
            ("", &["a.com"][..], &["a.com"][..]),
            ("", &[], &["*"]),
            ("*.a.com", &[], &["*.a.com"]),
            ("*.a.com", &["x.a.com", "b.com"], &["x.a.com"]),
            ("x.a.com", &["*.a.com"], &["x.a.com"]),
            ("x.a.com", &["y.a.com"], &[]),
            ("*.a.com", &["*.a.com"], &["*.a.com"]),
        ];
        for (listener, route, both) in cases {
            assert_eq!(shared(listener, route), both, "{listener} {route:?}");
        }
    }
}
