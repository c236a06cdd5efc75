//! How far from its weight the share of a correct split may be.

/// A split less probable than this is taken for a wrong one.
const DOUBT: f64 = 1e-6;

/// Numbers of requests, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    pub fewest: u64,
    pub most: u64,
}

impl Interval {
    /// How many of `requests` reach a destination with this weight of 100, each by chance: beyond either end with a probability
    /// below a half of `DOUBT`. This is the binomial distribution itself, no approximation of it.
    pub fn of(requests: u64, weight: i32) -> Interval {
        let share = f64::from(weight) / 100.0;
        Interval { fewest: lower(requests, share), most: requests - lower(requests, 1.0 - share) }
    }

    pub fn contains(self, requests: u64) -> bool {
        (self.fewest..=self.most).contains(&requests)
    }
}

/// The largest number that is undercut with a probability below a half of `DOUBT`.
fn lower(requests: u64, share: f64) -> u64 {
    if share <= 0.0 {
        return 0;
    }
    if share >= 1.0 {
        return requests;
    }
    let n = requests as f64;
    let odds = (share / (1.0 - share)).ln();
    // Logarithms, because the probability of none of some thousands is smaller than any number that is not zero.
    let mut exactly = n * (-share).ln_1p();
    let mut at_most = 0.0;
    for k in 0..requests {
        at_most += exactly.exp();
        if at_most >= DOUBT / 2.0 {
            return k;
        }
        let k = k as f64;
        exactly += ((n - k) / (k + 1.0)).ln() + odds;
    }
    requests
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed in whole numbers of any size.
    const KNOWN: &[(u64, i32, u64, u64)] = &[
        (10, 50, 0, 10),
        (30, 50, 3, 27),
        (100, 20, 3, 41),
        (500, 20, 59, 146),
        (2000, 1, 3, 45),
        (2000, 20, 315, 490),
        (2000, 50, 891, 1109),
        (2000, 80, 1510, 1685),
        (2500, 33, 711, 941),
    ];

    #[test]
    fn intervals_are_those_of_exact_arithmetic() {
        for &(requests, weight, fewest, most) in KNOWN {
            assert_eq!(Interval::of(requests, weight), Interval { fewest, most }, "{requests} at {weight} %");
        }
    }

    #[test]
    fn what_has_no_weight_gets_nothing_and_what_has_all_gets_everything() {
        assert_eq!(Interval::of(2000, 0), Interval { fewest: 0, most: 0 });
        assert_eq!(Interval::of(2000, 100), Interval { fewest: 2000, most: 2000 });
        assert!(!Interval::of(2000, 0).contains(1));
        assert!(!Interval::of(2000, 100).contains(1999));
    }

    #[test]
    fn the_ends_belong_to_the_interval() {
        let interval = Interval::of(2000, 20);
        assert!(interval.contains(315) && interval.contains(490));
        assert!(!interval.contains(314) && !interval.contains(491));
    }

    #[test]
    fn many_requests_do_not_underflow() {
        let interval = Interval::of(100_000, 50);
        assert_eq!(interval.fewest + interval.most, 100_000);
        assert!((49_000..50_000).contains(&interval.fewest), "{interval:?}");
    }
}
