//! What age derives keys with, and opens what is under them.

use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use zeroize::Zeroizing;

/// A key of any purpose.
pub type Key = Zeroizing<[u8; 32]>;

/// A key for a purpose, from a secret.
pub fn derive(secret: &[u8], salt: &[u8], purpose: &str) -> Option<Key> {
    let mut key = Key::default();
    let derived = Salt::new(HKDF_SHA256, salt).extract(secret);
    derived.expand(&[purpose.as_bytes()], HKDF_SHA256).ok()?.fill(&mut *key).ok()?;
    Some(key)
}

/// What was sealed under a key, if it is as it was.
pub fn open(key: &Key, nonce: [u8; 12], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let key = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &**key).ok()?);
    let mut held = Zeroizing::new(sealed.to_vec());
    let length = key.open_in_place(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut held).ok()?.len();
    held.truncate(length);
    Some(held)
}
