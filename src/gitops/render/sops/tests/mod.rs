//! Compares with what SOPS itself says, and spoils what it has written. How the files came about is told in `tests/sops`.

mod hostile;
mod limits;
mod recorded;
mod tampered;

use std::path::PathBuf;

use serde_json::Value;

use super::*;

/// The versions of SOPS of which there are files.
const VERSIONS: [&str; 3] = ["3.7.3", "3.11.0", "3.13.3"];
/// Words that are in nothing but encrypted values.
const SECRETS: [&str; 7] =
    ["battery staple", "c2VjcmV0", "hidden", "pässwörd", "AGE-SECRET-KEY-1P", "only some may", "ENC[AES"];

fn folder(version: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/sops/recorded", version].iter().collect()
}

fn recorded(version: &str, name: &str) -> String {
    let path = folder(version).join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The file that most tests spoil.
fn secret() -> String {
    recorded("3.11.0", "secret.yaml")
}

fn identities(file: &str) -> Identities {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests/sops", file].iter().collect();
    let mut identities = Identities::default();
    identities.add(&std::fs::read_to_string(path).expect(file)).expect(file);
    identities
}

fn ours() -> Identities {
    identities("ours.txt")
}

fn plain(text: &str) -> Vec<Value> {
    sluice_yaml::split(text).into_iter().map(|part| sluice_yaml::read(part).expect("YAML").value).collect()
}

/// Why a text is refused, which never says what is in it.
fn refused(text: &str) -> Error {
    let error = decrypt(text, &ours()).expect_err("it should be refused");
    let told = format!("{error} {error:?}");
    assert!(SECRETS.iter().all(|secret| !told.contains(secret)), "{told}");
    error
}

fn value(path: &str, why: error::Wrong) -> Error {
    Error::Value { path: path.to_owned(), why }
}

/// The value of a key, as it is written.
fn written<'a>(text: &'a str, key: &str) -> &'a str {
    let after = text.split_once(&format!(" {key}: ")).expect(key).1;
    after.split_once('\n').expect(key).0
}

/// A text with one thing in it replaced, which has to be there.
fn with(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from}");
    text.replacen(from, to, 1)
}
