//! Quantities as exact numbers, to compare them.

pub(crate) use sluice_cel::amount::nanos;
use sluice_core::identity::Quantity;

const NANO: i128 = 1_000_000_000;

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

#[cfg(test)]
mod tests {
    use super::*;

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
