//! Which series a selector is for.

use regex::{Regex, RegexBuilder};

use super::Labels;

/// The most memory that one pattern may take, in bytes.
const LARGEST_PATTERN: usize = 1 << 18;

/// One condition on a label.
#[derive(Clone, Debug)]
pub struct Matcher {
    label: String,
    test: Test,
}

#[derive(Clone, Debug)]
enum Test {
    Is(String),
    IsNot(String),
    Matches(Regex),
    MatchesNot(Regex),
}

impl Matcher {
    /// `label = "value"` and its like; a pattern is for the whole value.
    pub fn new(label: &str, operator: &str, value: &str) -> Result<Matcher, String> {
        let pattern = || {
            let built = RegexBuilder::new(&format!("^(?s:{value})$")).size_limit(LARGEST_PATTERN).build();
            built.map_err(|error| format!("error parsing regexp {value:?}: {}", one_line(&error)))
        };
        let test = match operator {
            "=" => Test::Is(value.to_owned()),
            "!=" => Test::IsNot(value.to_owned()),
            "=~" => Test::Matches(pattern()?),
            "!~" => Test::MatchesNot(pattern()?),
            other => return Err(format!("unexpected {other:?} in label matching, expected one of =, !=, =~ and !~")),
        };
        Ok(Matcher { label: label.to_owned(), test })
    }

    /// Whether it is for series that do not have the label at all.
    pub fn takes_nothing(&self) -> bool {
        self.takes("")
    }

    fn takes(&self, value: &str) -> bool {
        match &self.test {
            Test::Is(wanted) => value == wanted,
            Test::IsNot(unwanted) => value != unwanted,
            Test::Matches(pattern) => pattern.is_match(value),
            Test::MatchesNot(pattern) => !pattern.is_match(value),
        }
    }

    /// Whether it is for this series. A label that is not there is empty.
    pub fn is_for(&self, labels: &Labels) -> bool {
        self.takes(labels.get(&self.label).map_or("", String::as_str))
    }
}

fn one_line(error: &regex::Error) -> String {
    let text = error.to_string();
    text.lines().last().unwrap_or_default().trim().trim_start_matches("error: ").to_owned()
}
