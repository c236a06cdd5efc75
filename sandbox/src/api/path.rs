//! Paths and queries of requests.

use crate::refusal::Refusal;

/// What a path of the resource API names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// The group; empty for the core.
    pub group: String,
    /// The version.
    pub version: String,
    /// The namespace, where the path has one.
    pub namespace: Option<String>,
    /// The resource.
    pub plural: String,
    /// The name, where the path has one.
    pub name: Option<String>,
    /// The subresource, where the path has one.
    pub subresource: Option<String>,
    /// The old way to ask for a watch: `watch` before the rest.
    pub watch: bool,
}

impl Path {
    /// Reads `/api/v1/...` and `/apis/GROUP/VERSION/...`; `None` for every other path, and for those that name no resource.
    pub fn parse(path: &str) -> Option<Path> {
        let segments: Vec<String> = path.split('/').filter(|segment| !segment.is_empty()).map(decode).collect();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let (group, version, rest) = match &segments[..] {
            ["api", version, rest @ ..] => ("", *version, rest),
            ["apis", group, version, rest @ ..] => (*group, *version, rest),
            _ => return None,
        };
        let (watch, rest) = match rest {
            ["watch", rest @ ..] => (true, rest),
            rest => (false, rest),
        };
        let text = |text: &str| Some(text.to_owned());
        let (namespace, plural, name, subresource) = match rest {
            ["namespaces", name, sub @ ("status" | "finalize")] => (None, "namespaces", text(name), text(sub)),
            ["namespaces", namespace, plural] => (text(namespace), *plural, None, None),
            ["namespaces", namespace, plural, name] => (text(namespace), *plural, text(name), None),
            ["namespaces", namespace, plural, name, sub] => (text(namespace), *plural, text(name), text(sub)),
            [plural] => (None, *plural, None, None),
            [plural, name] => (None, *plural, text(name), None),
            [plural, name, sub] => (None, *plural, text(name), text(sub)),
            _ => return None,
        };
        Some(Path {
            group: group.to_owned(),
            version: version.to_owned(),
            namespace,
            plural: plural.to_owned(),
            name,
            subresource,
            watch,
        })
    }
}

/// The query of a request.
#[derive(Clone, Debug, Default)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads `a=b&c=d`.
    pub fn parse(query: &str) -> Query {
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        Query(
            pairs
                .map(|pair| {
                    let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                    (decode(&key.replace('+', " ")), decode(&value.replace('+', " ")))
                })
                .collect(),
        )
    }

    /// A value; empty where there is none.
    pub fn get(&self, key: &str) -> &str {
        self.0.iter().find(|(name, _)| name == key).map_or("", |(_, value)| value)
    }

    /// All values under a key.
    pub fn all(&self, key: &str) -> Vec<&str> {
        self.0.iter().filter(|(name, _)| name == key).map(|(_, value)| value.as_str()).collect()
    }

    /// Whether there is a value, even an empty one.
    pub fn has(&self, key: &str) -> bool {
        self.0.iter().any(|(name, _)| name == key)
    }

    /// Whether a flag is set: whatever is not false is true.
    pub fn is_set(&self, key: &str) -> bool {
        self.has(key) && self.get(key) != "0" && !self.get(key).eq_ignore_ascii_case("false")
    }

    /// A number, where there is one.
    pub fn number(&self, key: &str) -> Result<Option<u64>, Refusal> {
        match self.get(key) {
            "" => Ok(None),
            text => {
                let number = text
                    .parse()
                    .map_err(|_| Refusal::bad_request(format!("strconv.ParseInt: parsing {text:?}: invalid syntax")))?;
                Ok(Some(number))
            }
        }
    }
}

/// Undoes percent-encoding; what is no UTF-8 is replaced.
pub fn decode(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let [first, after @ ..] = rest {
        let hex = after.get(..2).filter(|_| *first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        if let Some(byte) = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            bytes.push(byte);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_resources() {
        let parts = |path: &str| {
            let p = Path::parse(path)?;
            let text = |option: Option<String>| option.unwrap_or_else(|| "-".into());
            Some([p.group, p.version, text(p.namespace), p.plural, text(p.name), text(p.subresource)].join(" "))
        };
        for (path, expected) in [
            ("/api/v1/pods", " v1 - pods - -"),
            ("/api/v1/namespaces", " v1 - namespaces - -"),
            ("/api/v1/namespaces/shop", " v1 - namespaces shop -"),
            ("/api/v1/namespaces/shop/status", " v1 - namespaces shop status"),
            ("/api/v1/namespaces/shop/pods", " v1 shop pods - -"),
            ("/apis/apps/v1/namespaces/shop/replicasets/web/scale", "apps v1 shop replicasets web scale"),
            (
                "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/a.b/status",
                "apiextensions.k8s.io v1 - customresourcedefinitions a.b status",
            ),
        ] {
            assert_eq!(parts(path).as_deref(), Some(expected), "{path}");
        }
        for path in ["/", "/api", "/api/v1", "/apis/apps/v1", "/version", "/api/v1/a/b/c/d/e/f"] {
            assert_eq!(parts(path), None, "{path}");
        }
    }

    #[test]
    fn queries_are_decoded() {
        let query = Query::parse("labelSelector=app%20in%20%28a%2Cb%29&watch=true&limit=5&x&force=False");
        assert_eq!(query.get("labelSelector"), "app in (a,b)");
        assert!(query.is_set("watch") && query.is_set("x") && !query.is_set("force") && !query.is_set("y"));
        assert_eq!(query.number("limit"), Ok(Some(5)));
        assert!(query.number("watch").is_err());
        assert_eq!(decode("100%"), "100%");
    }
}
