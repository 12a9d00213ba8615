//! Automation of this repository: `cargo xtask tidy`, `ci` and `formats`.
//!
//! It depends on nothing, so that it builds in a second on a machine that has just been set up.

mod arrows;
mod ci;
mod declaration;
mod files;
mod formats;
mod pages;
mod paper;
mod tidy;

use std::{env, path::Path, process::ExitCode};

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the root");
    env::set_current_dir(root).expect("the root can be entered");
    let verbs: Vec<String> = env::args().skip(1).collect();
    let held = match verbs.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["tidy"] => tidy::run(),
        ["ci"] => ci::run(),
        ["formats"] => formats::run(),
        _ => {
            eprintln!("cargo xtask tidy    what the compiler cannot say about this repository");
            eprintln!("cargo xtask ci      everything that must hold before a merge");
            eprintln!("cargo xtask formats make docs/formats/fields.md from the code");
            return ExitCode::from(2);
        }
    };
    if held { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
