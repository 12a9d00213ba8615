//! LEI, ISO 17442: the name of a legal entity.

use crate::{
    BadIdentifier, Flaw, Identifier,
    identifier::{alphanumeric, code, digit, value},
};

code! {
    /// Eighteen letters and digits, two check digits (ISO 7064 mod 97-10, from 02 to 98).
    Lei, 20
}

impl Lei {
    /// Makes the LEI that begins with these 18 characters: appends the check digits.
    ///
    /// # Errors
    /// [`BadIdentifier`], as [`Lei::parse`]; the check digits cannot be wrong.
    pub fn complete(stem: &str) -> Result<Self, BadIdentifier> {
        let stem = <[u8; 18]>::try_from(stem.as_bytes())
            .map_err(|_| Identifier::Lei.with(Flaw::Length))?;
        let mut bytes = [0; 20];
        let (head, tail) = bytes.split_at_mut(18);
        head.copy_from_slice(&stem);
        tail.copy_from_slice(&check_digits(&stem));
        Self::check(&bytes).map(|()| Self(bytes))
    }

    fn check(bytes: &[u8; 20]) -> Result<(), BadIdentifier> {
        let kind = Identifier::Lei;
        let [stem @ .., tens, ones] = bytes;
        kind.each(1, stem, alphanumeric)?;
        kind.each(19, &[*tens, *ones], digit)?;
        if check_digits(stem) != [*tens, *ones] {
            return Err(kind.with(Flaw::CheckDigit { place: 19 }));
        }
        Ok(())
    }
}

/// 98 less the number, letters read as two digits and `00` appended, modulo 97.
fn check_digits(stem: &[u8; 18]) -> [u8; 2] {
    let with_zeros = stem.iter().copied().chain(*b"00");
    let rest = with_zeros.fold(0_u32, |rest, byte| {
        let shift = if digit(&byte) { 10 } else { 100 };
        rest.wrapping_mul(shift).wrapping_add(value(byte)) % 97
    });
    let check = 98_u32.wrapping_sub(rest);
    [check / 10, check % 10]
        .map(|it| char::from_digit(it, 10).and_then(|it| u8::try_from(it).ok()).unwrap_or(b'0'))
}
