//! The text of a rule: which expressions it has.

use serde_json::Value;

use super::Yaml;

/// The longest text of a rule.
const LONGEST: usize = 16 * 1024;

/// The expressions of a rule, as they are written.
#[derive(Debug, Default)]
pub struct Text {
    /// It is as it should be. A rule has to say when.
    pub current: String,
    /// It is on its way.
    pub in_progress: Option<String>,
    /// It has failed.
    pub failed: Option<String>,
    /// It waits for a person.
    pub suspended: Option<String>,
    /// What else there is to say.
    pub message: Option<String>,
}

impl Text {
    /// Reads them.
    pub fn read(text: &str, yaml: Yaml<'_>) -> Result<Text, String> {
        if text.len() > LONGEST {
            return Err(format!("it is longer than {} KiB", LONGEST >> 10));
        }
        let Ok(Value::Object(fields)) = yaml(text) else {
            let what = if is_script(text) { "it is a script in Lua" } else { "it is no map of expressions" };
            return Err(what.to_owned());
        };
        let (mut read, mut current) = (Text::default(), None);
        for (field, value) in fields {
            let place = match field.as_str() {
                "current" => &mut current,
                "inProgress" => &mut read.in_progress,
                "failed" => &mut read.failed,
                "suspended" => &mut read.suspended,
                "message" => &mut read.message,
                _ => {
                    return Err(format!("{field:?} is none of current, inProgress, failed, suspended and message"));
                }
            };
            *place = match value {
                Value::Null => None,
                Value::String(expression) => Some(expression),
                // `current: true` is an expression as well.
                Value::Bool(flag) => Some(flag.to_string()),
                _ => return Err(format!("{field} is no text with an expression")),
            };
        }
        read.current = current.ok_or("it does not say when an object is current")?;
        Ok(read)
    }
}

/// Whether it is one of Argo CD's scripts: they set `hs`, and return it.
pub fn is_script(text: &str) -> bool {
    text.contains("hs.") || text.lines().any(|line| line.trim_start().starts_with("return"))
}
