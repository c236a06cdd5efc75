use super::super::error::Wrong;
use super::*;

#[test]
fn a_text_may_be_so_long_and_no_longer() {
    let text = secret();
    let padded =
        |length: usize| format!("{text}{}", format!("#{}\n", "x".repeat(63)).repeat((length - text.len()) / 65));
    assert!(decrypt(&padded(LONGEST), &ours()).is_ok());
    assert_eq!(refused(&padded(LONGEST + 100)), Error::TooLong);
}

#[test]
fn a_file_may_have_so_many_recipients() {
    let text = secret();
    let others = |count: usize| {
        let one = "        - {recipient: age1x, enc: x}\n".repeat(count);
        with(&text, "    age:\n", &format!("    age:\n{one}"))
    };
    assert!(decrypt(&others(99), &ours()).is_ok());
    assert!(matches!(refused(&others(100)), Error::Metadata { field, .. } if field == "sops.age"));
    let many = others(50).replace(ours().recipients().next().expect("one"), "age1other");
    assert!(refused(&many).to_string().contains("age1x, age1x, age1x, age1x, age1x and 46 more, "));
}

#[test]
fn a_text_may_be_of_so_many_files() {
    // What a file says of itself tells it from others.
    let file = |number: usize| with(&secret(), "version: ", &format!("number: {number}\n    version: "));
    let files = |count: usize| (0..count).map(file).collect::<Vec<_>>().join("---\n");
    assert!(decrypt(&files(MOST_FILES), &ours()).is_ok());
    assert!(matches!(refused(&files(MOST_FILES + 1)), Error::Document { error, .. } if *error == Error::TooMany));
}

#[test]
fn keys_may_be_so_long_together() {
    let text = secret();
    let key = "x".repeat(LONGEST_PATH / 2);
    let error = refused(&with(&text, "apiVersion:", &format!("? {key}\n: ? {key}\n  : ''\napiVersion:")));
    assert_eq!(error, value(&format!("{}…", &key[..200]), Wrong::TooDeep));
}

#[test]
fn a_deep_document_is_refused_or_decrypted_without_harm() {
    let deep = || {
        for depth in [10, 63, 64, 100, 1000, 100_000] {
            for (begin, end) in [("[", "]"), ("{a: ", "}")] {
                let text = format!("deep: {}{}\n{}", begin.repeat(depth), end.repeat(depth), secret());
                assert_eq!(decrypt(&text, &ours()).is_ok(), depth < 64, "{begin} {depth}");
            }
        }
    };
    // The reader allows 64 levels; without optimization it takes more for them than a thread has.
    let thread = std::thread::Builder::new().stack_size(16 << 20).spawn(deep).expect("a thread");
    thread.join().expect("no harm");
}

#[test]
fn a_pattern_that_takes_long_is_refused() {
    let keys: Vec<_> = (0..10_000).map(|number| format!("{}{number}: ''\n", "a".repeat(90))).collect();
    let text = format!("{}{}", keys.concat(), recorded("3.11.0", "encrypted-regex.yaml"));
    let rule = written(&text, "encrypted_regex").to_owned();
    let slow = with(&text, &rule, "'([ab]{1,50}){10}c$'");
    assert!(matches!(refused(&slow), Error::Value { why: Wrong::Pattern, .. }));
    let slower = with(&text, &rule, "'([ab]{1,50}){1000}c$'");
    assert!(matches!(refused(&slower), Error::Metadata { field, .. } if field == "sops.encrypted_regex"));
    assert!(decrypt(&text, &ours()).is_ok());
}
