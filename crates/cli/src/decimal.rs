//! Decimal texts as numbers, of whatever scale: `1` and `1.00` are the same.

use std::fmt;

/// Digits of the longest number.
const DIGITS_MAX: usize = 36;

/// A decimal number: `units` of ten to the power of minus `places`, without zeros at the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decimal {
    units: i128,
    places: u32,
}

impl Decimal {
    /// The number that a text says: digits, at most 36, with a point between them or none, and a minus or none before
    /// them.
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let plain = |it: &str| it.bytes().all(|byte| byte.is_ascii_digit());
        let ends_in_digits = !whole.is_empty() && !digits.ends_with('.');
        if !ends_in_digits || !plain(whole) || !plain(fraction) {
            return None;
        }
        if whole.len() + fraction.len() > DIGITS_MAX {
            return None;
        }
        let units: i128 = format!("{whole}{fraction}").parse().ok()?;
        let places = u32::try_from(fraction.len()).ok()?;
        Some(Self { units: if negative { -units } else { units }, places }.shortened())
    }

    fn shortened(mut self) -> Self {
        while self.places > 0 && self.units % 10 == 0 {
            self = Self { units: self.units / 10, places: self.places - 1 };
        }
        self
    }

    /// The sum, if it is not too long.
    pub fn plus(self, other: Self) -> Option<Self> {
        let places = self.places.max(other.places);
        let units = |it: Self| it.units.checked_mul(10_i128.checked_pow(places - it.places)?);
        Some(Self { units: units(self)?.checked_add(units(other)?)?, places }.shortened())
    }

    /// The difference, if it is not too long.
    pub fn minus(self, other: Self) -> Option<Self> {
        self.plus(Self { units: -other.units, ..other })
    }

    /// Whether it is nothing.
    pub const fn is_zero(self) -> bool {
        self.units == 0
    }

    /// Whether it is more than nothing.
    pub const fn is_positive(self) -> bool {
        self.units > 0
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.places as usize + 1;
        let digits = format!("{:0>width$}", self.units.unsigned_abs());
        let (whole, fraction) = digits.split_at(digits.len() - self.places as usize);
        let sign = if self.units < 0 { "-" } else { "" };
        if fraction.is_empty() {
            write!(f, "{sign}{whole}")
        } else {
            write!(f, "{sign}{whole}.{fraction}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn numbers_are_compared_by_value() {
        assert_eq!(number("1"), number("1.00"));
        assert_eq!(number("-0"), number("0.000"));
        assert_eq!(number("0010.10"), number("10.1"));
        assert_ne!(number("1"), number("10"));
        for text in ["", ".", "1.", ".5", "1e3", "+1", " 1", "--1", "1,000", &"9".repeat(37)] {
            assert_eq!(Decimal::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn sums_and_differences_are_exact() {
        let sum = |one: &str, two: &str| number(one).plus(number(two)).unwrap().to_string();
        let difference = |one: &str, two: &str| number(one).minus(number(two)).unwrap().to_string();
        assert_eq!(sum("0.1", "0.2"), "0.3");
        assert_eq!(sum("99.995", "0.005"), "100");
        assert_eq!(difference("1", "1.25"), "-0.25");
        assert_eq!(difference("100", "0.01"), "99.99");
        let long = "9".repeat(36);
        assert_eq!(number(&long).plus(number("0.0001")), None, "too long");
        assert!(difference("2", "2.0") == "0" && number("0.01").is_positive());
    }
}
