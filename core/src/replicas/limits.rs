//! `maxSurge` and `maxUnavailable`, resolved against `spec.replicas`.

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

/// What a strategy uses for `maxSurge` and `maxUnavailable` when the manifest is silent: a quarter.
const DEFAULT_PERCENT: i32 = 25;

/// The band in which the number of pods may move during an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// `spec.replicas`: what the user wants to run, at least 0.
    pub replicas: i32,
    /// Pods that may exist beyond `replicas`.
    pub surge: i32,
    /// Pods of `replicas` that may be missing.
    pub unavailable: i32,
}

impl Limits {
    /// Resolves both limits as Argo Rollouts does: surge rounds up, unavailable rounds down and is at most `replicas`, and
    /// since an update could not move with both at zero, one pod may then be unavailable.
    pub fn resolve(replicas: i32, surge: Option<&IntOrString>, unavailable: Option<&IntOrString>) -> Limits {
        let replicas = replicas.max(0);
        let surge = resolve(surge, replicas, Rounding::Up);
        let mut unavailable = resolve(unavailable, replicas, Rounding::Down);
        if surge == 0 && unavailable == 0 {
            unavailable = 1;
        }
        Limits { replicas, surge, unavailable: unavailable.min(replicas) }
    }

    /// The most pods that may exist at once.
    pub fn ceiling(self) -> i32 {
        self.replicas.saturating_add(self.surge)
    }

    /// The fewest pods that must stay available.
    pub fn floor(self) -> i32 {
        (self.replicas - self.unavailable).max(0)
    }
}

#[derive(Clone, Copy)]
enum Rounding {
    Up,
    Down,
}

fn resolve(value: Option<&IntOrString>, total: i32, rounding: Rounding) -> i32 {
    match value {
        None => percent(DEFAULT_PERCENT, total, rounding),
        Some(IntOrString::Int(count)) => (*count).max(0),
        // Unparsable text was reported by validation; here it counts as the default, never as zero.
        Some(IntOrString::String(text)) => percent(parse_percent(text).unwrap_or(DEFAULT_PERCENT), total, rounding),
    }
}

/// Reads `"25%"`, and `"25"` as Argo Rollouts does: a string without the sign is a percentage too.
pub fn parse_percent(text: &str) -> Option<i32> {
    let digits = text.strip_suffix('%').unwrap_or(text);
    digits.parse::<i32>().ok().filter(|percent| *percent >= 0)
}

fn percent(percent: i32, total: i32, rounding: Rounding) -> i32 {
    let product = i64::from(percent) * i64::from(total);
    let exact = match rounding {
        Rounding::Up => product.div_euclid(100) + i64::from(product.rem_euclid(100) != 0),
        Rounding::Down => product.div_euclid(100),
    };
    i32::try_from(exact).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> IntOrString {
        IntOrString::String(value.into())
    }

    #[test]
    fn surge_rounds_up_and_unavailable_rounds_down() {
        let limits = Limits::resolve(10, Some(&text("25%")), Some(&text("25%")));
        assert_eq!((limits.surge, limits.unavailable), (3, 2));
        assert_eq!((limits.ceiling(), limits.floor()), (13, 8));
    }

    #[test]
    fn a_silent_manifest_means_a_quarter_of_each() {
        assert_eq!(Limits::resolve(2, None, None), Limits { replicas: 2, surge: 1, unavailable: 0 });
    }

    #[test]
    fn a_percentage_may_lack_its_sign() {
        assert_eq!(Limits::resolve(4, Some(&text("50")), None).surge, 2);
    }

    #[test]
    fn both_at_zero_lets_one_pod_be_missing() {
        let zero = IntOrString::Int(0);
        assert_eq!(Limits::resolve(3, Some(&zero), Some(&zero)).unavailable, 1);
        assert_eq!(Limits::resolve(0, Some(&zero), Some(&zero)).unavailable, 0);
    }

    #[test]
    fn no_more_than_everything_may_be_missing() {
        assert_eq!(Limits::resolve(2, None, Some(&IntOrString::Int(9))).unavailable, 2);
    }
}
