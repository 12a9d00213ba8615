//! Every script in `markets/` holds on the ledger, and leaves the same book on every run.

use std::{collections::BTreeMap, fs, path::PathBuf};

use ledger::{
    book, issuance::Instrument, memory::Memory, registry, row::Row as _, script, script::Script,
};
use types::{InstrumentId, Wire};

fn scripts() -> Vec<(String, Script)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../markets");
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|it| it.unwrap().path())
        .filter(|it| it.extension().is_some_and(|it| it == "market"))
        .collect();
    files.sort();
    let read = |path: PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(path).unwrap();
        let script = script::parse(&text).unwrap_or_else(|bad| panic!("{name}, {bad}"));
        (name, script)
    };
    files.into_iter().map(read).collect()
}

#[test]
fn every_script_holds() {
    let scripts = scripts();
    assert!(scripts.len() >= 12, "the scripts are gone");
    let mut failed: Vec<String> = Vec::new();
    for (name, script) in scripts {
        let mut memory = Memory::of(&script);
        let report = memory.play(&script);
        let text = |it: &script::Failed| format!("{name}, line {}: {}", it.line, it.text);
        failed.extend(report.failed.iter().map(text));
        let expected =
            script.steps.iter().filter(|it| matches!(it.doing, script::Doing::Expect(_)));
        assert!(expected.count() > 0, "{name} expects nothing");
        assert_sound(&name, &memory);
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn the_same_script_leaves_the_same_book_on_every_run() {
    for (name, script) in scripts() {
        let digests = [(); 2].map(|()| {
            let mut memory = Memory::of(&script);
            drop(memory.play(&script));
            (memory.positions_digest(), memory.rows().clone())
        });
        assert_eq!(digests[0], digests[1], "{name}");
    }
}

/// Every instrument sums to zero, nothing is negative, supplies and registries are what positions say, and
/// the index is what rows say.
fn assert_sound(name: &str, memory: &Memory) {
    let mut sums: BTreeMap<InstrumentId, i128> = BTreeMap::new();
    for ((account, instrument), units) in memory.positions() {
        assert!(units >= 0 || book::is_issuance_account(account), "{name}: {account} owes {units}");
        *sums.entry(instrument).or_default() += i128::from(units);
    }
    assert!(sums.values().all(|it| *it == 0), "{name}: {sums:?}");
    for (key, value) in memory.rows().iter().filter(|it| it.0.kind() == Instrument::KIND) {
        let instrument = InstrumentId::read(&mut types::Reader::new(key.name())).unwrap();
        let row = Instrument::from_bytes(value).unwrap();
        let held: Vec<_> = memory
            .positions()
            .filter(|((account, it), units)| {
                *it == instrument && *units != 0 && !book::is_issuance_account(*account)
            })
            .map(|((account, _), units)| (account, units))
            .collect();
        let supply: i64 = held.iter().map(|it| it.1).sum();
        assert_eq!(row.supply, crypto::Amount::Open(supply), "{name}: {instrument}");
        if !instrument.is_currency() {
            assert_eq!(row.registry_digest, registry::digest(held.into_iter()), "{name}");
        }
    }
    let entries =
        memory.rows().iter().flat_map(|(key, value)| ledger::entries(key, value)).collect();
    assert_eq!(*memory.index(), entries, "{name}: the index is what the rows say");
}
