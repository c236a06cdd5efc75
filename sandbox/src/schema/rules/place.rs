//! The field that a rule is about: `.spec.ports` or `['a-b'].c`, seen from the rule.

use crate::schema::Schema;

/// As the API server writes it in errors; nothing if there is no such field.
pub(super) fn normal(node: &Schema, path: &str) -> Option<String> {
    let mut normal = String::new();
    let (mut node, mut rest) = (node, path);
    while !rest.is_empty() {
        let (name, after) = if let Some(quoted) = rest.strip_prefix("['") {
            in_quotes(quoted)?
        } else {
            let rest = rest.strip_prefix('.')?;
            let end = rest.find(['.', '[', ']']).unwrap_or(rest.len());
            (rest[..end].to_owned(), &rest[end..])
        };
        node = match (node.properties.is_empty(), &node.additional) {
            (false, _) => {
                if !normal.is_empty() {
                    normal.push('.');
                }
                normal.push_str(&name);
                &node.properties.get(&name)?.schema
            }
            (true, Some(values)) => {
                normal.extend(["[", &name, "]"]);
                values
            }
            (true, None) => return None,
        };
        rest = after;
    }
    Some(normal)
}

/// A name up to its closing quote and bracket, and what follows.
fn in_quotes(text: &str) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\'' => return Some((name, text[at + 1..].strip_prefix(']')?)),
            '\\' => name.push(match chars.next()?.1 {
                'a' => '\u{7}',
                'b' => '\u{8}',
                'f' => '\u{c}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'v' => '\u{b}',
                same @ ('\'' | '\\') => same,
                _ => return None,
            }),
            c => name.push(c),
        }
    }
    None
}
