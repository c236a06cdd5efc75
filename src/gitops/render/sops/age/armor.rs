//! The armor of an age file: its bytes in lines of 64 letters of Base64, between two markers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const BEGIN: &str = "-----BEGIN AGE ENCRYPTED FILE-----";
const END: &str = "-----END AGE ENCRYPTED FILE-----";
const COLUMNS: usize = 64;

/// The bytes in an armor, if there is nothing else but space around it, and one way only to write them.
pub fn open(text: &str) -> Option<Vec<u8>> {
    let mut lines = text.trim().lines();
    if lines.next() != Some(BEGIN) || lines.next_back() != Some(END) {
        return None;
    }
    let (mut body, mut is_over) = (String::new(), false);
    for line in lines {
        if is_over || line.is_empty() || line.len() > COLUMNS {
            return None;
        }
        is_over = line.len() < COLUMNS;
        body.push_str(line);
    }
    STANDARD.decode(body).ok()
}
