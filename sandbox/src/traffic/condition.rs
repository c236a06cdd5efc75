//! What a rule asks of a request.

use regex::{Regex, RegexBuilder};

use super::request::Request;

/// The largest regular expression, compiled; manifests are somebody else's.
const LARGEST: usize = 1 << 20;

/// What a text has to be.
#[derive(Clone, Debug)]
pub enum Text {
    /// This one.
    Exact(String),
    /// One that begins so.
    Prefix(String),
    /// This path, or one below it.
    Below(String),
    /// One that matches as a whole.
    Regex(Regex),
    /// Anything.
    Any,
}

impl Text {
    /// One that a regular expression matches as a whole; `None` where it is none, or too large.
    pub fn regex(expression: &str) -> Option<Text> {
        compile(&format!("^(?:{expression})$"), false)
    }

    /// One that a regular expression matches from its beginning, whatever its case.
    pub fn regex_from_start(expression: &str) -> Option<Text> {
        compile(&format!("^(?:{expression})"), true)
    }

    /// One with `*` for any signs and `?` for one.
    pub fn wildcards(pattern: &str, any_case: bool) -> Option<Text> {
        let parts = pattern.chars().map(|sign| match sign {
            '*' => ".*".to_owned(),
            '?' => ".".to_owned(),
            other => regex::escape(&other.to_string()),
        });
        compile(&format!("^{}$", parts.collect::<String>()), any_case)
    }

    /// This one, whatever its case.
    pub fn in_any_case(text: &str) -> Option<Text> {
        compile(&format!("^{}$", regex::escape(text)), true)
    }

    /// A path with all that is below it.
    pub fn below(path: &str) -> Text {
        Text::Below(path.trim_end_matches('/').to_owned())
    }

    /// Whether a text is so.
    pub fn holds(&self, text: &str) -> bool {
        match self {
            Text::Exact(exact) => text == exact,
            Text::Prefix(prefix) => text.starts_with(prefix.as_str()),
            Text::Below(path) => {
                text.strip_prefix(path.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }
            Text::Regex(regex) => regex.is_match(text),
            Text::Any => true,
        }
    }
}

fn compile(expression: &str, any_case: bool) -> Option<Text> {
    let mut builder = RegexBuilder::new(expression);
    builder.size_limit(LARGEST).case_insensitive(any_case).dot_matches_new_line(true);
    builder.build().ok().map(Text::Regex)
}

/// One thing that a rule asks for.
#[derive(Clone, Debug)]
pub enum Condition {
    /// The path.
    Path(Text),
    /// The method.
    Method(Text),
    /// The host.
    Host(Text),
    /// A header, which has to be there.
    Header(String, Text),
    /// A header that must not be so.
    NotHeader(String, Text),
    /// A parameter of the query.
    Query(String, Text),
    /// Any parameter with such a name and such a value.
    AnyQuery(Text, Text),
    /// A cookie.
    Cookie(String, Text),
    /// One of several.
    Any(Vec<Condition>),
    /// What no request here has, such as the labels of a pod that sends it; and what is not understood.
    Never,
}

impl Condition {
    /// Whether a request is so.
    pub fn holds(&self, request: &Request) -> bool {
        let is = |text: &Text, value: Option<&str>| value.is_some_and(|value| text.holds(value));
        match self {
            Condition::Path(text) => text.holds(&request.path),
            Condition::Method(text) => text.holds(&request.method),
            Condition::Host(text) => text.holds(&request.host),
            Condition::Header(name, text) => is(text, request.header(name).as_deref()),
            Condition::NotHeader(name, text) => !is(text, request.header(name).as_deref()),
            Condition::Query(name, text) => is(text, request.parameter(name)),
            Condition::AnyQuery(name, text) => {
                request.query.iter().any(|(own, value)| name.holds(own) && text.holds(value))
            }
            Condition::Cookie(name, text) => is(text, request.cookie(name).as_deref()),
            Condition::Any(several) => several.iter().any(|condition| condition.holds(request)),
            Condition::Never => false,
        }
    }

    /// A condition on a text that may not be understood.
    pub fn on(text: Option<Text>, condition: impl FnOnce(Text) -> Condition) -> Condition {
        text.map_or(Condition::Never, condition)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_hold_as_their_kind_says() {
        let cases = [
            (Some(Text::Exact("/a".into())), &["/a"][..], &["/a/", "/A"][..]),
            (Some(Text::Prefix("/a".into())), &["/a", "/ab", "/a/b"], &["/", "/b"]),
            (Some(Text::below("/a")), &["/a", "/a/", "/a/b"], &["/ab", "/"]),
            (Some(Text::below("/")), &["/", "/a"], &["a"]),
            (Text::regex("a|b"), &["a", "b"], &["ab", "ba"]),
            (Text::regex_from_start("/[a-z]+"), &["/abc/d", "/ABC"], &["/1", "x/abc"]),
            (Text::wildcards("/*.jp?g", false), &["/a/b.jpeg"], &["/a/b.jpg", "/a.JPEG", "/a+jpeg"]),
            (Text::in_any_case("Yes."), &["yes.", "YES."], &["yes!", "yes"]),
            (Some(Text::Any), &["", "x"], &[]),
        ];
        for (text, these, others) in cases {
            let text = text.expect("a text");
            assert!(these.iter().all(|it| text.holds(it)), "{text:?} holds for one of {these:?} not");
            assert!(!others.iter().any(|it| text.holds(it)), "{text:?} holds for one of {others:?}");
        }
    }

    #[test]
    fn what_is_no_expression_or_too_large_a_one_is_refused() {
        for expression in ["(", "a{1000}{1000}{1000}"] {
            assert!(Text::regex(expression).is_none(), "{expression}");
        }
        assert!(!Condition::on(Text::regex("("), Condition::Path).holds(&Request::new("GET", "x", "/")));
    }
}
