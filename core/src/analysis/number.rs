//! The number in what was measured, for dashboards and charts.

/// The number that a measurement stands for: the one that was measured, or the first of a list. One that is not finite says
/// nothing about a version, and spoils every sum that it is part of: it is none.
///
/// ```
/// use sluice_core::analysis::number;
///
/// assert_eq!(number("[0.97,0.5]"), Some(0.97));
/// assert_eq!(number("[NaN]"), None);
/// ```
pub fn number(value: &str) -> Option<f64> {
    let value = value.trim();
    let first = value.strip_prefix('[').map_or(Some(value), |list| list.split([',', ']']).next())?;
    first.trim().parse().ok().filter(|number: &f64| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_number_and_the_first_of_a_list_are_seen() {
        for (value, seen) in [
            ("0.97", Some(0.97)),
            (" 12 ", Some(12.0)),
            ("-1e3", Some(-1000.0)),
            ("[0.97]", Some(0.97)),
            ("[1, 2,3]", Some(1.0)),
            ("[1,2…", Some(1.0)),
            ("[]", None),
            ("[[1]]", None),
            ("", None),
            ("NaN", None),
            ("[+Inf]", None),
            ("true", None),
            ("\"0.97\"", None),
            ("{\"rate\":0.97}", None),
        ] {
            assert_eq!(number(value), seen, "{value:?}");
        }
    }
}
