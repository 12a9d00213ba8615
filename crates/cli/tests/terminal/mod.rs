//! A terminal: what somebody types there, and what is left of it.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

pub fn furikae(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_furikae"));
    command.args(arguments).output().unwrap()
}

/// What it says on its error stream.
pub fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The processes that were started for the market in `folder` and have not ended.
pub fn left(folder: &Path) -> Vec<String> {
    let folder = folder.to_str().unwrap();
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|it| fs::read(it.path().join("cmdline")).ok());
    let lines = lines.map(|it| String::from_utf8_lossy(&it).replace('\0', " "));
    lines.filter(|it| it.contains(folder)).collect()
}
