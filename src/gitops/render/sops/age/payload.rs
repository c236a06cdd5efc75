//! The payload of an age file: chunks of 64 KiB, each sealed under its number and whether it is the last one, so that none can be
//! left out, moved or cut off.

use zeroize::Zeroizing;

use super::cipher::{derive, open};

const NONCE: usize = 16;
const CHUNK: usize = 64 << 10;
const TAG: usize = 16;

/// What a payload says, if all of it is there. It is as long as the file at most.
pub fn read(file_key: &[u8], payload: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, mut rest) = payload.split_at_checked(NONCE)?;
    let key = derive(file_key, nonce, "payload")?;
    let mut plain = Zeroizing::new(Vec::with_capacity(rest.len()));
    for number in 0_u64.. {
        let is_last = rest.len() <= CHUNK + TAG;
        let (sealed, after) = rest.split_at(rest.len().min(CHUNK + TAG));
        let mut nonce = [0; 12];
        nonce[3..11].copy_from_slice(&number.to_be_bytes());
        nonce[11] = is_last.into();
        let chunk = open(&key, nonce, sealed)?;
        plain.extend_from_slice(&chunk);
        if is_last {
            // An empty chunk at the end would be another way to say the same.
            return (number == 0 || !chunk.is_empty()).then_some(plain);
        }
        rest = after;
    }
    None
}
