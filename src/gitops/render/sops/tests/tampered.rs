use super::super::age::Problem;
use super::super::error::Wrong;
use super::super::file::MAC;
use super::*;

#[test]
fn a_changed_value_is_refused_and_named() {
    let text = secret();
    let data = written(&text, "password").split_once("data:").expect("data").1;
    let other = if data.starts_with('A') { "B" } else { "A" };
    let changed = with(&text, data, &format!("{other}{}", &data[1..]));
    assert_eq!(refused(&changed), value("stringData.password", Wrong::Changed));
    let shorter = with(&text, data, &data[4..]);
    assert_eq!(refused(&shorter), value("stringData.password", Wrong::Changed));
}

#[test]
fn another_type_of_value_is_refused() {
    let text = recorded("3.11.0", "types.yaml");
    let password = written(&text, "zeta");
    for (kind, expected) in [
        ("int", value("stringData.zeta", Wrong::Type)),
        ("x", value("stringData.zeta", Wrong::Type)),
        ("comment", value("stringData.zeta", Wrong::Comment)),
    ] {
        let changed = with(&text, password, &password.replace("type:str", &format!("type:{kind}")));
        assert_eq!(refused(&changed), expected);
    }
    // A whole number says the same as a float, and so does the MAC.
    let number = written(&text, "zero");
    assert!(decrypt(&with(&text, number, &number.replace("type:int", "type:float")), &ours()).is_ok());
}

#[test]
fn a_value_moved_to_another_key_is_refused() {
    let text = secret();
    let (user, password) = (written(&text, "user"), written(&text, "password"));
    assert_eq!(refused(&with(&text, password, user)), value("stringData.password", Wrong::Changed));
    let renamed = with(&text, " user: ", " name: ");
    assert_eq!(refused(&renamed), value("stringData.name", Wrong::Changed));
    let moved = with(&text, "stringData:", "data.:");
    assert_eq!(refused(&moved), value("[data.].user", Wrong::Changed));
}

#[test]
fn another_order_is_refused() {
    let text = recorded("3.11.0", "types.yaml");
    let truths: Vec<&str> = text.split_once("truths:\n").expect("truths").1.lines().take(2).collect();
    let swapped = with(&text, &truths.join("\n"), &format!("{}\n{}", truths[1], truths[0]));
    assert_eq!(refused(&swapped), Error::Mac);
    let fewer = with(&text, &format!("{}\n", truths[0]), "");
    assert_eq!(refused(&fewer), Error::Mac);
    let twice = with(&text, truths[0], &format!("{}\n{}", truths[0], truths[0]));
    assert_eq!(refused(&twice), Error::Mac);
    let (zeta, alpha) = (written(&text, "zeta"), written(&text, "alpha"));
    let keys = with(&text, &format!("zeta: {zeta}\n    alpha: {alpha}"), &format!("alpha: {alpha}\n    zeta: {zeta}"));
    assert_eq!(refused(&keys), Error::Mac);
}

#[test]
fn a_changed_mac_is_refused() {
    let text = secret();
    let mac = written(&text, "mac");
    let other = recorded("3.11.0", "encrypted-regex.yaml");
    assert_eq!(refused(&with(&text, mac, written(&other, "mac"))), value(MAC, Wrong::Changed));
    assert_eq!(refused(&with(&text, mac, "\"\"")), value(MAC, Wrong::Malformed));
    let user = written(&text, "user");
    assert_eq!(refused(&with(&text, mac, user)), value(MAC, Wrong::Changed));
}

#[test]
fn another_time_is_refused() {
    let text = secret();
    let changed = with(&text, written(&text, "lastmodified"), "\"2020-01-01T00:00:00Z\"");
    assert_eq!(refused(&changed), value(MAC, Wrong::Changed));
    let gone = with(&text, "lastmodified", "modified");
    assert!(matches!(refused(&gone), Error::Metadata { field, .. } if field == "sops.lastmodified"));
}

#[test]
fn changed_values_that_are_not_encrypted_are_refused() {
    let text = recorded("3.11.0", "types.yaml");
    for (from, to) in [
        ("open_unencrypted: not", "open_unencrypted: now"),
        ("number: 12", "number: 13"),
        ("truth: true", "truth: false"),
    ] {
        assert_eq!(refused(&with(&text, from, to)), Error::Mac, "{from}");
    }
    let text = recorded("3.11.0", "encrypted-regex.yaml");
    assert_eq!(refused(&with(&text, "name: shop", "name: other")), Error::Mac);
}

#[test]
fn where_the_mac_is_of_encrypted_values_alone_it_is_of_all_of_them() {
    let text = recorded("3.11.0", "only-encrypted.yaml");
    assert!(decrypt(&with(&text, "name: shop", "name: other"), &ours()).is_ok());
    let user = text.lines().find(|line| line.contains(" user: ")).expect("user");
    assert_eq!(refused(&with(&text, &format!("{user}\n"), "")), Error::Mac);
    assert_eq!(refused(&with(&text, "mac_only_encrypted: true", "mac_only_encrypted: false")), Error::Mac);
    let other = recorded("3.11.0", "encrypted-regex.yaml");
    assert_eq!(refused(&with(&other, "version: ", "mac_only_encrypted: true\n    version: ")), Error::Mac);
}

#[test]
fn a_plain_value_where_an_encrypted_one_should_be_is_refused() {
    let text = secret();
    let password = written(&text, "password");
    for (plain, why) in [
        ("plain", Wrong::Plain),
        ("1", Wrong::Plain),
        ("true", Wrong::Plain),
        ("ENC[AES256_GCM,data:x]", Wrong::Malformed),
        ("ENC[AES128_GCM,data:x]", Wrong::Plain),
    ] {
        assert_eq!(refused(&with(&text, password, plain)), value("stringData.password", why));
    }
    for nothing in ["\"\"", "null", "{}", "[]"] {
        assert_eq!(refused(&with(&text, password, nothing)), Error::Mac);
    }
}

#[test]
fn another_rule_is_refused() {
    let text = recorded("3.11.0", "encrypted-regex.yaml");
    let rule = written(&text, "encrypted_regex");
    assert_eq!(refused(&with(&text, rule, "^stringData$")), Error::Mac);
    assert_eq!(refused(&with(&text, "encrypted_regex", "unknown_regex")), value("apiVersion", Wrong::Plain));
    for wrong in ["'('", "[x]"] {
        assert!(
            matches!(refused(&with(&text, rule, wrong)), Error::Metadata { field, .. } if field == "sops.encrypted_regex")
        );
    }
    let two = with(&text, "encrypted_regex", "encrypted_suffix: x\n    encrypted_regex");
    assert!(matches!(refused(&two), Error::Metadata { field, .. } if field == "sops.encrypted_suffix"));
}

#[test]
fn documents_belong_together() {
    let text = recorded("3.11.0", "documents.yaml");
    let (one, two) = text.split_once("\n---\n").expect("two documents");
    assert_eq!(refused(one), Error::Mac);
    assert_eq!(refused(&format!("{two}---\n{one}\n")), Error::Mac);
    let changed = with(two, written(two, "password"), "plain");
    let error = refused(&format!("{one}\n---\n{changed}"));
    let line = one.lines().count() as u64 + 2;
    assert_eq!(error, Error::Document { line, error: Box::new(value("stringData.password", Wrong::Plain)) });
    assert!(
        error.to_string().starts_with(&format!("the document from line {line} on: stringData.password: ")),
        "{error}"
    );
}

#[test]
fn who_is_missing_an_identity_is_told_whose() {
    let text = recorded("3.11.0", "not-for-us.yaml");
    let theirs = identities("theirs.txt");
    let Error::NoIdentity(recipients) = refused(&text) else { panic!("it is for others") };
    assert_eq!(recipients, theirs.recipients().collect::<Vec<_>>());
    assert_eq!(decrypt(&text, &Identities::default()), Err(Error::NoIdentity(recipients.clone())));
    let with_pgp = with(&text, "sops:\n", "sops:\n    pgp: [{fp: ABC, enc: x}]\n");
    assert_eq!(refused(&with_pgp), Error::NoIdentity(recipients));
    let without_age = with(&with_pgp, "    age:\n", "    other:\n");
    assert_eq!(refused(&without_age), Error::NotForAge(vec!["pgp"]));
    assert!(decrypt(&with_pgp, &theirs).is_ok());
}

#[test]
fn a_key_that_is_split_is_refused() {
    let error = refused(&recorded("3.13.3", "groups.yaml"));
    assert!(error.to_string().starts_with("sops.key_groups: "), "{error}");
}

#[test]
fn a_spoilt_age_file_is_refused() {
    let text = secret();
    let field = "sops.age[0].enc".to_owned();
    let key = |problem| Error::Key { field: field.clone(), problem };
    let lines: Vec<&str> = text.lines().skip_while(|line| !line.contains("BEGIN AGE")).collect();
    let end = lines.iter().position(|line| line.contains("END AGE")).expect("an end");
    let payload = lines[end - 1].trim();
    let changed = if payload.starts_with('A') { "B" } else { "A" };
    assert_eq!(refused(&with(&text, payload, &format!("{changed}{}", &payload[1..]))), key(Problem::Changed));
    assert_eq!(refused(&with(&text, &format!("{}\n", lines[end - 1]), "")), key(Problem::Changed));
    assert_eq!(refused(&with(&text, "-----END AGE ENCRYPTED FILE-----", "")), key(Problem::Armor));
    assert_eq!(refused(&with(&text, lines[1].trim(), "!")), key(Problem::Armor));
    let none = with(&text, "enc: |", "other: |");
    assert_eq!(refused(&none), key(Problem::Armor));
    // The key of a file for somebody else, under our name.
    let other = recorded("3.11.0", "not-for-us.yaml");
    let (name, our_name) = (identities("theirs.txt"), ours());
    let name = name.recipients().next().expect("one");
    let renamed = with(&other, name, our_name.recipients().next().expect("one"));
    assert_eq!(refused(&renamed), key(Problem::Recipient));
}

#[test]
fn the_key_of_another_file_opens_nothing() {
    let (text, other) = (secret(), recorded("3.11.0", "types.yaml"));
    let ours = text.split_once("sops:\n").expect("metadata").0;
    let metadata = other.split_once("sops:\n").expect("metadata").1;
    assert_eq!(refused(&format!("{ours}sops:\n{metadata}")), value("apiVersion", Wrong::Changed));
}
