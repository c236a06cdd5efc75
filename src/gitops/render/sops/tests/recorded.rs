use serde_json::json;

use super::*;

#[test]
fn every_file_is_decrypted_to_what_sops_decrypts_it_to() {
    let mut compared = 0;
    for version in VERSIONS {
        for entry in std::fs::read_dir(folder(version)).expect(version) {
            let name = entry.expect(version).file_name().into_string().expect(version);
            if let Some((case, end)) = name.split_once(".plain.") {
                let encrypted = recorded(version, &format!("{case}.{end}"));
                assert!(plain(&encrypted).iter().all(is_encrypted), "{version}/{name}");
                let found = decrypt(&encrypted, &ours()).unwrap_or_else(|error| panic!("{version}/{case}: {error}"));
                assert_eq!(found, plain(&recorded(version, &name)), "{version}/{case}");
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 38);
}

#[test]
fn a_secret_is_as_it_was() {
    let found = decrypt(&secret(), &ours()).expect("it is for us");
    let expected = json!([{
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "shop", "annotations": {"note": "open to everybody"}},
        "type": "Opaque",
        "stringData": {"user": "shop", "password": "correct horse battery staple"},
        "data": {"key": "c2VjcmV0"},
    }]);
    assert_eq!(json!(found), expected);
}

#[test]
fn one_of_several_recipients_is_enough() {
    for who in ["ours.txt", "theirs.txt"] {
        assert!(decrypt(&recorded("3.13.3", "two-recipients.yaml"), &identities(who)).is_ok(), "{who}");
    }
    let mut both = ours();
    both.add(include_str!("../../../../../tests/sops/theirs.txt")).expect("identities");
    assert!(decrypt(&recorded("3.13.3", "not-for-us.yaml"), &both).is_ok());
}

#[test]
fn plain_documents_and_several_files_may_be_in_one_text() {
    let (documents, secret) = (recorded("3.11.0", "documents.yaml"), secret());
    let text = format!("kind: ConfigMap\n---\n{documents}---\n- sops\n---\n{secret}---\nsops: {{mac: x}}\n");
    let found = decrypt(&text, &ours()).expect("all of it is for us");
    let kinds: Vec<_> = found.iter().map(|one| one["kind"].as_str()).collect();
    assert_eq!(kinds, [Some("ConfigMap"), Some("Secret"), Some("Secret"), None, Some("Secret"), None]);
    assert_eq!(found[5], json!({"sops": {"mac": "x"}}));
}

#[test]
fn what_sops_has_not_encrypted_is_not_taken_for_it() {
    for (document, expected) in [
        (json!({"sops": {"mac": "x", "age": [{}]}}), true),
        (json!({"sops": {"mac": "x", "pgp": [{}], "age": []}}), true),
        (json!({"sops": {"mac": "x", "key_groups": [{}]}}), true),
        (json!({"sops": {"mac": "x", "age": []}}), false),
        (json!({"sops": {"mac": 1, "age": [{}]}}), false),
        (json!({"sops": {"age": [{}]}}), false),
        (json!({"sops": "x"}), false),
        (json!({"spec": {"sops": {"mac": "x", "age": [{}]}}}), false),
        (json!([{"sops": {"mac": "x", "age": [{}]}}]), false),
        (json!(null), false),
    ] {
        assert_eq!(is_encrypted(&document), expected, "{document}");
    }
}
