//! Short drills of real processes; long ones are the same commands with larger numbers.

mod terminal;

use serde_json::Value;
use terminal::{furikae, left, said};

fn drill(arguments: &[&str]) -> Value {
    let output = furikae(&[&["drill"], arguments, &["--json"]].concat());
    assert!(output.status.success(), "{}", said(&output));
    let processes = left(&std::env::temp_dir().join("furikae-drill-"));
    assert!(processes.is_empty(), "{processes:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_market_comes_through() {
    let report = drill(&["garbage", "--strings", "4000"]);
    assert_eq!(report["goes_on"], true);
    assert!(report["answers"]["400"].as_u64() > Some(0), "{report}");
    assert!(report["answers"]["closed"].as_u64() > Some(0), "{report}");
    assert_eq!(report["taken"].as_object().map(serde_json::Map::len), Some(0), "{report}");
    let report = drill(&["gateway-kills", "--kills", "6", "--instructions", "300"]);
    assert_eq!(report["settled"], report["instructions"]);
    assert_eq!((&report["lost"], &report["balance_differs_by"]), (&0.into(), &0.into()));
    assert!(report["asked_again"].as_u64() > Some(0), "the gateway was away: {report}");
}
