//! Whether data planes have taken up what objects say.

/// What all together say: one that lags is enough for a no, and one that is silent for nothing.
pub(super) fn all(each: &[Option<bool>]) -> Option<bool> {
    if each.contains(&Some(false)) {
        return Some(false);
    }
    (!each.is_empty() && each.iter().all(Option::is_some)).then_some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_lags_is_a_no_and_one_that_is_silent_is_nothing() {
        let (yes, no) = (Some(true), Some(false));
        for (each, together) in
            [(&[][..], None), (&[yes, yes], yes), (&[yes, no], no), (&[yes, None], None), (&[None, no], no)]
        {
            assert_eq!(all(each), together, "{each:?}");
        }
    }
}
