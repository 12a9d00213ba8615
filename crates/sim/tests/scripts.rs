//! Every script in `markets/` holds on a simulated market of four validators, and leaves the book that it leaves
//! on a ledger in memory.

use std::{fs, path::PathBuf};

use ledger::{
    memory::Memory,
    script::{self, Script},
};

fn markets() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../markets")
}

fn read(name: &str) -> Script {
    let text = fs::read_to_string(markets().join(name)).unwrap();
    script::parse(&text).unwrap_or_else(|bad| panic!("{name}, {bad}"))
}

#[test]
fn every_script_holds_and_leaves_the_book_that_it_leaves_in_memory() {
    let files = fs::read_dir(markets()).unwrap().map(|it| it.unwrap().file_name());
    let names = files.map(|it| it.into_string().unwrap()).filter(|it| it.ends_with(".market"));
    let mut names: Vec<String> = names.collect();
    names.sort();
    assert!(names.len() >= 12, "the scripts are gone");
    for (seed, name) in (0..).zip(&names) {
        let script = read(name);
        let mut memory = Memory::of(&script);
        let report = memory.play(&script);
        let ran = sim::run_script(&script, seed).unwrap_or_else(|why| panic!("{name}: {why}"));
        assert_eq!(ran.played.report, report, "{name}");
        assert_eq!(report.failed, [], "{name}");
        assert_eq!(ran.played.positions_digest, memory.positions_digest(), "{name}");
        assert_eq!(ran.played.registry_digests, memory.registry_digests().collect(), "{name}");
    }
}

#[test]
fn the_same_seed_takes_the_same_steps_and_another_leaves_the_same_book() {
    let script = read("queue-of-pairs.market");
    let [first, again, other] = [21, 21, 22].map(|it| sim::run_script(&script, it).unwrap());
    assert_eq!(first, again);
    assert_ne!(first.trace, other.trace);
    assert_eq!(first.played, other.played);
}

#[test]
fn what_does_not_hold_is_told_with_its_line() {
    let script = script::parse("furikae admits aoba as issuer\nfurikae admits aoba as issuer\n");
    let ran = sim::run_script(&script.unwrap(), 1).unwrap();
    let failed: Vec<_> = ran.played.report.failed.iter().map(|it| it.line).collect();
    assert_eq!((failed, ran.played.report.held), (vec![2], 1));
}
