//! Signed decimal numbers of any length, with just the arithmetic that quantities need.
//!
//! A user may write more digits than any machine integer holds, and the result is hashed, so nothing may be lost; nor
//! may a large exponent cost memory, so the power of ten stays apart from the digits.

/// `digits × 10^exponent`, normalised: no zeros at either end, and zero has no digits, no sign and exponent 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decimal {
    negative: bool,
    /// Decimal digits (0 to 9), most significant first.
    digits: Vec<u8>,
    exponent: i64,
}

impl Decimal {
    /// A number from ASCII digits; anything else in `digits` is a mistake of the caller and counts as zero.
    pub fn new(negative: bool, digits: &str, exponent: i32) -> Self {
        let digits = digits.bytes().map(|b| b.saturating_sub(b'0').min(9)).collect();
        Self { negative, digits, exponent: i64::from(exponent) }.normalised()
    }

    fn normalised(mut self) -> Self {
        let leading = self.digits.iter().take_while(|d| **d == 0).count();
        self.digits.drain(..leading);
        while self.digits.last() == Some(&0) {
            self.digits.pop();
            self.exponent += 1;
        }
        if self.digits.is_empty() {
            self.negative = false;
            self.exponent = 0;
        }
        self
    }

    /// Whether this is zero.
    pub fn is_zero(&self) -> bool {
        self.digits.is_empty()
    }

    /// Whether the magnitude is less than one.
    pub fn is_below_one(&self) -> bool {
        self.digits.len() as i64 + self.exponent <= 0
    }

    /// This number times 1024 to the given power.
    #[must_use]
    pub fn times_1024(mut self, power: u32) -> Self {
        for _ in 0..power {
            let mut carry = 0_u32;
            for digit in self.digits.iter_mut().rev() {
                let product = u32::from(*digit) * 1024 + carry;
                *digit = (product % 10) as u8;
                carry = product / 10;
            }
            while carry > 0 {
                self.digits.insert(0, (carry % 10) as u8);
                carry /= 10;
            }
        }
        self.normalised()
    }

    /// This number rounded away from zero to a multiple of `10^exponent`.
    #[must_use]
    pub fn round_away(mut self, exponent: i32) -> Self {
        let excess = i64::from(exponent) - self.exponent;
        if self.is_zero() || excess <= 0 {
            return self;
        }
        // Digits are normalised, so what is cut off is never zero.
        let kept = self.digits.len().saturating_sub(usize::try_from(excess).unwrap_or(usize::MAX));
        self.digits.truncate(kept);
        self.exponent = i64::from(exponent);
        if let Some(at) = self.digits.iter().rposition(|d| *d != 9) {
            self.digits[at] += 1;
            self.digits[at + 1..].fill(0);
        } else {
            self.digits.fill(0);
            self.digits.insert(0, 1);
        }
        self.normalised()
    }

    /// This number times a thousand.
    #[must_use]
    pub fn thousandfold(mut self) -> Self {
        self.exponent += 3;
        self.normalised()
    }

    /// This number with its magnitude limited to `most`.
    #[must_use]
    pub fn cap(self, most: u64) -> Self {
        let limit = Self::new(self.negative, &most.to_string(), 0);
        if self.exceeds(&limit) { limit } else { self }
    }

    /// Whether the magnitude is greater than the other's.
    fn exceeds(&self, other: &Self) -> bool {
        let order = |n: &Self| n.digits.len() as i64 + n.exponent;
        // With the same order of magnitude, digits compare like words.
        !self.is_zero() && (other.is_zero() || (order(self), &self.digits) > (order(other), &other.digits))
    }

    /// The value, if it is a whole number that fits.
    pub fn to_integer(&self) -> Option<i64> {
        let zeros = usize::try_from(self.exponent).ok().filter(|zeros| *zeros < 20)?;
        let mut value = 0_i64;
        for digit in self.digits.iter().chain(std::iter::repeat_n(&0, zeros)) {
            value = value.checked_mul(10)?.checked_add(i64::from(*digit))?;
        }
        Some(if self.negative { -value } else { value })
    }

    /// Digits with sign, and an exponent that is a multiple of three.
    pub fn in_thousands(&self) -> (String, i64) {
        let zeros = self.exponent.rem_euclid(3);
        let mut text = String::from(if self.negative { "-" } else { "" });
        text.extend(self.digits.iter().map(|d| char::from(b'0' + d)));
        text.extend(std::iter::repeat_n('0', zeros as usize));
        (text, self.exponent - zeros)
    }
}
