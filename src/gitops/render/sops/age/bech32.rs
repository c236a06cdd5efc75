//! Bech32 (BIP 173), in which age writes its keys: what they are for, the bytes in groups of five bits, and a checksum.

const ALPHABET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const CHECKSUM: usize = 6;

/// Bytes under a prefix, which is in small letters.
pub fn encode(prefix: &str, bytes: &[u8]) -> String {
    let mut groups = regroup(bytes, 8, 5);
    let mut checked = expand(prefix);
    checked.extend(groups.iter().chain(&[0; CHECKSUM]));
    let sum = remainder(&checked) ^ 1;
    groups.extend((0..CHECKSUM).rev().map(|place| (sum >> (5 * place) & 31) as u8));
    let letters = groups.iter().map(|group| char::from(ALPHABET[usize::from(*group)]));
    format!("{prefix}1{}", letters.collect::<String>())
}

/// The bytes under a prefix, which is in small letters, if the text is all small or all capital letters and its checksum fits.
pub fn decode(text: &str, prefix: &str) -> Option<Vec<u8>> {
    let small = text.to_ascii_lowercase();
    if text != small && text != text.to_ascii_uppercase() {
        return None;
    }
    let letters = small.strip_prefix(prefix)?.strip_prefix('1')?;
    let group = |letter: u8| ALPHABET.iter().position(|known| *known == letter).map(|group| group as u8);
    let groups = letters.bytes().map(group).collect::<Option<Vec<u8>>>()?;
    let mut checked = expand(prefix);
    checked.extend(&groups);
    if remainder(&checked) != 1 {
        return None;
    }
    let data = groups.split_last_chunk::<CHECKSUM>()?.0;
    let left = data.len() * 5 % 8;
    let is_padded_by_zeros = left < 5 && data.last().is_none_or(|last| last & ((1 << left) - 1) == 0);
    is_padded_by_zeros.then(|| {
        let mut bytes = regroup(data, 5, 8);
        bytes.truncate(data.len() * 5 / 8);
        bytes
    })
}

/// Groups of so many bits as groups of other ones, the last one filled with zeros.
fn regroup(from: &[u8], bits: u32, into: u32) -> Vec<u8> {
    let (mut groups, mut held, mut count) = (Vec::new(), 0_u32, 0);
    for group in from {
        held = (held << bits | u32::from(*group)) & 0xfff;
        count += bits;
        while count >= into {
            count -= into;
            groups.push((held >> count & ((1 << into) - 1)) as u8);
        }
    }
    if count > 0 {
        groups.push((held << (into - count) & ((1 << into) - 1)) as u8);
    }
    groups
}

/// A prefix as the checksum takes it.
fn expand(prefix: &str) -> Vec<u8> {
    prefix.bytes().map(|byte| byte >> 5).chain([0]).chain(prefix.bytes().map(|byte| byte & 31)).collect()
}

/// What is left of groups after a division by the checksum's polynomial.
fn remainder(groups: &[u8]) -> u32 {
    const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    groups.iter().fold(1, |sum, group| {
        let top = sum >> 25;
        let shifted = (sum & 0x1ff_ffff) << 5 ^ u32::from(*group);
        GENERATOR.iter().enumerate().filter(|(bit, _)| top >> bit & 1 == 1).fold(shifted, |sum, (_, one)| sum ^ one)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back() {
        for length in 0..40 {
            let bytes: Vec<u8> = (0..length).map(|at: u8| at.wrapping_mul(37) + 11).collect();
            let text = encode("age", &bytes);
            assert_eq!(decode(&text, "age"), Some(bytes.clone()), "{text}");
            assert_eq!(decode(&text.to_ascii_uppercase(), "age"), Some(bytes));
        }
    }

    /// From BIP 173.
    #[test]
    fn texts_of_the_standard_are_read() {
        assert_eq!(decode("A12UEL5L", "a"), Some(Vec::new()));
        assert!(decode("split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w", "split").is_some());
        for (wrong, prefix) in [
            ("split1checkupstagehandshakeupstreamerranterredcaperred2y9e3x", "split"),
            ("Split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w", "split"),
            ("A1G7SGD8", "a"),
            ("a12uel", "a"),
            ("split1cheo2y9e2w", "split"),
            ("", "a"),
        ] {
            assert_eq!(decode(wrong, prefix), None, "{wrong}");
        }
    }
}
