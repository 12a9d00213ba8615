//! What a configuration says, and how what is wrong with it is told.

use super::*;
use crate::{
    keys,
    testing::{Folder, genesis},
};

const WHOLE: &str = r#"party = 2
lane = 1
http = "127.0.0.1:9001"
nodes = ["http://127.0.0.1:8001"]
approval = ["pay", "decide-request"]

[[users]]
name = "back-office"
token_sha256 = "AA00000000000000000000000000000000000000000000000000000000000000"
rights = ["read", "instruct"]

[[users]]
name = "controller"
token_sha256 = "bb00000000000000000000000000000000000000000000000000000000000000"
rights = ["approve"]
"#;

fn folder(toml: &str) -> Folder {
    let folder = Folder::new();
    fs::write(folder.0.join(NAME), toml).unwrap();
    fs::write(folder.0.join("genesis.bin"), genesis().to_bytes()).unwrap();
    keys::read_or_create(&folder.0.join("gateway.key")).unwrap();
    folder
}

/// Flags, and variables, as `field=text`.
fn given(flags: &[&str], variables: &[&str]) -> Given {
    let find = |of: &[&str], name: &str| {
        let said = of.iter().filter_map(|it| it.split_once('='));
        said.into_iter().find(|it| it.0 == name).map(|it| it.1.to_owned())
    };
    Given::of(|it| find(flags, it), |it| find(variables, it))
}

fn refused(toml: &str, given: &Given) -> String {
    Config::read(&folder(toml).0, given).err().expect("it is refused").to_string()
}

#[test]
fn flags_count_over_the_environment_and_that_over_the_file() {
    let folder = folder(WHOLE);
    let of_file = Config::read(&folder.0, &Given::default()).unwrap();
    assert_eq!(of_file.http.port(), 9001);
    assert!(of_file.history.ends_with("/data/history.sqlite"), "{}", of_file.history);
    let words: Vec<_> = of_file.approval.iter().map(String::as_str).collect();
    assert_eq!(
        words,
        ["add-key", "decide-request", "pay", "revoke-key"],
        "keys go with the others"
    );
    assert_eq!(of_file.users[0].token_sha256[..2], *"aa");
    let variables = [
        "FURIKAE_GATEWAY_HTTP=127.0.0.1:9002",
        "FURIKAE_GATEWAY_HISTORY=sqlite:/tmp/h",
        "FURIKAE_GATEWAY_NODES=http://a, http://b",
        "FURIKAE_GATEWAY_OUTBOX=",
        "FURIKAE_GATEWAY_APPROVAL=allocate",
    ];
    let config = Config::read(&folder.0, &given(&[], &variables)).unwrap();
    assert_eq!((config.http.port(), config.history.as_str()), (9002, "sqlite:/tmp/h"));
    assert_eq!(config.nodes, ["http://a", "http://b"]);
    assert!(config.outbox.ends_with("/data/outbox.sqlite"), "an empty variable says nothing");
    assert!(config.approval.contains("allocate") && !config.approval.contains("pay"));
    let flags = ["http=127.0.0.1:9003", "outbox=postgres://db/x"];
    let config = Config::read(&folder.0, &given(&flags, &variables)).unwrap();
    assert_eq!((config.http.port(), config.outbox.as_str()), (9003, "postgres://db/x"));
    assert_eq!(config.history, "sqlite:/tmp/h");
}

#[test]
fn what_the_file_does_not_say_may_be_said_otherwise() {
    let without = WHOLE.replace("http = \"127.0.0.1:9001\"\n", "");
    let error = refused(&without, &Given::default());
    for part in ["gateway.toml", "http", "FURIKAE_GATEWAY_HTTP", "--http"] {
        assert!(error.contains(part), "{error}");
    }
    let flags = given(&["http=127.0.0.1:0"], &[]);
    assert_eq!(Config::read(&folder(&without).0, &flags).unwrap().http.port(), 0);
}

#[test]
fn what_is_wrong_is_told_with_file_line_and_field() {
    let second = "bb00000000000000000000000000000000000000000000000000000000000000";
    let first = "AA00000000000000000000000000000000000000000000000000000000000000";
    for (from, to, line, field) in [
        ("lane = 1", "lane = \"one\"", "line 2", "lane"),
        ("lane = 1", "lanes = 1", "line 2", "lanes"),
        ("127.0.0.1:9001", "localhost", "line 3", "http"),
        ("http://127.0.0.1:8001", "127.0.0.1:8001", "line 4: nodes", "http://"),
        ("[\"http://127.0.0.1:8001\"]", "[]", "line 4: nodes", "none"),
        ("\"pay\"", "\"pya\"", "line 5: approval", "\"pya\""),
        (
            ", \"decide-request\"]",
            "]\nhistory = \"mysql://u:secret@h/d\"",
            "line 6: history",
            "sqlite:",
        ),
        ("[\"approve\"]", "[\"read\"]", "line 5: approval", "no other user has the right"),
        ("[\"approve\"]", "[\"aprove\"]", "line 15", "aprove"),
        ("[\"approve\"]", "[\"approve\"]\nasks = [\"dance\"]", "line 12: users", "\"dance\""),
        ("\"controller\"", "\"back-office\"", "line 12: users", "twice"),
        (second, first, "line 12: users", "same token"),
        (second, "bb", "line 12: users", "64 hexadecimal digits"),
    ] {
        let error = refused(&WHOLE.replacen(from, to, 1), &Given::default());
        assert!(error.contains("gateway.toml") && error.contains(line), "{to}: {error}");
        assert!(error.contains(field) && !error.contains("secret"), "{to}: {error}");
    }
}

#[test]
fn what_is_wrong_outside_of_the_file_is_told_with_its_name() {
    for (field, text) in [
        ("http", "localhost"),
        ("history", "mysql://h/d"),
        ("outbox", "data"),
        ("nodes", "127.0.0.1:1"),
        ("nodes", ","),
        ("approval", "pya"),
        ("approval", " , "),
    ] {
        let error = refused(WHOLE, &given(&[&format!("{field}={text}")], &[]));
        assert!(error.starts_with(&format!("--{field}: ")), "{error}");
        let name = given::variable(field);
        let error = refused(WHOLE, &given(&[], &[&format!("{name}={text}")]));
        assert!(error.starts_with(&format!("{name}: ")), "{error}");
    }
    let nobody = WHOLE.replace("[\"approve\"]", "[\"read\"]").replace("approval =", "# ");
    let error = refused(&nobody, &given(&["approval=pay"], &[]));
    assert!(error.starts_with("--approval: no other user has"), "{error}");
    let alone = WHOLE.replace("\"instruct\"]", "\"instruct\", \"approve\"]");
    let alone = alone.replace("rights = [\"approve\"]", "rights = [\"read\"]");
    let error = refused(&alone, &Given::default());
    assert!(error.contains("no other user has the right"), "who asks cannot approve: {error}");
}
