//! Floats as the MAC takes them: the fewest digits that give the same float, of those the nearest, and no exponent.
//!
//! That is Go's `strconv.FormatFloat(x, 'f', -1, 64)`. Rust's own digits are others where two are equally near: of
//! 644947363591795.25 it makes `….3` and not `….2`. Those of `serde_json` are Go's.

use serde_json::Number;

/// A float that is finite.
pub fn plain(number: f64) -> String {
    let written = Number::from_f64(number).map(|number| number.to_string()).unwrap_or_default();
    let (sign, digits) = written.strip_prefix('-').map_or(("", written.as_str()), |digits| ("-", digits));
    let (digits, exponent) = digits.split_once('e').unwrap_or((digits, "0"));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    // Digits behind the point, of which there are fewer than none where zeros are to be added.
    let exponent: i64 = exponent.parse().unwrap_or_default();
    let behind = fraction.len() as i64 - exponent;
    let digits = format!("{whole}{fraction}");
    let zeros = |count: i64| "0".repeat(usize::try_from(count).unwrap_or_default());
    let digits = format!("{}{digits}{}", zeros(behind + 1 - digits.len() as i64), zeros(-behind));
    let (whole, fraction) = digits.split_at(digits.len() - usize::try_from(behind).unwrap_or_default());
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    let whole = if whole.is_empty() { "0" } else { whole };
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{whole}{point}{fraction}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// As Go 1.26 writes them.
    #[test]
    fn floats_are_written_as_go_writes_them() {
        for (number, expected) in [
            ("0", "0"),
            ("-0.0", "-0"),
            ("1.0", "1"),
            ("-1.5", "-1.5"),
            ("0.1", "0.1"),
            ("1e6", "1000000"),
            ("1e21", "1000000000000000000000"),
            ("1.5e22", "15000000000000000000000"),
            ("123456.789", "123456.789"),
            ("1e-7", "0.0000001"),
            ("1.25e-10", "0.000000000125"),
            ("644947363591795.25", "644947363591795.2"),
            ("644947363591795.75", "644947363591795.8"),
            ("2251799813685248.5", "2251799813685248.5"),
            ("9007199254740993", "9007199254740992"),
            ("5e-324", &format!("0.{}5", "0".repeat(323))),
            ("1.7976931348623157e308", &format!("17976931348623157{}", "0".repeat(292))),
        ] {
            assert_eq!(plain(number.parse().expect(number)), expected, "{number}");
        }
    }

    proptest! {
        #[test]
        fn a_float_comes_back(bits in any::<u64>()) {
            let number = f64::from_bits(bits);
            prop_assume!(number.is_finite());
            let written = plain(number);
            prop_assert_eq!(written.parse::<f64>().map(f64::to_bits), Ok(bits), "{}", written);
            prop_assert!(!written.contains('e'));
        }
    }
}
