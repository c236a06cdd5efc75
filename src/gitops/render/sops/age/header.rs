//! The header of an age file: for each recipient a stanza with the file's key wrapped for it, and a MAC under that key.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

const VERSION: &[u8] = b"age-encryption.org/v1\n";
const COLUMNS: usize = 64;
/// Stanzas that a file may have. SOPS writes a file with one for each recipient.
const MOST: usize = 20;

/// What is before the payload.
pub struct Header<'a> {
    /// For whom it is.
    pub stanzas: Vec<Stanza<'a>>,
    /// What the MAC is of.
    pub signed: &'a [u8],
    /// The MAC.
    pub mac: [u8; 32],
}

/// The file's key, wrapped for a recipient.
pub struct Stanza<'a> {
    /// The kind of recipient, and what the kind needs besides.
    pub arguments: Vec<&'a str>,
    /// The wrapped key.
    pub body: Vec<u8>,
}

/// The header of a file, and its payload. What could be written in two ways is none.
pub fn read(file: &[u8]) -> Option<(Header<'_>, &[u8])> {
    let mut rest = file.strip_prefix(VERSION)?;
    let mut stanzas = Vec::new();
    loop {
        let before = file.len() - rest.len();
        let first = line(&mut rest)?;
        if let Some(mac) = first.strip_prefix(b"--- ") {
            let mac = decode(mac)?.try_into().ok()?;
            let signed = &file[..before + b"---".len()];
            return (!stanzas.is_empty()).then_some((Header { stanzas, signed, mac }, rest));
        }
        stanzas.push(stanza(first, &mut rest)?);
        if stanzas.len() > MOST {
            return None;
        }
    }
}

fn stanza<'a>(first: &'a [u8], rest: &mut &'a [u8]) -> Option<Stanza<'a>> {
    let arguments: Vec<&str> = std::str::from_utf8(first.strip_prefix(b"-> ")?).ok()?.split(' ').collect();
    let is_one = |argument: &&str| !argument.is_empty() && argument.bytes().all(|byte| byte.is_ascii_graphic());
    if !arguments.iter().all(is_one) {
        return None;
    }
    let mut body = Vec::new();
    loop {
        let line = line(rest).filter(|line| line.len() <= COLUMNS)?;
        body.extend(decode(line)?);
        if line.len() < COLUMNS {
            return Some(Stanza { arguments, body });
        }
    }
}

fn line<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    let (line, after) = rest.split_at(end);
    *rest = &after[1..];
    Some(line)
}

/// The bytes of the Base64 that age has in headers.
pub fn decode(text: impl AsRef<[u8]>) -> Option<Vec<u8>> {
    STANDARD_NO_PAD.decode(text).ok()
}
