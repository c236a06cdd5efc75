//! The numbers that a condition holds a result against, for charts.

use super::Condition;
use super::ast::{Expr, Kind, Unary};

impl Condition {
    /// The numbers that something which depends on `result` is compared with by its order: 0.95 of `result[0] >= 0.95`.
    pub fn limits(&self) -> Vec<f64> {
        let mut found = Vec::new();
        collect(&self.root, &mut found);
        found.sort_by(f64::total_cmp);
        found.dedup();
        found
    }
}

fn collect(expr: &Expr, found: &mut Vec<f64>) {
    match &expr.kind {
        Kind::Binary(sign, sides) if sign.is_order() => compared(sides.each_ref(), found),
        Kind::Between(terms, _) => {
            for pair in terms.windows(2) {
                compared([&pair[0], &pair[1]], found);
            }
        }
        _ => {}
    }
    for part in expr.parts() {
        collect(part, found);
    }
}

/// The length of a result is no measurement.
fn compared(sides: [&Expr; 2], found: &mut Vec<f64>) {
    let depends = |side: &Expr| {
        let counts = matches!(&side.kind, Kind::Builtin(function, _) if function.name == "len");
        !counts
            && side.any(&|part| {
                matches!(&part.kind, Kind::Name(name) if name == "result") || matches!(part.kind, Kind::Pointer(_))
            })
    };
    for (side, other) in [(sides[0], sides[1]), (sides[1], sides[0])] {
        if depends(side)
            && let Some(number) = number(other)
        {
            found.push(number);
        }
    }
}

fn number(expr: &Expr) -> Option<f64> {
    match &expr.kind {
        Kind::Int(number) => Some(*number as f64),
        Kind::Float(number) => Some(*number),
        Kind::Unary(Unary::Minus, of) => number(of).map(|number| -number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_what_a_result_is_held_against() {
        for (condition, limits) in [
            ("result[0] >= 0.95", &[0.95][..]),
            ("0.95 <= result[0]", &[0.95]),
            ("len(result) > 0 && result[0] < 500 && result[0] > -1", &[-1.0, 500.0]),
            ("asFloat(result.p99) <= 200", &[200.0]),
            ("all(result, # < 3)", &[3.0]),
            ("1 < result < 2", &[1.0, 2.0]),
            ("result == 'ok'", &[]),
            ("result[0] == 1", &[]),
            ("1 < 2", &[]),
        ] {
            assert_eq!(Condition::parse(condition).expect(condition).limits(), limits, "{condition}");
        }
    }
}
