//! Numbers of a line: quantities, counts, durations.

use alloc::format;

use crypto::Amount;

use super::{Flaw, words::Words};

const UNITS: [(&str, u64); 6] = [
    ("ms", 1),
    ("seconds", 1_000),
    ("minutes", 60_000),
    ("hours", 3_600_000),
    ("days", 86_400_000),
    ("s", 1_000),
];

/// A whole number.
pub(super) fn whole<T: TryFrom<u64>>(words: &mut Words<'_>, wanted: &str) -> Result<T, Flaw> {
    let word = words.next(wanted)?;
    let number = word.parse::<u64>().ok().and_then(|it| T::try_from(it).ok());
    number.ok_or_else(|| {
        Flaw::new(format!("`{word}` is no number in range"), format!("write {wanted}"))
    })
}

/// A number and its unit, in milliseconds.
pub(super) fn duration(words: &mut Words<'_>) -> Result<u64, Flaw> {
    let number: u64 = whole(words, "a number of seconds, minutes, hours or days")?;
    let unit = words.choice("unit of time", &UNITS)?;
    let millis = number.checked_mul(unit).filter(|it| *it <= 366 * 86_400_000);
    millis.ok_or_else(|| Flaw::new("that is longer than a year", "write a shorter time"))
}

/// A quantity as people write it (`250,000` or `0.125`), in units of `scale` decimal places.
pub(super) fn quantity(word: &str, scale: u8) -> Result<Amount, Flaw> {
    let units = units(word, scale);
    units.map(Amount::Open).ok_or_else(|| {
        let places = if scale == 0 { "no decimals".into() } else { format!("{scale} decimals") };
        let what = format!("`{word}` is no quantity with {places}");
        Flaw::new(what, "write digits, in groups of three by commas or not")
    })
}

fn units(word: &str, scale: u8) -> Option<i64> {
    let (negative, word) = word.strip_prefix('-').map_or((false, word), |rest| (true, rest));
    let (whole, decimals) = word.split_once('.').unwrap_or((word, ""));
    let mut groups = whole.split(',');
    let first = groups.next()?;
    let grouped = whole.contains(',');
    let well =
        !first.is_empty() && (!grouped || first.len() <= 3) && groups.all(|it| it.len() == 3);
    let places = u8::try_from(decimals.len()).ok().filter(|it| *it <= scale)?;
    if !well || (decimals.is_empty() && word.contains('.')) {
        return None;
    }
    let mut units: i64 = 0;
    for digit in whole.chars().filter(|it| *it != ',').chain(decimals.chars()) {
        let digit = i64::from(digit.to_digit(10)?);
        units = units.checked_mul(10)?.checked_add(digit)?;
    }
    for _ in places..scale {
        units = units.checked_mul(10)?;
    }
    Some(if negative { units.saturating_neg() } else { units })
}
