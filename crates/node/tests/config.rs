//! A node's folder is read, or the file, the line and the field that are wrong are named.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use crypto::keys::SecretKey;
use ledger::Genesis;
use node::{Config, Fault, config::Role};
use types::{BusinessDate, LedgerTime, Text, Wire as _};

const TOML: &str = r#"name = "validator-1"
role = "validator"
listen = "127.0.0.1:4001"
http = "127.0.0.1:0"
pace_ms = 1000

[[peers]]
key = "PEER"
address = "127.0.0.1:4002"
"#;

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Folder {
    fn path(&self) -> &Path {
        &self.0
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.0.join(name);
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn refused(&self) -> String {
        match Config::read(&self.0) {
            Ok(_) => panic!("it is taken"),
            Err(fault) => fault.to_string(),
        }
    }
}

fn secret(seed: u8) -> SecretKey {
    SecretKey::from_seed([seed; 32])
}

fn toml() -> String {
    TOML.replace("PEER", &hex::encode(secret(2).public().0))
}

fn genesis() -> Genesis {
    Genesis {
        name: Text::new("test").unwrap(),
        time: LedgerTime(1_000),
        date: BusinessDate(20_000),
        epoch_blocks: 100,
        leader: 0,
        parties: Vec::new(),
        validators: Vec::new(),
        parameters: Vec::new(),
    }
}

fn folder(name: &str) -> Folder {
    let path = std::env::temp_dir().join(format!("furikae-node-{}-{name}", std::process::id()));
    fs::create_dir_all(&path).unwrap();
    let folder = Folder(path);
    folder.write("node.toml", toml());
    folder.write("genesis.bin", genesis().to_bytes());
    folder.write("node.key", format!("{}\n", hex::encode([1; 32])));
    folder
}

#[test]
fn a_folder_is_read() {
    let folder = folder("read");
    let config = Config::read(folder.path()).unwrap();
    assert_eq!((config.name.as_str(), config.role), ("validator-1", Role::Validator));
    assert_eq!(config.pace_ms, 1_000);
    assert_eq!((config.listen.port(), config.http.port()), (4_001, 0));
    assert_eq!(config.peers.len(), 1);
    assert_eq!(config.peers[0].key, secret(2).public());
    assert_eq!(config.key.public(), secret(1).public());
    assert_eq!(config.genesis, genesis());
    assert_eq!(config.http_limits, node::http::Limits::default());

    folder.write(
        "node.toml",
        toml().replace("\n[[peers]]", "[http_limits]\nstreams = 3\n\n[[peers]]"),
    );
    assert_eq!(Config::read(folder.path()).unwrap().http_limits.streams, 3);
}

#[test]
fn a_line_of_node_toml_that_is_wrong_is_named() {
    let folder = folder("toml");
    let key = hex::encode(secret(2).public().0);
    let own = hex::encode(secret(1).public().0);
    let twice = format!("{}\n[[peers]]\nkey = \"{key}\"\naddress = \"127.0.0.1:3\"\n", toml());
    for (text, words) in [
        (toml().replace("name =", "nmae ="), &["line 1", "nmae"][..]),
        (toml().replace("validator\"\nlisten", "boss\"\nlisten"), &["line 2", "boss"]),
        (toml().replace("127.0.0.1:4001", "here"), &["line 3"]),
        (toml().replace("http = \"127.0.0.1:0\"\n", ""), &["http"]),
        (toml().replace("1000", "-1"), &["line 5"]),
        (toml().replace("1000", "0"), &["pace_ms = 0"]),
        (toml().replace("1000", "1001"), &["pace_ms = 1001"]),
        (toml().replace(&key, "00ff"), &["line 8", "64 hexadecimal digits"]),
        (toml().replace(&key, &own), &["own key"]),
        (twice, &["twice", &key]),
        (toml() + "colour = 1\n", &["line 10", "colour"]),
        (toml().replace("\"validator-1\"", "\"validator-1"), &["line 1"]),
    ] {
        folder.write("node.toml", &text);
        let refused = folder.refused();
        for word in [&["node.toml"], words].concat() {
            assert!(refused.contains(word), "{word:?} is not in: {refused}\n{text}");
        }
    }
    folder.write("node.toml", b"name = \"\xff\"");
    assert!(folder.refused().contains("UTF-8"));
}

#[test]
fn an_interface_that_is_not_on_loopback_is_refused() {
    let folder = folder("loopback");
    for address in ["0.0.0.0:80", "[::]:80", "192.0.2.1:80"] {
        folder.write("node.toml", toml().replace("127.0.0.1:0", address));
        assert!(
            matches!(Config::read(folder.path()), Err(Fault::Http(listen::Fault::NotLoopback(_)))),
            "{address}"
        );
    }
}

#[test]
fn a_genesis_or_a_key_that_is_wrong_is_named() {
    let folder = folder("files");
    let bytes = genesis().to_bytes();
    for bad in [&bytes[..bytes.len() - 1], &[], &[bytes.as_slice(), &[0]].concat()] {
        folder.write("genesis.bin", bad);
        assert!(folder.refused().contains("genesis.bin: no genesis: "), "{}", folder.refused());
    }
    folder.write("genesis.bin", &bytes);
    for bad in ["", "00", &"g".repeat(64), &hex::encode([1; 33])] {
        folder.write("node.key", bad);
        let refused = folder.refused();
        assert!(refused.contains("node.key: it does not hold 64"), "{refused}");
    }
    folder.write("node.key", "0".repeat(5_000));
    assert!(folder.refused().contains("too many"));
    folder.write("node.key", hex::encode([1; 32]));
    let open = fs::Permissions::from_mode(0o644);
    fs::set_permissions(folder.path().join("node.key"), open).unwrap();
    assert!(folder.refused().contains("others may read it (mode 644)"), "{}", folder.refused());

    for name in ["node.toml", "genesis.bin", "node.key"] {
        let folder = self::folder("absent");
        fs::remove_file(folder.path().join(name)).unwrap();
        assert!(folder.refused().contains(name), "{}", folder.refused());
    }
}
