//! Digests as names of files and folders.

use sha2::{Digest as _, Sha256};

/// A digest as text.
pub fn hex(digest: &[u8]) -> String {
    digest.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// A name for a folder, out of what must not be read in it.
pub fn mark(text: &str) -> String {
    hex(&Sha256::digest(text)[..16])
}
