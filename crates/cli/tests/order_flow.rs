//! Recorded order flow through the board of a network: four validators, the venue's gateway, members that sign.

mod terminal;

use std::path::{Path, PathBuf};

use serde_json::Value;
use terminal::{furikae, left, said};

/// One market at a time: what is left of one is looked for by name.
static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());

/// A folder of real order flow; `None` where it is not at hand.
fn flow(name: &str) -> Option<PathBuf> {
    let shared = std::env::var("FURIKAE_SHARED").unwrap_or_else(|_| "../../../shared".into());
    let path = Path::new(&shared).join("data").join(name);
    if !path.exists() {
        eprintln!("skipped: {} is not here", path.display());
        return None;
    }
    Some(path)
}

#[test]
fn the_board_has_the_book_of_a_real_venue_after_each_of_its_messages() {
    let Some(path) = flow("orderflow-lobster-aapl-excerpt") else { return };
    let path = path.to_str().unwrap();
    let _alone = ALONE.lock();
    let output = furikae(&["replay", "--format", "lobster", path, "--members", "5", "--json"]);
    assert!(output.status.success(), "{}", said(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let books = &report["books"];
    assert!(books["shown"].as_u64() >= Some(998), "{books}");
    assert_eq!(books["shown"], books["equal"]);
    assert_eq!(books["hidden_executions"], 61);
    assert!(books["revealed"].as_array().unwrap().len() <= 25, "{books}");
    let count = |name: &str| report[name].as_u64();
    assert_eq!((count("settled"), count("unsettled")), (count("fills"), Some(0)));
    assert_eq!(count("fills"), Some(98), "each visible execution is one");
    assert_eq!(report["supply_exact"], true);
    let roots = report["state_roots"].as_object().unwrap();
    assert_eq!(roots.len(), 4);
    assert!(roots.values().all(|it| Some(it) == roots.values().next()));
    let processes = left(&std::env::temp_dir().join("furikae-replay-"));
    assert!(processes.is_empty(), "{processes:?}");
}

#[test]
fn a_number_that_stands_is_refused_and_one_that_is_gone_comes_again() {
    let path = std::env::temp_dir().join(format!("furikae-test-again-{}", std::process::id()));
    let mut text = "id,timestamp,exchange_timestamp,price,volume,action,direction\n".to_owned();
    text += "1,0,0,2.0,1,created,bid\n";
    // As many as a capture has that begins anew: each costs no block of its own.
    text += &"1,0,0,2.0,1,created,bid\n".repeat(300);
    text += "2,0,0,1.5,0.25,created,ask\n1,0,0,2.0,0.75,deleted,bid\n";
    text += "1,0,0,3.0,1,created,bid\n3,0,0,3.0,2.5e-1,created,ask\n";
    std::fs::write(&path, text).unwrap();
    let file = path.to_str().unwrap();
    let _alone = ALONE.lock();
    let output = furikae(&["replay", "--format", "bitstamp-l3", file, "--members", "2", "--json"]);
    std::fs::remove_file(&path).unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let count = |name: &str| report[name].as_u64().unwrap();
    let counts = ["events", "fills", "settled", "refused", "open_orders", "limited"].map(count);
    assert_eq!(counts, [305, 2, 2, 300, 1, 0]);
    assert_eq!(
        (&report["filled_quantity"], &report["value"]),
        (&"0.50000000".into(), &"1.2500000000".into())
    );
}

#[test]
fn a_file_that_makes_no_sense_is_refused_by_its_line() {
    let path = std::env::temp_dir().join(format!("furikae-test-flow-{}", std::process::id()));
    let refused = |format: &str, text: &str, why: &str| {
        std::fs::write(&path, text).unwrap();
        let file = path.to_str().unwrap();
        let output = furikae(&["replay", "--format", format, file, "--members", "2"]);
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains(why), "{}", said(&output));
    };
    let head = "id,timestamp,exchange_timestamp,price,volume,action,direction\n";
    let good = "1,0,0,2.0,1,created,bid\n";
    refused("bitstamp-l3", &format!("{head}{good}2,0,0,2.x,1,created,bid\n"), "line 3");
    refused("bitstamp-l3", &format!("{head}2,0,0,2.0,1,made,bid\n"), "made");
    refused("bitstamp-l3", &format!("{head}x,0,0,2.0,1,created,bid\n"), "invalid digit");
    refused("cme-mbo", "action,side,price_1e9,size,order_id\nA,Z,1,1,1\n", "line 2");
    refused("lobster", "1.5,1,7,10,100,1\n", "orderbook");
    std::fs::remove_file(&path).unwrap();
}
