//! Reads files of age (`age-encryption.org/v1`) that are encrypted for X25519 recipients and armored, as SOPS has them.
//!
//! The parts that are cryptography are aws-lc-rs's. What is here is the format, of which every value has one spelling only.

mod armor;
mod bech32;
mod cipher;
mod header;
mod identity;
mod payload;

#[cfg(test)]
mod tests;

use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use header::{Header, Stanza};
pub use identity::{Identities, Identity};

/// Why a file cannot be decrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// There is no armor.
    #[error("it is no armored age file, or it is cut off")]
    Armor,
    /// There is no header.
    #[error("its header is none of age's version 1")]
    Header,
    /// No stanza fits.
    #[error("it is not encrypted for the recipient that is named beside it")]
    Recipient,
    /// The header's MAC, or a chunk, does not fit.
    #[error("it was changed or cut off since it was encrypted")]
    Changed,
}

/// What an armored file says to an identity.
pub fn decrypt(armored: &str, identity: &Identity) -> Result<Zeroizing<Vec<u8>>, Problem> {
    open(&armor::open(armored).ok_or(Problem::Armor)?, identity)
}

fn open(file: &[u8], identity: &Identity) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let (header, payload) = header::read(file).ok_or(Problem::Header)?;
    let file_key = unwrap(&header, identity)?.ok_or(Problem::Recipient)?;
    let mac_key = cipher::derive(&file_key, &[], "header").ok_or(Problem::Changed)?;
    let mac_key = hmac::Key::new(hmac::HMAC_SHA256, &*mac_key);
    hmac::verify(&mac_key, header.signed, &header.mac).map_err(|_| Problem::Changed)?;
    payload::read(&file_key, payload).ok_or(Problem::Changed)
}

/// The key in the first stanza that fits. Stanzas of other kinds are none of ours; one of our kind that is malformed is a mistake.
fn unwrap(header: &Header<'_>, identity: &Identity) -> Result<Option<Zeroizing<Vec<u8>>>, Problem> {
    for Stanza { arguments, body } in &header.stanzas {
        if arguments.first() != Some(&"X25519") {
            continue;
        }
        let [_, share] = arguments.as_slice() else { return Err(Problem::Header) };
        let share = header::decode(share).and_then(|share| share.try_into().ok()).ok_or(Problem::Header)?;
        let wrapped = body.as_slice().try_into().map_err(|_| Problem::Header)?;
        if let Some(key) = identity.unwrap(share, wrapped) {
            return Ok(Some(key));
        }
    }
    Ok(None)
}
