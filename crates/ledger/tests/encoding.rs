//! Every encoding is canonical, and frozen by the hash of an example.
//!
//! `UPDATE_CONFORMANCE=1` writes the hashes anew. To do so is to approve that bytes change.

#![allow(clippy::disallowed_types, reason = "tests count in memory")]

#[path = "encoding/schema.rs"]
mod schema;

use std::{env, fmt::Write, fs, path::PathBuf};

use ledger::{row::kind, settlement::Status};
use proptest::prelude::*;
use types::{DecodeError, Wire};

use self::schema::{Draw, Schema};

/// Decodes, and encodes again.
type Again = fn(&[u8]) -> Result<Vec<u8>, DecodeError>;

macro_rules! known {
    ($($($path:ident)::+;)*) => {
        [$((known!(@last $($path)::+), (|bytes| <$($path)::+>::from_bytes(bytes).map(|it| it.to_bytes())) as Again),)*]
    };
    (@last $last:ident) => { stringify!($last) };
    (@last $first:ident :: $($rest:ident)::+) => { known!(@last $($rest)::+) };
}

/// Every record and choice of `types` and `ledger`, and those of `crypto` that they hold.
const KNOWN: &[(&str, Again)] = &known! {
    types::DatabaseRange; types::Header; types::ChangeLeaf; types::Witness; types::Validator;
    types::Committee; types::Sender; types::InstructionId;
    crypto::Amount; crypto::Sealed; crypto::Statement; crypto::statement::Claim; crypto::statement::Stated;
    crypto::changes::Change; crypto::changes::BlockChanges;
    ledger::book::Account; ledger::book::Position; ledger::book::Movement;
    ledger::book::sealed::SealedPosition; ledger::book::sealed::Cover; ledger::view_key::Reader;
    ledger::view_key::ViewKey; ledger::settlement::Legs; ledger::settlement::SealedTerms;
    ledger::settlement::SealedInstructed; ledger::settlement::Covering;
    ledger::Envelope; ledger::Signed; ledger::event::Field; ledger::Event;
    ledger::governance::Party; ledger::governance::PartyKey; ledger::governance::LaneRow;
    ledger::governance::ParameterName; ledger::governance::Parameter; ledger::governance::Validators;
    ledger::Genesis; ledger::governance::GenesisParty; ledger::Instruction;
    ledger::issuance::Kind; ledger::issuance::Instrument; ledger::issuance::Listing;
    ledger::issuance::Request; ledger::registry::RegistryHash; ledger::Reject;
    ledger::order::Board; ledger::order::Order; ledger::order::PlaceOrder; ledger::order::OrderEnd;
    ledger::order::Fills; ledger::forward::Forwarded; ledger::forward::Ordered;
    ledger::Inadmissible;
    ledger::settlement::queue::Waiting; ledger::settlement::queue::Frontier;
    ledger::settlement::Side; ledger::settlement::Priority; ledger::settlement::AgainstPayment;
    ledger::settlement::OpenTerms; ledger::settlement::Terms; ledger::settlement::Pay;
    ledger::settlement::Asked; ledger::settlement::Status; ledger::settlement::Instructed;
    ledger::settlement::Arrivals; ledger::threshold::Proposal; ledger::trade::TradeId;
    ledger::trade::VenueTrade; ledger::trade::ReportTrade; ledger::trade::TradeStatus;
    ledger::trade::Trade; ledger::trade::Venue;
};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn page() -> Schema {
    Schema::read(&fs::read_to_string(folder().join("../../docs/formats/fields.md")).unwrap())
}

fn again(name: &str) -> Option<Again> {
    KNOWN.iter().find(|it| it.0 == name).map(|it| it.1)
}

/// Each variant of each known word, with the bytes of an example.
fn examples(schema: &Schema, seed: u64) -> Vec<(String, String, Again, Vec<u8>)> {
    let mut examples = Vec::new();
    for (name, again) in KNOWN.iter().copied() {
        for (place, variant) in (0..).zip(&schema.get(name).variants) {
            let mut draw = Draw(seed ^ (place << 32) ^ name.len() as u64);
            let bytes = schema.bytes(variant, &mut draw);
            let title = format!("{name} {}", variant.name).trim_end().to_string();
            examples.push((title, variant.layout(), again, bytes));
        }
    }
    examples
}

/// Bytes are refused, or they are exactly what the value that they decode to is written as.
fn assert_canonical(title: &str, again: Again, bytes: &[u8]) {
    if let Ok(written) = again(bytes) {
        assert_eq!(written, bytes, "{title} decodes, and is written otherwise");
    }
}

#[test]
fn every_word_of_the_rules_is_known_here() {
    let schema = page();
    for (name, declared) in schema.all() {
        let ours =
            ["crates/types/", "crates/ledger/"].iter().any(|it| declared.file.starts_with(it));
        assert!(!ours || again(name).is_some(), "name {name} in KNOWN, and freeze it");
    }
}

#[test]
fn what_the_page_draws_is_what_is_written() {
    let schema = page();
    for seed in 0..40 {
        for (title, _, again, bytes) in examples(&schema, seed) {
            assert_eq!(again(&bytes).as_deref(), Ok(bytes.as_slice()), "{title}: {bytes:02x?}");
        }
    }
}

#[test]
fn less_and_more_is_refused() {
    let schema = page();
    for (title, _, again, mut bytes) in examples(&schema, 7) {
        for len in 0..bytes.len() {
            assert!(again(&bytes[..len]).is_err(), "{title} is truncated to {len}");
        }
        bytes.push(0);
        assert_eq!(again(&bytes), Err(DecodeError::Trailing), "{title}");
    }
}

#[test]
fn a_changed_byte_is_refused_or_another_value() {
    let schema = page();
    for (title, _, again, bytes) in examples(&schema, 11) {
        let mut bytes = bytes;
        let all = bytes.len() <= 128;
        for place in 0..bytes.len() {
            let was = bytes[place];
            let bits = (0..8).map(|it| was ^ (1 << it));
            let others: Vec<u8> = if all { (0..=255).collect() } else { bits.collect() };
            for other in others.into_iter().filter(|it| *it != was) {
                bytes[place] = other;
                assert_canonical(&title, again, &bytes);
            }
            bytes[place] = was;
        }
    }
}

#[test]
fn every_row_fits_its_place_in_the_store() {
    let schema = page();
    let rows = [
        ("PartyKey", kind::PARTY_KEY, 0),
        ("LaneRow", kind::LANE, 0),
        ("Parameter", kind::PARAMETER, 0),
        ("Account", kind::ACCOUNT, 0),
        ("ViewKey", kind::VIEW_KEY, 0),
        ("Position", kind::POSITION, 0),
        ("Instrument", kind::INSTRUMENT, 0),
        ("Request", kind::REQUEST, 0),
        ("Venue", kind::VENUE, 0),
        ("Frontier", kind::FRONTIER, 0),
        ("Arrivals", kind::ARRIVALS, 0),
        ("Board", kind::BOARD, 0),
        ("Order", kind::ORDER, 0),
        ("Fills", kind::FILLS, 0),
        ("Party", kind::PARTY, 0),
        // As many as a threshold can ask for.
        ("Proposal", kind::PROPOSAL, 16),
        ("Listing", kind::LISTING, 0),
        ("Trade", kind::TRADE, 0),
        ("Instructed", kind::INSTRUCTION, 0),
        // Two sides, and two legs.
        ("Waiting", kind::WAITING, 2),
        ("RegistryHash", kind::REGISTRY, 0),
        ("Validators", kind::VALIDATORS, 20),
    ];
    for (name, kind, list) in rows {
        let room = [182, 502, 2_102][usize::from(kind >> 6)];
        let most = schema.most(name, list);
        assert!(most <= room, "{name} may have {most} bytes, and has room for {room}");
    }
    // Of a position three handles, of a movement four: other counts are refused before anything is written.
    let position = schema.most("SealedPosition", 0) - 3 * 32;
    let instructed = schema.most("SealedInstructed", 0) + schema.most("Sealed", 0) - 8;
    assert!(position <= 502 && instructed <= 502, "{position}, {instructed}");
    for (name, most) in [("TradeId", 47), ("InstructionId", 31), ("ParameterName", 47)] {
        assert!(schema.most(name, 0) <= most, "{name} fits a key, and an id an index entry");
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 128, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_decodes_is_written_the_same(
        seed in any::<u64>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let schema = page();
        for (title, _, again, mut bytes) in examples(&schema, seed) {
            prop_assert_eq!(again(&bytes), Ok(bytes.clone()), "{}", title);
            for (place, byte) in &changes {
                let place = place.index(bytes.len());
                bytes[place] = *byte;
            }
            if let Some(cut) = cut {
                bytes.remove(cut.index(bytes.len()));
            }
            assert_canonical(&title, again, &bytes);
        }
    }
}

#[test]
fn the_bytes_are_frozen() {
    let mut frozen = String::from(
        "# One example of each encoding: SHA-256 over its fields' names and types, and its bytes.\n\
         # UPDATE_CONFORMANCE=1 writes this anew. To do so is to approve that bytes change.\n",
    );
    for (title, layout, again, bytes) in examples(&page(), 2026) {
        let written = again(&bytes).unwrap();
        let hash = crypto::digest(layout.as_bytes(), &written);
        writeln!(frozen, "{hash} {} {title}", written.len()).unwrap();
    }
    let path = folder().join("tests/encoding/conformance.txt");
    if env::var_os("UPDATE_CONFORMANCE").is_some() {
        fs::write(&path, &frozen).unwrap();
    }
    let approved = fs::read_to_string(&path).unwrap_or_default();
    let changed = frozen.lines().filter(|it| !approved.lines().any(|line| line == *it));
    let changed: Vec<&str> = changed.collect();
    assert!(changed.is_empty(), "these bytes are not the approved ones:\n{}", changed.join("\n"));
    assert_eq!(approved, frozen, "what is frozen is still there, in its order");
}

#[test]
fn every_state_of_an_instruction_is_in_the_list_of_all() {
    let with = |tag| [&[tag][..], &[tag, 0, 0, 0, 0, 0, 0, 0, 0]].map(Status::from_bytes);
    let known: Vec<_> = (0..=u8::MAX).flat_map(with).filter_map(Result::ok).collect();
    assert_eq!(known, Status::ALL);
}
