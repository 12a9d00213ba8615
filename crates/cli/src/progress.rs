//! How far a command has come, on standard error: a bar for a terminal, nothing for anything else.

use indicatif::{ProgressBar, ProgressStyle};

/// The bar of one doing. It stays as it stood last.
pub struct Progress(ProgressBar);

impl Progress {
    /// Begins; shown only if standard error is a terminal.
    pub fn begin(doing: &'static str, total: usize) -> Self {
        let total = u64::try_from(total).unwrap_or(u64::MAX);
        let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}, {eta} left");
        let bar = ProgressBar::new(total).with_message(doing);
        // A template that were wrong would leave the bar as it looks without one.
        Self(match style {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        })
    }

    /// So many are done.
    pub fn at(&self, done: usize) {
        self.0.set_position(u64::try_from(done).unwrap_or(u64::MAX));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.abandon();
    }
}
