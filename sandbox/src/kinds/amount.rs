//! Quantities as exact numbers, to compare them.

use sluice_core::identity::Quantity;

const NANO: i128 = 1_000_000_000;

/// The amount in billionths, rounded away from zero as the API server does; nothing where the text is no quantity or does not
/// fit.
pub(crate) fn nanos(text: &str) -> Option<i128> {
    // The written form has no fraction but for kept texts such as `1.250`.
    let canonical = Quantity::parse(text).ok()?.to_string();
    let end = canonical.find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | '-' | '+')).unwrap_or(canonical.len());
    let (number, suffix) = canonical.split_at(end);
    let (numerator, denominator) = unit(suffix)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    let scale = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let exact = digits.checked_mul(numerator)?.checked_mul(NANO)?;
    let divisor = denominator.checked_mul(scale)?;
    Some(exact / divisor + (exact % divisor).signum())
}

/// The amount in thousandths, rounded and cut off as the API server does; nothing where the text is no quantity.
pub(crate) fn milli(text: &str) -> Option<i64> {
    const PART: i128 = NANO / 1000;
    Quantity::parse(text).ok()?;
    let nanos = nanos(text).unwrap_or(if text.starts_with('-') { i128::MIN } else { i128::MAX });
    let milli = nanos / PART + (nanos % PART).signum();
    Some(i64::try_from(milli).unwrap_or(if milli < 0 { i64::MIN } else { i64::MAX }))
}

/// Whether the amount is a whole number.
pub(super) fn is_whole(text: &str) -> bool {
    nanos(text).is_some_and(|nanos| nanos % NANO == 0)
}

/// What a suffix multiplies with, as a fraction.
fn unit(suffix: &str) -> Option<(i128, i128)> {
    let power = |exponent: u32| 10_i128.pow(exponent);
    Some(match suffix {
        "n" => (1, power(9)),
        "u" => (1, power(6)),
        "m" => (1, power(3)),
        "" => (1, 1),
        "k" => (power(3), 1),
        "M" => (power(6), 1),
        "G" => (power(9), 1),
        "T" => (power(12), 1),
        "P" => (power(15), 1),
        "E" => (power(18), 1),
        "Ki" => (1 << 10, 1),
        "Mi" => (1 << 20, 1),
        "Gi" => (1 << 30, 1),
        "Ti" => (1 << 40, 1),
        "Pi" => (1 << 50, 1),
        "Ei" => (1 << 60, 1),
        exponent => {
            let exponent: i32 = exponent.strip_prefix(['e', 'E'])?.parse().ok()?;
            let size = 10_i128.checked_pow(exponent.unsigned_abs())?;
            if exponent < 0 { (1, size) } else { (size, 1) }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_in_different_notations_compare_by_amount() {
        assert_eq!(nanos("0.5"), nanos("500m"));
        assert_eq!(nanos("1Gi"), nanos("1024Mi"));
        assert_eq!(nanos("1e3"), nanos("1k"));
        assert!(nanos("2") > nanos("1999m"));
        assert!(nanos("-1") < Some(0));
        assert_eq!(nanos("many"), None);
    }

    #[test]
    fn thousandths_are_rounded_away_from_zero_and_end_where_numbers_end() {
        assert_eq!([milli("1500u"), milli("-1500u"), milli("2"), milli("0")], [Some(2), Some(-2), Some(2000), Some(0)]);
        assert_eq!(
            [milli("9E"), milli("-1e40"), milli("many"), milli("")],
            [Some(i64::MAX), Some(i64::MIN), None, None]
        );
    }

    #[test]
    fn only_whole_amounts_are_whole() {
        assert!(is_whole("3") && is_whole("1Ki") && is_whole("2000m"));
        assert!(!is_whole("1500m") && !is_whole("0.5"));
    }
}
