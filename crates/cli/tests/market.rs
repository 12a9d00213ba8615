//! Whole markets of processes, as somebody at a terminal starts them. None is left when a test ends.

mod terminal;

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Output,
    sync::{Mutex, MutexGuard},
};

use ledger::script;
use serde_json::Value;

use terminal::{furikae, left, said};

/// One market at a time: four validators take the machine.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn market_script(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../markets").join(name);
    path.to_str().unwrap().into()
}

/// A folder that does not exist yet.
fn folder(name: &str) -> PathBuf {
    let name = format!("furikae-test-{name}-{}", std::process::id());
    std::env::temp_dir().join(name)
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|why| panic!("{why}: {}", said(output)))
}

#[test]
fn a_script_has_the_same_outcome_on_four_processes_and_in_one_thread() {
    let _alone = alone();
    let file = market_script("gridlock.market");
    let [network, sim, rules] = ["network", "sim", "ledger"].map(|on| {
        let output = furikae(&["market", "run", &file, "--on", on, "--json"]);
        assert!(output.status.success(), "{on}: {}", said(&output));
        json(&output)
    });
    assert_eq!(network, sim);
    assert_eq!(sim, rules);
    let expectations = &sim["expectations"];
    assert!(expectations["held"].as_u64() > Some(10), "{expectations}");
    assert_eq!(expectations["failed"], Value::Array(Vec::new()));
    assert_eq!(sim["positions_digest"].as_str().unwrap().len(), 64);
}

#[test]
fn a_running_market_takes_scripts_that_begin_as_it_did_and_no_others() {
    let _alone = alone();
    let (dir, file) = (folder("scripts"), market_script("dvp.market"));
    let at = dir.to_str().unwrap();
    let up = ["market", "up", "--dir", at, "--script", &file, "--validators", "1", "--detach"];
    let up = furikae(&[&up[..], &["--epoch-blocks", "20"]].concat());
    assert!(up.status.success(), "{}", said(&up));
    let run = |file: &str| furikae(&["market", "run", file, "--dir", at, "--json"]);
    let other = run(&market_script("queue-rules.market"));
    let (first, again) = (run(&file), run(&file));
    what_is_not_there_is_answered_with_no(at);
    a_position_of_the_past_is_proved(&dir);
    all_owners_of_the_past_are_proved(&dir);
    a_node_that_was_killed_starts_again_at_once(at);
    let down = furikae(&["market", "down", "--dir", at, "--purge", "--json"]);
    assert!(down.status.success(), "{}", said(&down));
    assert_eq!(left(&dir), Vec::<String>::new());
    assert_eq!(json(&down)["nodes"][0]["pid"], Value::Null);

    assert_eq!(other.status.code(), Some(2), "{}", said(&other));
    assert!(said(&other).contains("did not begin as that of"), "{}", said(&other));
    assert!(first.status.success(), "{}", said(&first));
    assert_eq!(again.status.code(), Some(1), "its parties are there already: {}", said(&again));
    assert!(said(&again).contains("refused, party-exists"), "{}", said(&again));
    assert_ne!(json(&again)["expectations"]["failed"], Value::Array(Vec::new()));
}

fn what_is_not_there_is_answered_with_no(at: &str) {
    for asked in [
        ["registry", "JP3633400001", "--as-of", "1"],
        ["registry", "JPY", "--as-of", "100000000"],
        ["registry", "JPY", "--as-of", "9999-01-01T00:00:00Z"],
    ] {
        let output = furikae(&[&asked[..], &["--dir", at, "--json"]].concat());
        assert_eq!(output.status.code(), Some(1), "{asked:?}: {}", said(&output));
        assert!(output.stdout.is_empty());
    }
    let output = furikae(&["registry", "nothing", "--dir", at]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
}

/// A position that changed later is proved by that change; one that did not is attested by its manager.
fn a_position_of_the_past_is_proved(dir: &Path) {
    let at = dir.to_str().unwrap();
    let ask = |asked: &[&str]| furikae(&[asked, &["--dir", at, "--json"]].concat());
    let settled = json(&ask(&["instructions", "--status", "settled"]));
    let heights = settled.as_array().unwrap().iter().map(|it| it["height"].as_u64().unwrap());
    let first = heights.min().unwrap().to_string();
    let renewed = path_in(dir, "renewed.json");
    let validators = ask(&["validators", "--out", &renewed]);
    assert!(json(&validators)["known_to_epoch"].as_u64() > Some(0), "{}", said(&validators));

    let (emi, proof) = (script::account("emi").to_string(), path_in(dir, "emi.proof"));
    let prove = |moment: &str, by: &[&str]| {
        let position = ["positions", "--account", &emi, "--as-of", moment];
        ask(&[&position[..], &["--certificate", &proof], by].concat())
    };
    let verify = || {
        let verdict = furikae(&["verify", &proof, "--validators", &renewed, "--json"]);
        assert!(verdict.status.success(), "{}", said(&verdict));
        json(&verdict)
    };
    let proved = prove(&first, &[]);
    assert!(proved.status.success(), "{}", said(&proved));
    let (proved, verdict) = (json(&proved), verify());
    assert_eq!(proved["positions"][0]["available"], "900");
    assert_eq!(verdict["says"], proved["certificate"]["says"]);
    assert_eq!((verdict["height"].to_string(), &verdict["kind"]), (first, &"as-of".into()));
    assert!(verdict["says"].as_str().unwrap().ends_with(": 900 units"), "{verdict}");

    let now = json(&ask(&["positions"]))["height"].to_string();
    let unchanged = prove(&now, &[]);
    assert_eq!(unchanged.status.code(), Some(1), "{}", said(&unchanged));
    assert!(said(&unchanged).contains("to mend it: its owner attests it first"));
    let proved = prove(&now, &["--as", &with_key(dir, "aoba")]);
    assert!(proved.status.success(), "{}", said(&proved));
    assert_eq!(verify()["height"].to_string(), now);
}

/// The owners of a share, as of a height, a time, and just now.
fn all_owners_of_the_past_are_proved(dir: &Path) {
    let at = dir.to_str().unwrap();
    let ask = |asked: &[&str]| furikae(&[asked, &["--dir", at, "--json"]].concat());
    let positions = json(&ask(&["positions"]));
    let instruments = positions["positions"].as_array().unwrap().iter();
    let mut instruments = instruments.map(|it| it["instrument"].as_str().unwrap());
    let share = instruments.find(|it| it.len() == 12).unwrap();
    let settled = json(&ask(&["instructions", "--status", "settled"]));
    let heights = settled.as_array().unwrap().iter().map(|it| it["height"].as_u64().unwrap());
    let first = heights.min().unwrap().to_string();
    let (file, validators) = (path_in(dir, "owners.proof"), path_in(dir, "renewed.json"));
    let prove = |moment: &str, by: &[&str]| {
        let registry = ["registry", share, "--as-of", moment, "--certificate", &file];
        ask(&[&registry[..], by].concat())
    };
    let proved = |moment: &str, by: &[&str]| {
        let proved = prove(moment, by);
        assert!(proved.status.success(), "{}", said(&proved));
        let verdict = furikae(&["verify", &file, "--validators", &validators, "--json"]);
        assert!(verdict.status.success(), "{}", said(&verdict));
        let (proved, verdict) = (json(&proved), json(&verdict));
        for field in ["says", "height", "time"] {
            assert_eq!(verdict[field], proved["certificate"][field]);
        }
        assert_eq!((&verdict["kind"], &verdict["height"]), (&"registry".into(), &proved["height"]));
        let owners = proved["holders"].as_array().unwrap().len() as u64;
        assert!(fs::metadata(&file).unwrap().len() - 24 * owners <= 4 * 1_024);
        (proved, verdict["says"].as_str().unwrap().to_owned())
    };
    let (then, says) = proved(&first, &[]);
    let words =
        format!("{share} had 2 owners and no other: 1000 units in all, as of block {first}");
    assert_eq!((says, &then["total"]), (words, &"1000".into()));
    let (same, says) = proved(then["time"].as_str().unwrap(), &[]);
    assert_eq!((&same["holders"], &same["height"]), (&then["holders"], &then["height"]));
    assert!(says.ends_with(&format!("as of {}", then["time"].as_str().unwrap())), "{says}");

    let now = json(&ask(&["registry", share]));
    let height = now["height"].to_string();
    let unchanged = prove(&height, &[]);
    assert_eq!(unchanged.status.code(), Some(1), "{}", said(&unchanged));
    assert!(said(&unchanged).contains("to mend it: its issuer attests it first"));
    let stranger = prove(&height, &["--as", &with_key(dir, "aoba")]);
    assert!(said(&stranger).contains("not-issuer"), "{}", said(&stranger));
    let (attested, _) = proved(&height, &["--as", &with_key(dir, "sakura")]);
    assert_eq!(attested["holders"], now["holders"]);

    let changed = json(&ask(&["registry", share, "--from", &first]));
    assert_eq!(changed["from"]["height"].to_string(), first);
    assert_eq!(changed["changes"].as_array().unwrap().len(), 2, "{changed}");
    let backwards = ask(&["registry", share, "--from", &height, "--as-of", &first]);
    assert_eq!(backwards.status.code(), Some(2), "{}", said(&backwards));
    let money = ask(&["registry", "JPY", "--as-of", &first, "--certificate", &file]);
    assert_eq!(money.status.code(), Some(2), "{}", said(&money));
}

/// The name of a script's party, whose key lies in the market's folder from now on.
fn with_key(dir: &Path, word: &str) -> String {
    let party = format!("party-{}", script::party(word).0);
    let key = dir.join("keys").join(format!("{party}.key"));
    let seed = script::secret(word, types::KeyId(0)).seed();
    fs::write(&key, seed.iter().map(|it| format!("{it:02x}")).collect::<String>()).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    party
}

fn path_in(dir: &Path, name: &str) -> String {
    dir.join(name).to_str().unwrap().into()
}

fn a_node_that_was_killed_starts_again_at_once(at: &str) {
    for asked in [&["stop", "validator-1", "--kill"][..], &["start", "validator-1"]] {
        let output = furikae(&[&["market"], asked, &["--dir", at]].concat());
        assert!(output.status.success(), "{asked:?}: {}", said(&output));
    }
    let status = furikae(&["market", "status", "--dir", at, "--output", "csv"]);
    let text = String::from_utf8_lossy(&status.stdout);
    let columns = "name,kind,pid,height,time,state_root,voting,rss_mb,disk_mb,data_dir,listen.p2p,\
        listen.api\nvalidator-1,validator,";
    assert!(text.starts_with(columns), "{text}");
}

#[test]
fn a_file_that_is_no_script_is_refused_with_its_line() {
    let path = folder("script.market");
    fs::write(&path, "furikae admits aoba as issuer\n\naoba delivrs 1\n").unwrap();
    let output = furikae(&["market", "run", path.to_str().unwrap(), "--on", "sim"]);
    fs::remove_file(&path).unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = said(&output);
    assert!(said.contains("line 3: `delivrs` is nothing"), "{said}");
    assert!(said.contains("to mend it: write one of"), "{said}");
    assert!(output.stdout.is_empty());
}

#[test]
fn a_script_that_waits_too_long_for_a_network_is_refused_before_it_asks() {
    let path = folder("long.market");
    fs::write(&path, "furikae admits aoba as issuer\nwait 6 minutes\n").unwrap();
    let run = |on| furikae(&["market", "run", path.to_str().unwrap(), "--on", on, "--json"]);
    let (network, sim) = (run("network"), run("sim"));
    fs::remove_file(&path).unwrap();
    assert_eq!(network.status.code(), Some(2));
    assert!(said(&network).contains("line 2: it waits for more than 5 minutes"));
    assert!(sim.status.success(), "{}", said(&sim));
}

#[test]
fn the_demo_day_holds_and_leaves_no_process() {
    let _alone = alone();
    let dir = folder("demo");
    let output = furikae(&["market", "demo", "--once", "--dir", dir.to_str().unwrap()]);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(left(&dir), Vec::<String>::new());
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(told.contains("all of it held"), "{told}");
    fs::remove_dir_all(&dir).unwrap();
}
