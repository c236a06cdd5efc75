//! Names of properties as CEL can say them.

const RESERVED: [&str; 21] = [
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

/// The name by which an expression selects a property; nothing if none can.
pub fn escape(name: &str) -> Option<String> {
    if RESERVED.contains(&name) {
        return Some(format!("__{name}__"));
    }
    if name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let mut escaped = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(first) = rest.chars().next() {
        let (taken, shown) = match first {
            '_' if rest.starts_with("__") => (2, "__underscores__"),
            '.' => (1, "__dot__"),
            '-' => (1, "__dash__"),
            '/' => (1, "__slash__"),
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' => (1, &rest[..1]),
            _ => return None,
        };
        escaped.push_str(shown);
        rest = &rest[taken..];
    }
    Some(escaped)
}

/// Names that are kept for later versions of the language.
pub fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name)
}
