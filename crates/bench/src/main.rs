//! Measures what `docs/benchmarks.md` tells of one core: `cargo run --release -p bench`, all of it or the parts named.

use std::process::ExitCode;

use bench::{
    queue::{ACCOUNTS, Crowd, FEW, KINDS, MANY, RUNS, TOUCHED, touch_ten},
    sealed::{BATCHES, Dvps, ROUNDS, proving, units},
};

/// What is promised: many waiting may cost so many times what few cost.
const BAR: f64 = 2.0;

/// What is promised: a sealed DVP costs so many verifications of one signature; more where the processor makes those
/// faster than all else (AVX-512).
const SEALED_BARS: (f64, f64) = (45.0, 70.0);

/// A measurement, by name. It says whether its promise was kept.
type Measurement = (&'static str, fn() -> bool);

const MEASUREMENTS: [Measurement; 2] = [("queue", queue), ("sealed-dvp", sealed_dvp)];

fn main() -> ExitCode {
    let named: Vec<String> = std::env::args().skip(1).collect();
    let mut held = true;
    for (name, measure) in MEASUREMENTS {
        if named.is_empty() || named.iter().any(|it| it == name) {
            held &= measure();
        }
    }
    ExitCode::from(u8::from(!held))
}

fn queue() -> bool {
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
    held
}

fn sealed_dvp() -> bool {
    let dvps = Dvps::new(BATCHES.into_iter().max().unwrap_or(1));
    let (verify, decode) = units(ROUNDS);
    let [security, money] = dvps.proof_bytes();
    println!("one sealed DVP, checked on one thread: time of the processor, medians of {ROUNDS}");
    println!(
        "proofs of {security} and {money} bytes; one signature {verify:.1?}, one point {decode:.2?}"
    );
    println!("one leg is made and proved in {:.1?}", proving(20));
    println!(
        "together   proofs = read + equations + ranges   signatures   debits   credits   sum   in signatures"
    );
    let mut best = f64::MAX;
    for count in BATCHES {
        let cost = dvps.cost(count, ROUNDS);
        let stages = cost.stages;
        let us = |it: std::time::Duration| it.as_secs_f64() * 1e6;
        let times = us(cost.sum()) / us(verify);
        best = best.min(times);
        println!(
            "{count:>8} {:>8.0} = {:>4.0} + {:>6.0} + {:>6.0} {:>8.0} {:>11.0} {:>8.0} {:>8.0} us {:>8.1}",
            us(cost.proofs),
            us(stages.read),
            us(stages.equations),
            us(stages.ranges),
            us(cost.signatures),
            us(cost.debits),
            us(cost.credits),
            us(cost.sum()),
            times,
        );
    }
    best <= if wide() { SEALED_BARS.1 } else { SEALED_BARS.0 }
}

/// Whether the processor has the wide instructions that the curve's crate uses.
fn wide() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("avx512ifma");
    #[cfg(not(target_arch = "x86_64"))]
    false
}
