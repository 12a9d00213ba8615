//! What is counted for `/metrics`.

use std::{
    fmt::Write as _,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

/// Counted since the start.
#[derive(Default)]
pub struct Counts {
    /// Answers by the first digit of their status, 1 to 5.
    answers: [AtomicU64; 5],
    /// Requests that were too many for their address.
    pub too_often: AtomicU64,
    /// Connections that were turned away.
    pub turned_away: AtomicU64,
    /// Connections now.
    pub connections: AtomicU64,
    /// Streams now.
    pub streams: AtomicU64,
}

impl Counts {
    /// One more answer.
    pub fn answered(&self, status: u16) {
        let place = usize::from(status / 100).saturating_sub(1).min(4);
        self.answers[place].fetch_add(1, Relaxed);
    }

    /// What Prometheus reads of it.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        let at = |it: &AtomicU64| it.load(Relaxed);
        line(
            &mut text,
            "furikae_http_connections",
            "gauge",
            "Connections now.",
            at(&self.connections),
        );
        line(&mut text, "furikae_http_streams", "gauge", "Streams now.", at(&self.streams));
        let name = "furikae_http_turned_away_total";
        line(&mut text, name, "counter", "Connections that were too many.", at(&self.turned_away));
        let name = "furikae_http_too_often_total";
        let help = "Requests that were too many for their address.";
        line(&mut text, name, "counter", help, at(&self.too_often));
        let _ = writeln!(text, "# HELP furikae_http_answers_total Answers by status.");
        let _ = writeln!(text, "# TYPE furikae_http_answers_total counter");
        for (class, count) in (1..).zip(&self.answers) {
            let _ =
                writeln!(text, "furikae_http_answers_total{{status=\"{class}xx\"}} {}", at(count));
        }
        text
    }
}

/// One figure as Prometheus reads it: a `counter` or a `gauge`.
pub fn line(text: &mut String, name: &str, kind: &str, help: &str, value: u64) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
}
