//! The hash by which clients see in which version a resource is stored.

/// The first eight bytes of the SHA-256 digest, in base 64.
pub fn storage_version(group: &str, version: &str, kind: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let [first, second, ..] = sha256(format!("{group}/{version}/{kind}").as_bytes());
    let bits = (u128::from(first) << 32 | u128::from(second)) << 2;
    let letter = |place: u32| char::from(LETTERS[(bits >> (60 - 6 * place) & 63) as usize]);
    (0..11).map(letter).chain(['=']).collect()
}

/// SHA-256. The constants are the first bits of the fractional parts of roots of the first primes.
fn sha256(text: &[u8]) -> [u32; 8] {
    let primes: Vec<u32> = (2..312).filter(|n| (2..*n).all(|divisor| n % divisor != 0)).collect();
    let mut hash = [0; 8];
    for (word, prime) in hash.iter_mut().zip(&primes) {
        *word = fraction(*prime, 2);
    }
    let constants: Vec<u32> = primes.iter().map(|prime| fraction(*prime, 3)).collect();
    let mut message = text.to_vec();
    message.push(0x80);
    message.resize(message.len().next_multiple_of(64) + if message.len() % 64 > 56 { 64 } else { 0 }, 0);
    let length = message.len() - 8;
    message[length..].copy_from_slice(&(text.len() as u64 * 8).to_be_bytes());
    for block in message.chunks(64) {
        compress(&mut hash, block, &constants);
    }
    hash
}

/// The first 32 bits of the fractional part of the square or cube root.
fn fraction(prime: u32, root: u32) -> u32 {
    let target = u128::from(prime) << (32 * root);
    let (mut low, mut high) = (0_u128, 1 << 40);
    while high - low > 1 {
        let middle = u128::midpoint(low, high);
        if middle.checked_pow(root).is_some_and(|power| power <= target) { low = middle } else { high = middle }
    }
    (low & u128::from(u32::MAX)) as u32
}

#[expect(clippy::many_single_char_names, reason = "they are the names of the standard")]
fn compress(hash: &mut [u32; 8], block: &[u8], constants: &[u32]) {
    let mut words: Vec<u32> =
        block.chunks(4).map(|bytes| bytes.iter().fold(0, |word, byte| word << 8 | u32::from(*byte))).collect();
    for i in 16..64 {
        let (early, late) = (words[i - 15], words[i - 2]);
        let first = early.rotate_right(7) ^ early.rotate_right(18) ^ (early >> 3);
        let second = late.rotate_right(17) ^ late.rotate_right(19) ^ (late >> 10);
        words.push(words[i - 16].wrapping_add(first).wrapping_add(words[i - 7]).wrapping_add(second));
    }
    let mut state = *hash;
    for (word, constant) in words.iter().zip(constants) {
        let [a, b, c, d, e, f, g, h] = state;
        let sum = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
        let choice = (e & f) ^ (!e & g);
        let first = h.wrapping_add(sum).wrapping_add(choice).wrapping_add(*constant).wrapping_add(*word);
        let sum = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
        let second = sum.wrapping_add((a & b) ^ (a & c) ^ (b & c));
        state = [first.wrapping_add(second), a, b, c, d.wrapping_add(first), e, f, g];
    }
    for (word, more) in hash.iter_mut().zip(state) {
        *word = word.wrapping_add(more);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_recorded_one() {
        assert_eq!(storage_version("apps", "v1", "Deployment"), "8aSe+NMegvE=");
        assert_eq!(storage_version("argoproj.io", "v1alpha1", "Rollout"), "T0mdNo50nFA=");
        assert_eq!(sha256(&[b'a'; 60])[0], 0x11ee_3912);
    }
}
