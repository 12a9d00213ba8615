//! Measures what `docs/benchmarks.md` tells of one core: `cargo run --release -p bench`.

use std::process::ExitCode;

use bench::queue::{ACCOUNTS, Crowd, FEW, KINDS, MANY, RUNS, TOUCHED, touch_ten};

/// What is promised: many waiting may cost so many times what few cost.
const BAR: f64 = 2.0;

fn main() -> ExitCode {
    println!(
        "one block credits {TOUCHED} of {ACCOUNTS} positions in one currency, on which others wait"
    );
    let mut held = true;
    for kind in KINDS {
        let crowds = [(TOUCHED, FEW), (ACCOUNTS, MANY)];
        let mut crowds = crowds.map(|(among, waiting)| Crowd::new(kind, ACCOUNTS, among, waiting));
        let [few, many] = touch_ten(&mut crowds, RUNS);
        let ratio = many.as_secs_f64() / few.as_secs_f64();
        held &= ratio <= BAR;
        println!(
            "{kind:<45} {FEW} waiting {few:>9.1?}   {MANY} waiting {many:>9.1?}   {ratio:.2} times"
        );
    }
    ExitCode::from(u8::from(!held))
}
