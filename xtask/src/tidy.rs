//! What the compiler cannot say about this repository, said by a program.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{arrows, files, formats, pages, paper};

/// Checks everything, prints each fault on a line, and says whether there was none.
pub fn run() -> bool {
    let sources = Sources::read(Path::new("."));
    let checks = [arrows::faults, files::faults, formats::faults, pages::faults, paper::faults];
    let faults: Vec<String> = checks.iter().flat_map(|check| check(&sources)).collect();
    for fault in &faults {
        eprintln!("tidy: {fault}");
    }
    println!("tidy: {} files, {} faults", sources.files.len(), faults.len());
    faults.is_empty()
}

/// The text files of the repository, by their path from its root.
pub struct Sources {
    /// Path and text, in the order of the paths.
    pub files: Vec<(String, String)>,
}

impl Sources {
    /// Reads all files below `root`, except Git's own and what builds leave behind.
    pub fn read(root: &Path) -> Self {
        let mut paths = Vec::new();
        walk(root, &mut paths);
        let text = |path: PathBuf| {
            let name = path.strip_prefix(root).expect("below the root").to_string_lossy();
            fs::read_to_string(&path).ok().map(|text| (name.into_owned(), text))
        };
        let mut files: Vec<(String, String)> = paths.into_iter().filter_map(text).collect();
        // By name, as it is looked up: a path sorts otherwise ("a.rs" after "a/b.rs").
        files.sort();
        Self { files }
    }

    /// The text at `path`.
    pub fn text(&self, path: &str) -> Option<&str> {
        let place = self.files.binary_search_by(|(it, _)| it.as_str().cmp(path)).ok()?;
        Some(&self.files[place].1)
    }

    /// Whether there is a file at `path`, or below it.
    pub fn has(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        let folder = format!("{path}/");
        self.files.iter().any(|(it, _)| it == path || it.starts_with(&folder))
    }

    /// The files whose names end so.
    pub fn ending<'a>(&'a self, end: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.files
            .iter()
            .map(|(a, b)| (a.as_str(), b.as_str()))
            .filter(move |it| it.0.ends_with(end))
    }
}

fn walk(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of the repository") {
        let entry = entry.expect("its entry");
        let name = entry.file_name().to_string_lossy().into_owned();
        let kind = entry.file_type().expect("its kind");
        let left_out = name == "target" || name == ".git";
        if left_out {
            continue;
        }
        if kind.is_dir() {
            walk(&entry.path(), paths);
        } else if kind.is_file() {
            paths.push(entry.path());
        }
    }
}

#[cfg(test)]
pub fn sources(files: &[(&str, &str)]) -> Sources {
    let mut files: Vec<(String, String)> =
        files.iter().map(|(path, text)| ((*path).into(), (*text).into())).collect();
    files.sort();
    Sources { files }
}
