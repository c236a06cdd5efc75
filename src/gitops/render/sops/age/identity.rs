//! Identities of age: the secret halves of X25519 keys, and what they can unwrap.

use std::fmt;

use aws_lc_rs::agreement::{PrivateKey, UnparsedPublicKey, X25519, agree};
use zeroize::Zeroizing;

use super::bech32;
use super::cipher::{Key, derive, open};

const SECRET: &str = "age-secret-key-";
const PUBLIC: &str = "age";
/// Bytes of a file's key.
const FILE_KEY: usize = 16;

/// Identities that may decrypt. What it shows of them is their public halves, and so does whatever is made of it.
#[derive(Default)]
pub struct Identities(Vec<Identity>);

/// An X25519 key.
pub struct Identity {
    key: PrivateKey,
    public: [u8; 32],
    recipient: String,
}

/// A line that is no identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "line {0} is no identity of age: each line has to be an X25519 identity (AGE-SECRET-KEY-1…), a comment (#…) or empty"
)]
pub struct NotAnIdentity(
    /// The line, from 1.
    pub usize,
);

impl Identities {
    /// Adds what `age-keygen` has written: identities line by line, comments, and empty lines.
    ///
    /// # Errors
    /// If a line is anything else; none of them is added then.
    pub fn add(&mut self, text: &str) -> Result<(), NotAnIdentity> {
        let lines = text.lines().map(str::trim).enumerate();
        let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let read = lines.map(|(at, line)| Identity::read(line).ok_or(NotAnIdentity(at + 1)));
        self.0.extend(read.collect::<Result<Vec<_>, _>>()?);
        Ok(())
    }

    /// The public halves, as `sops --age` takes them.
    pub fn recipients(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|identity| identity.recipient.as_str())
    }

    /// The identity of a recipient.
    pub fn of(&self, recipient: &str) -> Option<&Identity> {
        self.0.iter().find(|identity| identity.recipient == recipient)
    }
}

impl fmt::Debug for Identities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Identities").field(&self.recipients().collect::<Vec<_>>()).finish()
    }
}

impl Identity {
    fn read(line: &str) -> Option<Identity> {
        let secret = Zeroizing::new(bech32::decode(line, SECRET)?);
        let key = PrivateKey::from_private_key(&X25519, &secret).ok()?;
        let public: [u8; 32] = key.compute_public_key().ok()?.as_ref().try_into().ok()?;
        Some(Identity { key, public, recipient: bech32::encode(PUBLIC, &public) })
    }

    /// The key of a file, if it was wrapped for this identity, with a share that is used once.
    pub fn unwrap(&self, share: [u8; 32], wrapped: &[u8; FILE_KEY + 16]) -> Option<Zeroizing<Vec<u8>>> {
        let salt = [share, self.public].concat();
        let derive = |secret: &[u8]| derive(secret, &salt, "age-encryption.org/v1/X25519").ok_or(());
        // A share of which nothing secret can come is refused here.
        let key: Key = agree(&self.key, UnparsedPublicKey::new(&X25519, &share), (), derive).ok()?;
        open(&key, [0; 12], wrapped)
    }
}
