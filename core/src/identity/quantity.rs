//! Kubernetes quantities (`100m`, `1Gi`, `1e3`), parsed and written as `apimachinery`'s `resource.Quantity` does.
//!
//! A pod template's hash is taken over quantities as Go writes them back: `0.001` becomes `1m` and `1024Mi` becomes
//! `1Gi`, but `1.250` stays, because Go keeps the text when a quick look says that it is canonical. That quick look is
//! observable in every hash, so it is reproduced here, together with the rounding up below a billionth, the cap of
//! binary quantities at 2^63-1, and the suffix that is lost beyond `E`.

use std::fmt;

use super::decimal::Decimal;

/// A parsed quantity. Two are equal when they name the same amount, whatever their notation.
#[derive(Debug, Clone)]
pub struct Quantity {
    amount: Decimal,
    format: Format,
    /// The text as written, where Go takes it to be canonical.
    text: Option<String>,
    /// Whether Go holds the amount in 64 bits; such an amount keeps its text when rounding has nothing to do.
    small: Option<i32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    DecimalSi,
    BinarySi,
    DecimalExponent,
}

/// The smallest power of ten that a quantity can hold.
const NANO: i32 = -9;
/// The most decimal digits that Go holds in 64 bits without looking closer.
const SMALL_DIGITS: usize = 18;
const DECIMAL_SUFFIXES: [(&str, i32); 10] =
    [("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];
const BINARY_SUFFIXES: [&str; 7] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

/// The text is not a quantity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a quantity: write a number with an optional suffix such as m, k, Mi, Gi or e3")]
pub struct NotAQuantity {
    text: String,
}

impl Quantity {
    /// Reads a quantity. White space around it is ignored, as Go does when it decodes JSON.
    pub fn parse(text: &str) -> Result<Self, NotAQuantity> {
        let trimmed = text.trim();
        Self::read(trimmed).ok_or_else(|| NotAQuantity { text: text.to_owned() })
    }

    fn read(text: &str) -> Option<Self> {
        let parts = Parts::split(text)?;
        let (base1024, exponent, format) = suffix(parts.suffix)?;
        let scale = exponent.wrapping_sub(i32::try_from(parts.fraction.len()).ok()?);
        let digits = format!("{}{}", parts.whole, parts.fraction);

        if parts.is_small(format, base1024) && scale >= NANO {
            let amount = Decimal::new(parts.negative, &digits, scale).times_1024(base1024);
            let text = (looks_canonical(format, &digits, scale) || text == "0").then(|| text.to_owned());
            return Some(Self { amount, format, text, small: Some(scale) });
        }
        let mut amount = Decimal::new(parts.negative, &digits, scale).times_1024(base1024).round_away(NANO);
        let mut format = format;
        if format == Format::BinarySi {
            amount = amount.cap(i64::MAX.unsigned_abs());
            if amount.is_below_one() {
                format = Format::DecimalSi;
            }
        }
        Some(Self { amount, format, text: None, small: None })
    }

    /// The amount in thousandths, rounded away from zero; nothing where there are too many of them.
    pub fn milli(&self) -> Option<i64> {
        self.amount.clone().thousandfold().round_away(0).to_integer()
    }

    /// Rounds up, away from zero, to thousandths: what the API server does to the resources of a pod.
    #[must_use]
    pub fn round_up_to_milli(self) -> Self {
        const MILLI: i32 = -3;
        if self.small.is_some_and(|scale| scale >= MILLI) {
            return self;
        }
        Self { amount: self.amount.round_away(MILLI), text: None, ..self }
    }

    fn write_binary(&self, f: &mut fmt::Formatter<'_>) -> Option<fmt::Result> {
        let mut amount = self.amount.to_integer().filter(|n| n.unsigned_abs() >= 1024)?;
        let mut power = 0;
        while amount % 1024 == 0 && power + 1 < BINARY_SUFFIXES.len() {
            amount /= 1024;
            power += 1;
        }
        Some(write!(f, "{amount}{}", BINARY_SUFFIXES[power]))
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(text) = &self.text {
            return f.write_str(text);
        }
        if self.amount.is_zero() {
            return f.write_str("0");
        }
        if self.format == Format::BinarySi
            && let Some(written) = self.write_binary(f)
        {
            return written;
        }
        let (digits, exponent) = self.amount.in_thousands();
        match self.format {
            Format::DecimalExponent if exponent == 0 => f.write_str(&digits),
            Format::DecimalExponent => write!(f, "{digits}e{exponent}"),
            Format::DecimalSi | Format::BinarySi => {
                // Beyond E there is no suffix, and Go writes none: 1000E comes back as 1.
                let suffix = DECIMAL_SUFFIXES
                    .iter()
                    .find(|(_, power)| i64::from(*power) == exponent)
                    .map_or("", |(name, _)| name);
                write!(f, "{digits}{suffix}")
            }
        }
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.amount == other.amount
    }
}

impl Eq for Quantity {}

/// The text of a quantity, taken apart.
struct Parts<'a> {
    negative: bool,
    /// Digits before the point without leading zeros; `0` when there are none.
    whole: &'a str,
    fraction: &'a str,
    suffix: &'a str,
}

impl<'a> Parts<'a> {
    fn split(text: &'a str) -> Option<Self> {
        if text.is_empty() {
            return None;
        }
        let negative = text.starts_with('-');
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        let (whole, rest) = split_digits(unsigned);
        let (fraction, suffix) = rest.strip_prefix('.').map_or(("", rest), split_digits);
        let letters = suffix.trim_start_matches(|c| "eEinumkKMGTP".contains(c));
        let exponent = letters.strip_prefix(['-', '+']).unwrap_or(letters);
        if !exponent.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let whole = whole.trim_start_matches('0');
        Some(Self { negative, whole: if whole.is_empty() { "0" } else { whole }, fraction, suffix })
    }

    fn is_small(&self, format: Format, base1024: u32) -> bool {
        match format {
            Format::DecimalSi | Format::DecimalExponent => self.whole.len() + self.fraction.len() <= SMALL_DIGITS,
            // Each factor of 1024 costs three digits; binary fractions are never held in 64 bits.
            Format::BinarySi => self.fraction.is_empty() && self.whole.len() + 3 * base1024 as usize <= 14,
        }
    }
}

/// Go's quick look. It errs on both sides (`1.250` passes, `8Ki` does not), which only costs Go some time, but the
/// text that passes is what gets hashed.
fn looks_canonical(format: Format, digits: &str, scale: i32) -> bool {
    match format {
        Format::BinarySi => digits.parse::<u64>().is_ok_and(|value| value & 7 != 0),
        Format::DecimalSi | Format::DecimalExponent => {
            scale % 3 == 0 && !digits.ends_with("000") && !digits.starts_with('0')
        }
    }
}

fn split_digits(text: &str) -> (&str, &str) {
    text.split_at(text.bytes().take_while(u8::is_ascii_digit).count())
}

/// What a suffix means: how many factors of 1024, which power of ten, and the notation.
fn suffix(text: &str) -> Option<(u32, i32, Format)> {
    if let Some((_, power)) = DECIMAL_SUFFIXES.iter().find(|(name, _)| *name == text) {
        return Some((0, *power, Format::DecimalSi));
    }
    if let Some(power) = BINARY_SUFFIXES.iter().position(|name| *name == text) {
        return Some((u32::try_from(power).ok()?, 0, Format::BinarySi));
    }
    let exponent: i64 = text.strip_prefix(['e', 'E'])?.parse().ok()?;
    // Go truncates to 32 bits, too.
    Some((0, exponent as i32, Format::DecimalExponent))
}
