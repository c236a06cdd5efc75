//! Names and numbers that an API server makes up, the same in every run: uids and suffixes of generated names.

/// A sequence of numbers that look random and are not.
#[derive(Debug)]
pub struct Ids(u64);

/// What generated names end with: five of these.
const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

impl Ids {
    /// The sequence of this seed.
    pub fn new(seed: u64) -> Ids {
        Ids(seed)
    }

    /// `SplitMix64`.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A uid in the form of a version 4 UUID.
    pub fn uid(&mut self) -> String {
        let (a, b) = (self.next(), self.next());
        let variant = 0x8000 | ((b >> 48) & 0x3fff);
        format!(
            "{:08x}-{:04x}-4{:03x}-{variant:04x}-{:012x}",
            a >> 32,
            (a >> 16) & 0xffff,
            a & 0xfff,
            b & 0xffff_ffff_ffff
        )
    }

    /// A name that begins with this; a long beginning is cut.
    pub fn name(&mut self, prefix: &str) -> String {
        let mut name: String = prefix.chars().take(58).collect();
        let mut number = self.next();
        for _ in 0..5 {
            name.push(LETTERS[(number % LETTERS.len() as u64) as usize] as char);
            number /= LETTERS.len() as u64;
        }
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_names() {
        let (mut one, mut two) = (Ids::new(1), Ids::new(1));
        assert_eq!(one.uid(), two.uid());
        assert_eq!(one.name("web-"), two.name("web-"));
        assert_ne!(one.name("web-"), two.uid());
        assert_ne!(Ids::new(2).uid(), Ids::new(1).uid());
    }

    #[test]
    fn names_fit() {
        assert_eq!(Ids::new(1).name(&"x".repeat(80)).len(), 63);
        assert_eq!(Ids::new(1).uid().len(), 36);
    }
}
