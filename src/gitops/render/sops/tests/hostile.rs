use proptest::prelude::*;

use super::*;

/// Something like a file of SOPS.
fn like_a_file() -> impl Strategy<Value = String> {
    let values = prop::collection::vec(
        ("[a-z.:]{0,4}", "(ENC\\[AES256_GCM,)?(data:|iv:|tag:|type:|[a-zA-Z0-9+/=,\\]]){0,8}"),
        0..6,
    );
    let field = prop_oneof![
        "(enc|mac|age|lastmodified|encrypted_regex|mac_only_encrypted|pgp): .{0,40}",
        "age: \\[\\{recipient: .{0,20}, enc: .{0,40}\\}\\]",
    ];
    (values, prop::collection::vec(field, 0..5)).prop_map(|(values, fields)| {
        let values = values.into_iter().map(|(key, value)| format!("{key}: {value:?}\n")).collect::<Vec<_>>().concat();
        format!("{values}sops:\n    mac: ''\n    {}\n", fields.join("\n    "))
    })
}

/// A value without what says nothing, of which the MAC knows nothing.
fn of_what_counts(value: Value) -> Value {
    let counts = |value: &Value| !matches!(value.to_string().as_str(), "null" | "\"\"" | "{}" | "[]");
    match value {
        Value::Object(map) => {
            let entries = map.into_iter().map(|(key, value)| (key, of_what_counts(value)));
            Value::Object(entries.filter(|(_, value)| counts(value)).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(of_what_counts).filter(counts).collect()),
        other => other,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_brings_it_down(text in any::<String>()) {
        let _ = decrypt(&text, &ours());
        let _ = Identities::default().add(&text);
    }

    #[test]
    fn nothing_like_a_file_brings_it_down(text in like_a_file()) {
        let _ = decrypt(&text, &ours());
    }

    #[test]
    fn no_age_file_brings_it_down(body in "[A-Za-z0-9+/=\\->\n ]{0,200}", version in any::<bool>()) {
        let version = if version { "YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSBOLy9Lb09MUjdDQk8yTVVn\n" } else { "" };
        let text = secret();
        let begin = text.find("-----BEGIN").expect("it is there");
        let armored = format!("-----BEGIN AGE ENCRYPTED FILE-----\n{version}{body}\n-----END AGE ENCRYPTED FILE-----\n");
        let indented = armored.lines().map(|line| format!("            {line}\n")).collect::<Vec<_>>().concat();
        let end = text.find("    lastmodified").expect("it is there");
        let text = format!("{}{}{}", text[..begin].trim_end_matches(' '), indented, &text[end..]);
        prop_assert!(decrypt(&text, &ours()).is_err());
    }

    /// All of its values are encrypted: what is changed is refused, unless it means the same, or is no file of SOPS any more.
    #[test]
    fn a_spoilt_file_is_refused(at in any::<prop::sample::Index>(), length in 0..3_usize, other in "[ -~\n]{0,3}") {
        let text = secret();
        let at = at.index(text.len() - length);
        let spoilt = format!("{}{other}{}", &text[..at], &text[at + length..]);
        let whole = decrypt(&text, &ours()).expect("it is for us");
        if let Ok(found) = decrypt(&spoilt, &ours()) {
            let encrypted = plain(&spoilt).iter().filter(|document| is_encrypted(document)).count();
            let found: Vec<_> = found.into_iter().map(of_what_counts).collect();
            prop_assert!(encrypted == 0 || found == whole, "{:?}", found);
        }
    }
}
