//! The vectors of the format, and what is left of a file that is cut off. How they came about is told in `tests/sops`.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::identity::NotAnIdentity;
use super::*;

const VECTORS: &str = include_str!("../../../../../tests/sops/age.txt");

/// A file, and what is to come of it.
struct Vector {
    name: &'static str,
    about: Vec<(String, String)>,
    file: Vec<u8>,
}

impl Vector {
    fn read(line: &'static str) -> Vector {
        let (name, encoded) = line.split_once(' ').expect("a name and a file");
        let all = STANDARD.decode(encoded).expect(name);
        let end = all.windows(2).position(|two| two == b"\n\n").expect(name);
        let about = std::str::from_utf8(&all[..end]).expect(name).lines();
        let about = about.map(|line| line.split_once(": ").expect(name)).map(|(key, value)| (key.into(), value.into()));
        let mut vector = Vector { name, about: about.collect(), file: all[end + 2..].to_vec() };
        if vector.says("compressed").is_some() {
            let mut file = Vec::new();
            flate2::read::ZlibDecoder::new(vector.file.as_slice()).read_to_end(&mut file).expect(name);
            vector.file = file;
        }
        vector
    }

    fn says(&self, key: &str) -> Option<&str> {
        self.about.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    fn decrypt(&self, identity: &Identity) -> Result<Zeroizing<Vec<u8>>, Problem> {
        match self.says("armored") {
            Some(_) => {
                std::str::from_utf8(&self.file).map_err(|_| Problem::Armor).and_then(|text| decrypt(text, identity))
            }
            None => open(&self.file, identity),
        }
    }
}

fn all(identities: &Identities) -> impl Iterator<Item = &Identity> {
    identities.recipients().filter_map(|recipient| identities.of(recipient))
}

fn vectors() -> impl Iterator<Item = Vector> {
    VECTORS.lines().map(Vector::read)
}

/// Why a file is to be refused, if it is.
fn refusal(name: &str, expected: &str) -> Option<Problem> {
    Some(match (name, expected) {
        (_, "success") => return None,
        (_, "armor failure") => Problem::Armor,
        // The nonce belongs to the payload here, and the key does not come about.
        ("stream_no_nonce" | "stream_short_nonce", _) | (_, "HMAC failure" | "payload failure") => Problem::Changed,
        ("x25519_identity" | "x25519_low_order", _) | (_, "no match") => Problem::Recipient,
        (_, "header failure") => Problem::Header,
        _ => panic!("{name}: {expected}"),
    })
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

#[test]
fn the_vectors_of_the_format_are_read_or_refused() {
    assert!(vectors().count() > 90);
    for vector in vectors() {
        let mut identities = Identities::default();
        for (_, identity) in vector.about.iter().filter(|(key, _)| key == "identity") {
            identities.add(identity).expect(vector.name);
        }
        // What is no file at all is none for anybody.
        if identities.recipients().next().is_none() {
            identities.add(include_str!("../../../../../tests/sops/ours.txt")).expect(vector.name);
        }
        let found: Vec<_> = all(&identities).map(|identity| vector.decrypt(identity)).collect();
        let expected = vector.says("expect").expect(vector.name);
        let fits = match refusal(vector.name, expected) {
            Some(problem) => found.iter().all(|one| one.as_ref().err() == Some(&problem)),
            None => found.iter().flatten().any(|plain| vector.says("payload") == Some(&sha256(plain))),
        };
        assert!(fits, "{}: {expected}, and it was {:?}", vector.name, found.iter().map(|one| one.as_ref().err()));
    }
}

#[test]
fn a_file_that_is_cut_off_is_refused() {
    let vector = vectors().find(|vector| vector.name == "armor_x25519").expect("it is there");
    let mut identities = Identities::default();
    identities.add(vector.says("identity").expect("it has one")).expect("it is one");
    let text = std::str::from_utf8(&vector.file).expect("text").trim_end();
    let identity = all(&identities).next().expect("one");
    assert!(decrypt(text, identity).is_ok());
    for length in 0..text.len() {
        assert!(decrypt(&text[..length], identity).is_err(), "{length}");
    }
    let file = armor::open(text).expect("it is armored");
    for length in 0..file.len() {
        assert!(open(&file[..length], identity).is_err(), "{length}");
    }
}

#[test]
fn identities_are_read_line_by_line_and_shown_by_their_recipients() {
    let file = include_str!("../../../../../tests/sops/ours.txt");
    let secret = file.lines().last().expect("it has one");
    let recipient = file.lines().find_map(|line| line.strip_prefix("# public key: ")).expect("it is told");
    let mut identities = Identities::default();
    identities.add(&format!("\n# ours\r\n  {secret}  \r\n\n{secret}")).expect("they are identities");
    assert_eq!(identities.recipients().collect::<Vec<_>>(), [recipient, recipient]);
    assert!(identities.of(recipient).is_some());
    assert!(identities.of("age1").is_none());
    assert_eq!(format!("{identities:?}"), format!("Identities([{recipient:?}, {recipient:?}])"));
}

#[test]
fn a_line_that_is_no_identity_is_told_by_its_number_alone() {
    let secret = include_str!("../../../../../tests/sops/ours.txt").lines().last().expect("it has one");
    let cut = &secret[..secret.len() - 1];
    for wrong in [cut, "AGE-SECRET-KEY-PQ-1XYZ", "AGE-PLUGIN-YUBIKEY-1XYZ", "ssh-ed25519 AAAA", "age1xyz", "hunter2"] {
        let mut identities = Identities::default();
        let error = identities.add(&format!("# one\n{secret}\n{wrong}\n")).expect_err(wrong);
        assert_eq!(error, NotAnIdentity(3), "{wrong}");
        assert!(!format!("{error} {error:?}").contains(wrong), "{error}");
        assert_eq!(identities.recipients().count(), 0);
    }
}
