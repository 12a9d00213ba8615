//! Moments as people and programs write them: a height, or a time with its offset (RFC 3339).

use types::LedgerTime;

use crate::Last;

/// Why a text names no moment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoMoment {
    /// It is neither a height nor a time; what is wrong with it as a time.
    #[error("{0}")]
    Malformed(String),
    /// It is a time before 1970, and so before any market.
    #[error("before 1970")]
    Before1970,
}

/// The moment that a text names.
///
/// # Errors
/// [`NoMoment`].
pub fn read(text: &str) -> Result<Last, NoMoment> {
    if let Ok(height) = text.parse() {
        return Ok(Last::Height(height));
    }
    let time: jiff::Timestamp =
        text.parse().map_err(|why: jiff::Error| NoMoment::Malformed(why.to_string()))?;
    let milliseconds = u64::try_from(time.as_millisecond()).map_err(|_| NoMoment::Before1970)?;
    Ok(Last::Time(LedgerTime(milliseconds)))
}

/// A ledger time with its offset; empty beyond the year 9999.
#[must_use]
pub fn shown(time: LedgerTime) -> String {
    let time = i64::try_from(time.0).ok().and_then(|it| jiff::Timestamp::from_millisecond(it).ok());
    time.map(|it| it.display_with_offset(jiff::tz::Offset::UTC).to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_height_or_a_time() {
        assert_eq!(read("12"), Ok(Last::Height(12)));
        assert_eq!(read("1970-01-01T09:00:01+09:00"), Ok(Last::Time(LedgerTime(1_000))));
        assert!(matches!(read("yesterday"), Err(NoMoment::Malformed(_))));
        assert_eq!(read("1969-12-31T00:00:00Z"), Err(NoMoment::Before1970));
    }

    #[test]
    fn a_time_is_shown_with_its_offset() {
        assert_eq!(shown(LedgerTime(1_500)), "1970-01-01T00:00:01.5+00:00");
    }
}
