//! A node that does not run, on a real disk.

#![recursion_limit = "512"]

use std::{
    fs,
    path::{Path, PathBuf},
};

use ledger::Genesis;
use node::{Fault, offline::Lock};
use types::{BusinessDate, LedgerTime, Text, Wire as _};

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn folder(name: &str) -> Folder {
    let path = std::env::temp_dir().join(format!("furikae-offline-{}-{name}", std::process::id()));
    fs::create_dir_all(path.join("data")).unwrap();
    let genesis = Genesis {
        name: Text::new("test").unwrap(),
        time: LedgerTime(1_000),
        date: BusinessDate(20_000),
        epoch_blocks: 100,
        leader: 0,
        parties: Vec::new(),
        validators: Vec::new(),
        parameters: Vec::new(),
    };
    fs::write(path.join("genesis.bin"), genesis.to_bytes()).unwrap();
    Folder(path)
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

#[test]
fn what_is_made_anew_is_sound_and_a_changed_byte_of_it_is_named() {
    let folder = folder("sound");
    let rebuilt = node::rebuild(&folder.0, |_, _| ()).unwrap();
    assert_eq!(rebuilt.height, 0);
    let report = node::verify(&folder.0, |_, _| ()).unwrap();
    assert_eq!((report.height, report.damaged), (0, vec![]));
    assert_eq!(report.state_root, rebuilt.state_root);

    let mut all = Vec::new();
    files(&folder.0.join("data"), &mut all);
    let part = |it: &&PathBuf| it.to_string_lossy().contains("node-archive-changes-values");
    let file = all.iter().find(part).expect("genesis is kept");
    let mut bytes = fs::read(file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(file, bytes).unwrap();
    let report = node::verify(&folder.0, |_, _| ()).unwrap();
    let told: Vec<_> = report.damaged.iter().map(|it| it.file.as_str()).collect();
    assert_eq!(told, ["node-archive-changes"]);
    let again = node::rebuild(&folder.0, |_, _| ()).unwrap();
    assert_eq!(again, rebuilt);
    let report = node::verify(&folder.0, |_, _| ()).unwrap();
    assert_eq!(report.damaged, []);
    assert_eq!(report.state_root, rebuilt.state_root);
}

#[test]
fn data_that_another_process_works_on_or_that_are_not_there_are_left_alone() {
    let folder = folder("locked");
    let lock = Lock::take(&folder.0.join("data")).unwrap();
    for refused in [
        node::verify(&folder.0, |_, _| ()).err().unwrap(),
        node::rebuild(&folder.0, |_, _| ()).err().unwrap(),
        Lock::take(&folder.0.join("data")).err().unwrap(),
    ] {
        assert!(refused.to_string().contains("the node runs"), "{refused}");
    }
    drop(lock);
    assert!(node::verify(&folder.0, |_, _| ()).is_ok());

    fs::remove_dir_all(folder.0.join("data")).unwrap();
    let refused = node::verify(&folder.0, |_, _| ()).err().unwrap();
    assert!(matches!(&refused, Fault::File { why, .. } if why.contains("keeps nothing")));
    fs::remove_file(folder.0.join("genesis.bin")).unwrap();
    let refused = node::rebuild(&folder.0, |_, _| ()).err().unwrap();
    assert!(refused.to_string().contains("genesis.bin"), "{refused}");
}
