//! How far a command has come, on standard error: a bar for a terminal, nothing for anything else.

use std::{
    io::{IsTerminal as _, Write as _},
    time::{Duration, Instant},
};

/// Cells of the bar.
const WIDTH: usize = 30;
/// It is drawn no more often.
const PACE: Duration = Duration::from_millis(100);

/// The bar of one doing.
pub struct Progress {
    doing: &'static str,
    total: usize,
    /// When it was drawn last; never, where nobody looks.
    drawn: Option<Instant>,
}

impl Progress {
    /// Begins; shown only if standard error is a terminal.
    pub fn begin(doing: &'static str, total: usize) -> Self {
        let this = Self { doing, total, drawn: std::io::stderr().is_terminal().then(Instant::now) };
        this.draw(0);
        this
    }

    /// So many are done.
    pub fn at(&mut self, done: usize) {
        if self.drawn.is_some_and(|it| it.elapsed() >= PACE) {
            self.drawn = Some(Instant::now());
            self.draw(done);
        }
    }

    fn draw(&self, done: usize) {
        if self.drawn.is_some() {
            // Nobody is left to look when the error stream is closed.
            let _ = write!(std::io::stderr(), "\r{}", bar(self.doing, done, self.total));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.drawn.is_some() {
            let _ = writeln!(std::io::stderr());
        }
    }
}

fn bar(doing: &str, done: usize, total: usize) -> String {
    let full = (done * WIDTH).checked_div(total).unwrap_or(WIDTH).min(WIDTH);
    let (full, empty) = ("#".repeat(full), ".".repeat(WIDTH - full));
    format!("{doing} [{full}{empty}] {done}/{total}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_fills() {
        assert_eq!(bar("sent", 0, 4), format!("sent [{}] 0/4", ".".repeat(30)));
        assert_eq!(bar("sent", 2, 4), format!("sent [{}{}] 2/4", "#".repeat(15), ".".repeat(15)));
        assert!(bar("sent", 0, 0).contains(&"#".repeat(30)));
    }
}
