//! What the demo day says, and when.

use std::{io::Write, time::Instant};

/// Tells the day on standard output, each line with the seconds since the start.
#[derive(Debug)]
pub struct Teller {
    start: Instant,
    act: u32,
}

impl Teller {
    /// Begins to tell; the time counts from `start`.
    pub const fn new(start: Instant) -> Self {
        Self { start, act: 0 }
    }

    /// Seconds since the start.
    pub fn seconds(&self) -> f64 {
        self.start.elapsed().as_secs_f64()
    }

    /// A new part of the day.
    pub fn act(&mut self, title: &str) {
        self.act += 1;
        line(format_args!("\n{}. {title}", self.act));
    }

    /// Something that is so, as certified blocks say.
    pub fn say(&self, text: impl std::fmt::Display) {
        line(format_args!("{:>8.2} s  {text}", self.seconds()));
    }
}

/// One line on standard output. When nobody reads it any more, the day goes on untold.
pub fn line(text: impl std::fmt::Display) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// A whole number with separators between thousands.
pub fn thousands(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if number < 0 { format!("-{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        let shown = [0, 999, 1_000, 1_250_000, -12_345].map(thousands);
        assert_eq!(shown, ["0", "999", "1,000", "1,250,000", "-12,345"]);
    }
}
