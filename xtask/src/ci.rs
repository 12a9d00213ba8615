//! Everything that must hold before a merge, cheapest first, each step with its duration.

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

/// Where the rules must build beside the machine itself: there is no `std` in which to hide a clock.
const BARE: &str = "wasm32v1-none";

/// A name, and what is done.
type Step = (&'static str, fn() -> Verdict);

/// Runs the steps until one fails, and says whether none did.
pub fn run() -> bool {
    let steps: [Step; 5] = [
        ("format", || cargo(&["fmt", "--all", "--check"])),
        ("tidy", || Verdict::of(crate::tidy::run())),
        ("rules without std", bare),
        ("lints", || {
            cargo(&[
                "clippy",
                "--locked",
                "--release",
                "--workspace",
                "--all-targets",
                "--",
                "-Dwarnings",
            ])
        }),
        ("tests", || cargo(&["test", "--locked", "--release", "--workspace"])),
    ];
    let mut done = Vec::new();
    for (name, step) in steps {
        println!("ci: {name}");
        let start = Instant::now();
        let verdict = step();
        done.push((name, verdict, start.elapsed()));
        if verdict == Verdict::Failed {
            break;
        }
    }
    println!("ci: done");
    for (name, verdict, took) in &done {
        println!("ci: {name:<18} {verdict:<8} {}", shown(*took));
    }
    done.iter().all(|(_, verdict, _)| *verdict != Verdict::Failed)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Held,
    Skipped,
    Failed,
}

impl Verdict {
    const fn of(held: bool) -> Self {
        if held { Self::Held } else { Self::Failed }
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Held => "held",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
        })
    }
}

fn cargo(arguments: &[&str]) -> Verdict {
    println!("ci: cargo {}", arguments.join(" "));
    Verdict::of(Command::new("cargo").args(arguments).status().is_ok_and(|it| it.success()))
}

/// The rules, built for a machine without an operating system, where that target is installed.
fn bare() -> Verdict {
    let sysroot = Command::new("rustc").args(["--print", "sysroot"]).output();
    let sysroot = sysroot.map(|it| String::from_utf8_lossy(&it.stdout).trim().to_string());
    let target = sysroot.map(|it| Path::new(&it).join("lib/rustlib").join(BARE));
    if target.is_ok_and(|it| it.is_dir()) {
        return cargo(&["check", "--locked", "--release", "-p", "ledger", "--target", BARE]);
    }
    println!("ci: skipped, {BARE} is not installed (rustup target add {BARE})");
    Verdict::Skipped
}

fn shown(took: Duration) -> String {
    format!("{}:{:04.1}", took.as_secs() / 60, took.as_secs_f64() % 60.0)
}
