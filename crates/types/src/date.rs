//! Calendar dates of the market: trade dates, settlement dates, record dates.

use alloc::vec::Vec;

use crate::{
    BadIdentifier, DecodeError, Flaw, Identifier, Reader, Wire,
    identifier::{digit, value},
};

/// A date of the proleptic Gregorian calendar, from 1970-01-01 to 9999-12-31: days since the first.
///
/// Whether the market is open on it, the market's calendar says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BusinessDate(pub u32);

/// Days of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "their names say it")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

/// Days in 400 years.
const CYCLE: u64 = 146_097;

/// Days from the first of March of the year 0 to 1970-01-01. Years that begin in March end with the leap day.
const EPOCH: u64 = 719_468;

impl BusinessDate {
    /// 9999-12-31, the last that ISO 8601 writes with four digits.
    pub const LAST: Self = Self(2_932_896);

    /// The date of a year, a month from 1 and a day from 1.
    ///
    /// # Errors
    /// [`Flaw::Unknown`] at the year, the month or the day (in the text `2026-11-24`: at 1, 6 or 9).
    pub fn from_ymd(year: u32, month: u32, day: u32) -> Result<Self, BadIdentifier> {
        let unknown = |place| Err(Identifier::Date.with(Flaw::Unknown { place }));
        if !(1970..=9999).contains(&year) {
            return unknown(1);
        }
        let Some(last) = last_day(year, month) else { return unknown(6) };
        if !(1..=last).contains(&day) {
            return unknown(9);
        }
        Ok(Self(days_since_1970(year.into(), month.into(), day.into())))
    }

    /// Reads `2026-11-24`.
    ///
    /// # Errors
    /// [`BadIdentifier`], the first [`Flaw`] that it has.
    pub fn parse(text: &str) -> Result<Self, BadIdentifier> {
        let kind = Identifier::Date;
        let bytes = <[u8; 10]>::try_from(text.as_bytes()).map_err(|_| kind.with(Flaw::Length))?;
        let [year @ .., dash1, m1, m2, dash2, d1, d2] = bytes;
        let dash = |byte: &u8| *byte == b'-';
        kind.each(1, &year, digit)?;
        kind.each(5, &[dash1], dash)?;
        kind.each(6, &[m1, m2], digit)?;
        kind.each(8, &[dash2], dash)?;
        kind.each(9, &[d1, d2], digit)?;
        Self::from_ymd(number(&year), number(&[m1, m2]), number(&[d1, d2]))
    }

    /// Year, month from 1, day from 1.
    #[must_use]
    #[expect(clippy::arithmetic_side_effects, reason = "32 bits of days fit many times into 64")]
    pub fn ymd(self) -> (u32, u32, u32) {
        let days = u64::from(self.0) + EPOCH;
        let of_cycle = days % CYCLE;
        let year_of_cycle =
            (of_cycle - of_cycle / 1_460 + of_cycle / 36_524 - of_cycle / 146_096) / 365;
        let of_year = of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
        let from_march = (5 * of_year + 2) / 153;
        let day = of_year - (153 * from_march + 2) / 5 + 1;
        let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
        let year = days / CYCLE * 400 + year_of_cycle + u64::from(month <= 2);
        let narrow = |number| u32::try_from(number).unwrap_or(u32::MAX);
        (narrow(year), narrow(month), narrow(day))
    }

    /// Its day of the week.
    #[must_use]
    pub const fn weekday(self) -> Weekday {
        match self.0 % 7 {
            0 => Weekday::Thursday,
            1 => Weekday::Friday,
            2 => Weekday::Saturday,
            3 => Weekday::Sunday,
            4 => Weekday::Monday,
            5 => Weekday::Tuesday,
            _ => Weekday::Wednesday,
        }
    }

    /// The date so many days later; `None` after [`BusinessDate::LAST`].
    #[must_use]
    pub fn plus(self, days: u32) -> Option<Self> {
        self.0.checked_add(days).map(Self).filter(|it| *it <= Self::LAST)
    }
}

#[expect(clippy::arithmetic_side_effects, reason = "the year is at most 9999, the month 12")]
fn days_since_1970(year: u64, month: u64, day: u64) -> u32 {
    let (year, from_march) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let of_cycle = year % 400;
    let of_year = (153 * from_march + 2) / 5 + day - 1;
    let days = year / 400 * CYCLE + of_cycle * 365 + of_cycle / 4 - of_cycle / 100 + of_year;
    u32::try_from(days - EPOCH).unwrap_or(u32::MAX)
}

fn last_day(year: u32, month: u32) -> Option<u32> {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if leap => Some(29),
        2 => Some(28),
        4 | 6 | 9 | 11 => Some(30),
        1..=12 => Some(31),
        _ => None,
    }
}

fn number(digits: &[u8]) -> u32 {
    digits.iter().fold(0, |sum: u32, it| sum.wrapping_mul(10).wrapping_add(value(*it)))
}

impl core::fmt::Display for BusinessDate {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (year, month, day) = self.ymd();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl core::str::FromStr for BusinessDate {
    type Err = BadIdentifier;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl Wire for BusinessDate {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let date = u32::read(from).map(Self)?;
        if date > Self::LAST { Err(DecodeError::NotCanonical) } else { Ok(date) }
    }
}
