//! Names that Kubernetes has rules for. Each rule returns what is wrong with a text, in the API server's words.

const LABEL: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const QUALIFIED: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";

/// A list of complaints about one text; empty when it is fine.
type Wrong = Vec<String>;

fn too_long(limit: usize) -> String {
    format!("must be no more than {limit} characters")
}

fn complain(wrong: bool, message: impl FnOnce() -> String) -> Option<String> {
    wrong.then(message)
}

/// Lower-case letters, digits and dashes, with a letter or digit at both ends.
fn is_label(text: &str) -> bool {
    let inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && text.bytes().all(inside) && !text.starts_with('-') && !text.ends_with('-')
}

fn is_subdomain(text: &str) -> bool {
    text.split('.').all(is_label)
}

/// The part after the slash of a qualified name, or a label's value.
fn is_qualified_part(text: &str) -> bool {
    let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    edge(bytes.first())
        && edge(bytes.last())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

/// A DNS label (RFC 1123).
pub fn dns_label(text: &str) -> Wrong {
    let long = complain(text.len() > 63, || too_long(63));
    let form = complain(!is_label(text), || {
        if is_subdomain(text) {
            return "must not contain dots".to_owned();
        }
        format!(
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and \
             end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '{LABEL}')"
        )
    });
    long.into_iter().chain(form).collect()
}

/// A DNS subdomain (RFC 1123).
pub fn dns_subdomain(text: &str) -> Wrong {
    let long = complain(text.len() > 253, || too_long(253));
    let form = complain(!is_subdomain(text), || {
        format!(
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must \
             start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
             '{LABEL}(\\.{LABEL})*')"
        )
    });
    long.into_iter().chain(form).collect()
}

/// A DNS label that starts with a letter (RFC 1035).
pub fn dns_1035_label(text: &str) -> Wrong {
    let long = complain(text.len() > 63, || too_long(63));
    let form = complain(!is_label(text) || text.as_bytes()[0].is_ascii_digit(), || {
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, \
         and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is \
         '[a-z]([-a-z0-9]*[a-z0-9])?')"
            .to_owned()
    });
    long.into_iter().chain(form).collect()
}

/// A key of labels, annotations and conditions: `name` or `prefix/name`.
pub fn qualified(text: &str) -> Wrong {
    let form = format!(
        "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character \
         (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '{QUALIFIED}')"
    );
    let parts: Vec<&str> = text.split('/').collect();
    let (mut wrong, name) = match parts.as_slice() {
        [name] => (Vec::new(), *name),
        ["", name] => (vec!["prefix part must be non-empty".to_owned()], *name),
        [prefix, name] => {
            (dns_subdomain(prefix).into_iter().map(|wrong| format!("prefix part {wrong}")).collect(), *name)
        }
        _ => {
            let prefix = "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";
            return vec![format!("a qualified name {form} {prefix}")];
        }
    };
    wrong.extend(complain(name.is_empty(), || "name part must be non-empty".to_owned()));
    wrong.extend(complain(name.len() > 63, || format!("name part {}", too_long(63))));
    wrong.extend(complain(!is_qualified_part(name), || format!("name part {form}")));
    wrong
}

/// The value of a label.
pub fn label_value(text: &str) -> Wrong {
    let long = complain(text.len() > 63, || too_long(63));
    let form = complain(!text.is_empty() && !is_qualified_part(text), || {
        format!(
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start \
             and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for \
             validation is '({QUALIFIED})?')"
        )
    });
    long.into_iter().chain(form).collect()
}

/// What is wrong with a text as a name of a kind that expressions know.
pub(crate) fn mistakes(kind: &str, text: &str) -> Wrong {
    // A prefix may end in a dash, since more comes after it.
    let whole = match text.strip_suffix('-') {
        Some(rest) if kind.ends_with("Prefix") && !rest.is_empty() => format!("{rest}a"),
        _ => text.to_owned(),
    };
    match kind.trim_end_matches("Prefix") {
        "dns1123Label" => dns_label(&whole),
        "dns1123Subdomain" => dns_subdomain(&whole),
        "dns1035Label" => dns_1035_label(&whole),
        "qualifiedName" => qualified(&whole),
        _ => label_value(&whole),
    }
}
