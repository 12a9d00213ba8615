//! ISIN, ISO 6166: the name of a security.

use crate::{
    BadIdentifier, Flaw, Identifier, InstrumentId,
    country::is_country,
    identifier::{alphanumeric, code, digit, letter, value},
};

code! {
    /// Two letters of a country or agency, nine of its own, one check digit (Luhn, letters as two digits).
    Isin, 12
}

/// Prefixes that are no country of today: substitute agencies (`XA` to `XF`), international (`XS`),
/// Kosovo, digital assets (`XT`), the European Union, the derivatives service bureau, the former Antilles.
const AGENCIES: [[u8; 2]; 11] =
    [*b"AN", *b"EU", *b"EZ", *b"XA", *b"XB", *b"XC", *b"XD", *b"XF", *b"XK", *b"XS", *b"XT"];

impl Isin {
    /// Takes 12 characters.
    ///
    /// # Errors
    /// [`BadIdentifier`], as [`Isin::parse`].
    pub fn from_bytes12(bytes: [u8; 12]) -> Result<Self, BadIdentifier> {
        Self::check(&bytes).map(|()| Self(bytes))
    }

    /// Makes the ISIN that begins with these 11 characters: appends the check digit.
    ///
    /// # Errors
    /// [`BadIdentifier`], as [`Isin::parse`]; the check digit cannot be wrong.
    pub fn complete(stem: &str) -> Result<Self, BadIdentifier> {
        let stem = <[u8; 11]>::try_from(stem.as_bytes())
            .map_err(|_| Identifier::Isin.with(Flaw::Length))?;
        let [a, b, c, d, e, f, g, h, i, j, k] = stem;
        Self::from_bytes12([a, b, c, d, e, f, g, h, i, j, k, check_digit(&stem)])
    }

    /// The country or agency that gave it.
    #[must_use]
    pub const fn prefix(&self) -> [u8; 2] {
        let [a, b, ..] = self.0;
        [a, b]
    }

    fn check(bytes: &[u8; 12]) -> Result<(), BadIdentifier> {
        let kind = Identifier::Isin;
        let [stem @ .., last] = bytes;
        let [a, b, own @ ..] = stem;
        kind.each(1, &[*a, *b], letter)?;
        kind.each(3, own, alphanumeric)?;
        kind.each(12, &[*last], digit)?;
        if !is_country([*a, *b]) && !AGENCIES.contains(&[*a, *b]) {
            return Err(kind.with(Flaw::Country { place: 1 }));
        }
        if check_digit(stem) != *last {
            return Err(kind.with(Flaw::CheckDigit { place: 12 }));
        }
        Ok(())
    }
}

impl From<Isin> for InstrumentId {
    fn from(isin: Isin) -> Self {
        Self(isin.0)
    }
}

/// Luhn over the decimal digits of the characters, from the right, the rightmost one doubled.
fn check_digit(stem: &[u8; 11]) -> u8 {
    let digits = stem.iter().rev().flat_map(|byte| match value(*byte) {
        low @ 0..=9 => [Some(low), None],
        both => [Some(both % 10), Some(both / 10)],
    });
    let sum: u32 = digits
        .flatten()
        .zip([true, false].into_iter().cycle())
        .map(|(digit, doubled)| match (doubled, digit) {
            (false, any) => any,
            (true, 0..=4) => digit.wrapping_mul(2),
            (true, _) => digit.wrapping_mul(2).wrapping_sub(9),
        })
        .sum();
    let missing = 10_u32.wrapping_sub(sum % 10) % 10;
    char::from_digit(missing, 10).and_then(|it| u8::try_from(it).ok()).unwrap_or(b'0')
}
