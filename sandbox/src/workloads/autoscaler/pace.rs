//! How fast a size may change: what was recommended lately, what was changed lately, and the rules about both.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::report::Condition;
use crate::read::{at, items, number, text};

/// How long a smaller size must have been wanted, unless the autoscaler says otherwise.
const DOWN_WINDOW: i64 = 300;
/// The longest window, and the longest period of a policy, in seconds.
const LONGEST: i64 = 3600;

/// What an autoscaler remembers.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// Sizes that the metrics asked for.
    recommendations: Vec<(Timestamp, i64)>,
    /// Pods that were added, or taken away where it is negative.
    changes: Vec<(Timestamp, i64)>,
}

/// The least and the most pods.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// `spec.minReplicas`.
    pub least: i64,
    /// `spec.maxReplicas`.
    pub most: i64,
}

/// A size, and the conditions that say how it came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The size.
    pub replicas: i64,
    /// Whether it had to wait.
    pub able: Condition,
    /// Whether it had to stay within limits.
    pub limited: Condition,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Up,
    Down,
}

impl History {
    /// What there was before the first look counts as recommended.
    pub fn begin(&mut self, now: Timestamp, size: i64) {
        if self.recommendations.is_empty() {
            self.recommendations.push((now, size));
        }
    }

    /// Remembers that the size was changed. Only policies ask for it.
    pub fn note(&mut self, now: Timestamp, from: i64, to: i64) {
        self.changes.push((now, to.saturating_sub(from)));
    }

    /// The size that may be, where the metrics ask for `asked`.
    pub fn settle(&mut self, behavior: &Value, bounds: Bounds, current: i64, asked: i64, now: Timestamp) -> Settled {
        let kept = since(now, LONGEST);
        self.recommendations.retain(|(at, _)| *at > kept);
        self.changes.retain(|(at, _)| *at > kept);
        let calm = self.calmed(behavior, current, asked, now);
        let able = match () {
            () if calm == asked => Condition::able("ReadyForNewScale", "recommended size matches current size"),
            () if !behavior.is_null() && asked >= current => Condition::able(
                "ScaleUpStabilized",
                "recent recommendations were lower than current one, applying the lowest recent recommendation",
            ),
            () => Condition::able(
                "ScaleDownStabilized",
                "recent recommendations were higher than current one, applying the highest recent recommendation",
            ),
        };
        self.recommendations.push((now, asked));
        let (replicas, limit) = self.limited(behavior, bounds, current, calm, now);
        Settled { replicas, able, limited: limit.condition(replicas != calm) }
    }

    /// What has been wanted for long enough.
    fn calmed(&self, behavior: &Value, current: i64, asked: i64, now: Timestamp) -> i64 {
        let within = |seconds: i64| {
            let from = since(now, seconds);
            self.recommendations.iter().filter(move |(at, _)| *at > from).map(|(_, size)| *size)
        };
        let highest = |seconds| within(seconds).fold(asked, i64::max);
        if behavior.is_null() {
            return highest(DOWN_WINDOW);
        }
        let window = |direction: &str, otherwise| {
            number(behavior, &format!("{direction}.stabilizationWindowSeconds")).unwrap_or(otherwise)
        };
        let lowest = within(window("scaleUp", 0)).fold(asked, i64::min);
        current.max(lowest).min(highest(window("scaleDown", DOWN_WINDOW)))
    }

    /// What the policies allow, and which limit that is.
    fn limited(&self, behavior: &Value, bounds: Bounds, current: i64, wanted: i64, now: Timestamp) -> (i64, Limit) {
        if behavior.is_null() {
            // At most twice as many, but four in any case.
            let fastest = current.saturating_mul(2).max(4);
            if wanted < bounds.least {
                return (bounds.least, Limit::Least);
            }
            return if wanted <= bounds.most.min(fastest) {
                (wanted, Limit::None)
            } else if bounds.most > fastest {
                (fastest, Limit::Up)
            } else {
                (bounds.most, Limit::Most)
            };
        }
        if wanted > current {
            let fastest = self.fastest(Direction::Up, at(behavior, "scaleUp"), current, now).max(current);
            if wanted > bounds.most.min(fastest) {
                return if bounds.most > fastest { (fastest, Limit::Up) } else { (bounds.most, Limit::Most) };
            }
        } else if wanted < current {
            let fastest = self.fastest(Direction::Down, at(behavior, "scaleDown"), current, now).min(current);
            if wanted < bounds.least.max(fastest) {
                return if bounds.least < fastest { (fastest, Limit::Down) } else { (bounds.least, Limit::Least) };
            }
        }
        (wanted, Limit::None)
    }

    /// The farthest size that the policies of a direction allow.
    fn fastest(&self, direction: Direction, rules: &Value, current: i64, now: Timestamp) -> i64 {
        let select = text(rules, "selectPolicy");
        if select == "Disabled" {
            return current;
        }
        let sizes = items(rules, "policies").iter().map(|policy| {
            let from = since(now, number(policy, "periodSeconds").unwrap_or(0));
            let changed: i64 = self.changes.iter().filter(|(at, _)| *at > from).map(|(_, change)| change).sum();
            let start = current.saturating_sub(changed);
            let value = number(policy, "value").unwrap_or(0);
            match (text(policy, "type"), direction) {
                ("Pods", Direction::Up) => start.saturating_add(value),
                ("Pods", Direction::Down) => start.saturating_sub(value),
                (_, Direction::Up) => (start as f64 * (1.0 + value as f64 / 100.0)).ceil() as i64,
                (_, Direction::Down) => (start as f64 * (1.0 - value as f64 / 100.0)) as i64,
            }
        });
        // The most change is the largest size on the way up, and the smallest on the way down.
        let farthest = if (select == "Min") == (direction == Direction::Up) { sizes.min() } else { sizes.max() };
        farthest.unwrap_or(current)
    }
}

fn since(now: Timestamp, seconds: i64) -> Timestamp {
    now.saturating_sub(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MIN)
}

/// What a size was limited by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Limit {
    None,
    Up,
    Down,
    Least,
    Most,
}

impl Limit {
    fn condition(self, is_limited: bool) -> Condition {
        let (reason, message) = match self {
            Limit::None => ("DesiredWithinRange", "the desired count is within the acceptable range"),
            Limit::Up => ("ScaleUpLimit", "the desired replica count is increasing faster than the maximum scale rate"),
            Limit::Down => {
                ("ScaleDownLimit", "the desired replica count is decreasing faster than the maximum scale rate")
            }
            Limit::Least => ("TooFewReplicas", "the desired replica count is less than the minimum replica count"),
            Limit::Most => ("TooManyReplicas", "the desired replica count is more than the maximum replica count"),
        };
        Condition::new("ScalingLimited", is_limited, reason, message)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const BOUNDS: Bounds = Bounds { least: 1, most: 100 };

    fn moment(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).expect("a time")
    }

    /// The sizes that come of what is asked for, each at its second, and the reasons given.
    fn sizes(behavior: &Value, first: i64, asked: &[(i64, i64)]) -> Vec<(i64, &'static str, &'static str)> {
        let (mut history, mut current) = (History::default(), first);
        history.begin(moment(0), first);
        let settle = |(second, asked): &(i64, i64)| {
            let settled = history.settle(behavior, BOUNDS, current, *asked, moment(*second));
            history.note(moment(*second), current, settled.replicas);
            current = settled.replicas;
            (settled.replicas, settled.able.reason, settled.limited.reason)
        };
        asked.iter().map(settle).collect()
    }

    fn policies(direction: &str, select: &str, policies: Value) -> Value {
        let mut behavior =
            json!({ "scaleUp": { "stabilizationWindowSeconds": 0 }, "scaleDown": { "stabilizationWindowSeconds": 0 } });
        behavior[direction]["selectPolicy"] = json!(select);
        behavior[direction]["policies"] = policies;
        behavior
    }

    #[test]
    fn without_a_behavior_pods_go_when_nobody_has_wanted_them_for_five_minutes() {
        let asked = [(0, 2), (299, 2), (300, 2), (301, 1), (601, 1)];
        let sizes = sizes(&Value::Null, 4, &asked);
        assert_eq!(sizes.iter().map(|(size, ..)| *size).collect::<Vec<_>>(), [4, 4, 2, 2, 1]);
        assert_eq!(sizes[0].1, "ScaleDownStabilized");
        assert_eq!(sizes[2].1, "ReadyForNewScale");
    }

    #[test]
    fn without_a_behavior_pods_double_at_most() {
        assert_eq!(sizes(&Value::Null, 1, &[(0, 50)]), [(4, "ReadyForNewScale", "ScaleUpLimit")]);
        assert_eq!(sizes(&Value::Null, 5, &[(0, 50), (1, 50)])[1], (20, "ReadyForNewScale", "ScaleUpLimit"));
        assert_eq!(sizes(&Value::Null, 60, &[(0, 150)])[0], (100, "ReadyForNewScale", "TooManyReplicas"));
        assert_eq!(sizes(&Value::Null, 1, &[(0, 0)])[0], (1, "ScaleDownStabilized", "DesiredWithinRange"));
    }

    #[test]
    fn policies_count_what_was_changed_within_their_period() {
        let four = json!([{ "type": "Pods", "value": 4, "periodSeconds": 15 }]);
        let sizes = sizes(&policies("scaleUp", "Max", four), 1, &[(0, 50), (14, 50), (15, 50)]);
        assert_eq!(sizes.iter().map(|(size, ..)| *size).collect::<Vec<_>>(), [5, 5, 9]);
        assert_eq!(sizes[1].2, "ScaleUpLimit");
    }

    #[test]
    fn of_several_policies_the_most_or_the_least_change_counts() {
        let two = || json!([{ "type": "Pods", "value": 2, "periodSeconds": 60 }, { "type": "Percent", "value": 75, "periodSeconds": 60 }]);
        for (direction, select, asked, size) in [
            ("scaleUp", "Max", 90, 18),
            ("scaleUp", "Min", 90, 12),
            ("scaleUp", "Disabled", 90, 10),
            ("scaleDown", "Max", 1, 2),
            ("scaleDown", "Min", 1, 8),
            ("scaleDown", "Disabled", 1, 10),
        ] {
            let settled = sizes(&policies(direction, select, two()), 10, &[(0, asked)]);
            assert_eq!(settled[0].0, size, "{direction} {select}");
        }
    }

    #[test]
    fn a_window_upwards_takes_the_lowest_that_was_asked_for() {
        let behavior = json!({ "scaleUp": { "stabilizationWindowSeconds": 60, "policies": [{ "type": "Pods", "value": 100, "periodSeconds": 1 }] } });
        let sizes = sizes(&behavior, 2, &[(1, 9), (59, 5), (60, 9), (120, 9)]);
        assert_eq!(sizes[0], (2, "ScaleUpStabilized", "DesiredWithinRange"));
        assert_eq!(sizes.iter().map(|(size, ..)| *size).collect::<Vec<_>>(), [2, 2, 5, 9]);
    }
}
