//! Quantities as exact numbers, to compare them.

const NANO: i128 = 1_000_000_000;

/// The amount in billionths, rounded away from zero as the API server does; nothing where the text is no quantity or does not
/// fit.
pub fn nanos(text: &str) -> Option<i128> {
    let text = text.trim();
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let end = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
    let (number, suffix) = unsigned.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if fraction.contains('.') || text.is_empty() {
        return None;
    }
    let (numerator, denominator) = unit(suffix)?;
    let digits: i128 = format!("0{whole}{fraction}").parse().ok()?;
    let scale = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let exact = digits.checked_mul(numerator)?.checked_mul(NANO)?;
    let divisor = denominator.checked_mul(scale)?;
    let mut nanos = exact / divisor + (exact % divisor).signum();
    if suffix.ends_with('i') {
        nanos = nanos.min(i128::from(i64::MAX) * NANO);
    }
    Some(if text.starts_with('-') { -nanos } else { nanos })
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
    use super::nanos;

    #[test]
    fn quantities_in_different_notations_compare_by_amount() {
        assert_eq!(nanos("0.5"), nanos("500m"));
        assert_eq!(nanos("1Gi"), nanos("1024Mi"));
        assert_eq!(nanos("1e3"), nanos("1k"));
        assert_eq!(nanos("1.5E2"), nanos("+150"));
        assert!(nanos("2") > nanos("1999m"));
        assert!(nanos("-1") < Some(0));
        assert_eq!([nanos("0.1n"), nanos("-0.1n")], [Some(1), Some(-1)], "away from zero");
        assert_eq!(nanos("100Ei"), nanos("9223372036854775807"), "binary ones end where numbers do");
    }

    #[test]
    fn what_is_no_quantity_has_no_amount() {
        for text in ["", "many", "1.2.3", "1e", "1Kib", "--1", "1 k", &"9".repeat(60), "1e99"] {
            assert_eq!(nanos(text), None, "{text}");
        }
    }
}
