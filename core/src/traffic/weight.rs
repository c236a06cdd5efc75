//! A share of the traffic.

/// A share of the traffic, out of what all shares add up to (`maxTrafficWeight`, 100 when absent).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weight {
    value: i32,
    max: i32,
}

impl Weight {
    /// A share of `value` out of `max`, brought into its range.
    pub fn new(value: i32, max: i32) -> Weight {
        let max = max.max(1);
        Weight { value: value.clamp(0, max), max }
    }

    /// The share.
    pub fn value(self) -> i32 {
        self.value
    }

    /// What all shares add up to.
    pub fn max(self) -> i32 {
        self.max
    }

    /// What is left for the others.
    pub fn rest(self) -> i32 {
        self.max - self.value
    }
}

/// The pods that carry `weight` out of `max`, of `replicas` that carry all: rounded up, so that none carries more than its part.
pub fn pods(weight: i32, max: i32, replicas: i32) -> i32 {
    let product = i64::from(weight.max(0)) * i64::from(replicas.max(0));
    let max = i64::from(max.max(1));
    i32::try_from(product.div_euclid(max) + i64::from(product % max != 0)).unwrap_or(i32::MAX)
}

/// The weight out of `max` that `pods` carry, of `replicas` that carry all: rounded down.
pub fn carried(pods: i32, max: i32, replicas: i32) -> i32 {
    if pods >= replicas {
        return max;
    }
    let product = i64::from(pods.max(0)) * i64::from(max);
    i32::try_from(product / i64::from(replicas.max(1))).unwrap_or(max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_stays_within_its_maximum() {
        assert_eq!((Weight::new(120, 100).value(), Weight::new(-1, 100).value()), (100, 0));
        assert_eq!(Weight::new(300, 1000).rest(), 700);
    }

    #[test]
    fn a_share_of_pods_is_rounded_up_and_what_they_carry_down() {
        for (weight, max, replicas, expected) in
            [(0, 100, 10, 0), (1, 100, 10, 1), (50, 100, 3, 2), (100, 100, 7, 7), (250, 1000, 4, 1), (5, 100, 0, 0)]
        {
            assert_eq!(pods(weight, max, replicas), expected, "{weight} of {max} on {replicas} pods");
        }
        for (available, max, replicas, expected) in
            [(0, 100, 4, 0), (1, 100, 3, 33), (3, 100, 4, 75), (5, 100, 4, 100), (0, 100, 0, 100)]
        {
            assert_eq!(carried(available, max, replicas), expected, "{available} of {replicas} pods");
        }
    }
}
