//! The table of crates in `ARCHITECTURE.md`, compared with the manifests, both ways.

use std::collections::{BTreeMap, BTreeSet};

use crate::tidy::Sources;

/// Each crate, and which others it uses.
type Arrows = BTreeMap<String, BTreeSet<String>>;

/// Crates without a row, rows without a crate, and arrows that differ.
pub fn faults(sources: &Sources) -> Vec<String> {
    let (map, country) = (drawn(sources), built(sources));
    let mut faults = Vec::new();
    for (name, uses) in &country {
        match map.get(name) {
            None => faults.push(format!("ARCHITECTURE.md: no row for crates/{name}")),
            Some(row) => {
                let line = |what, it| format!("ARCHITECTURE.md: {name} -> {it} {what}");
                let missing = uses.difference(row).map(|it| line("is used and not drawn", it));
                let unused = row.difference(uses).map(|it| line("is drawn and not used", it));
                faults.extend(missing.chain(unused));
            }
        }
    }
    let gone = map.keys().filter(|it| !country.contains_key(*it));
    faults.extend(gone.map(|it| format!("ARCHITECTURE.md: crates/{it} does not exist")));
    faults
}

/// The rows of the first table: name and arrows.
fn drawn(sources: &Sources) -> Arrows {
    let text = sources.text("ARCHITECTURE.md").unwrap_or_default();
    let table = text.lines().skip_while(|it| !it.starts_with("| crate")).skip(2);
    let rows = table.take_while(|it| it.starts_with('|'));
    rows.filter_map(|row| {
        let mut cells = row.split('|').skip(1).map(str::trim);
        let name = cells.next()?.to_string();
        let uses = cells.next()?.split_whitespace().map(str::to_string).collect();
        Some((name, uses))
    })
    .collect()
}

/// What the manifests say, tests included.
fn built(sources: &Sources) -> Arrows {
    let manifests = sources.ending("/Cargo.toml").filter_map(|(path, text)| {
        let name = path.strip_prefix("crates/")?.strip_suffix("/Cargo.toml")?;
        Some((name, text))
    });
    let manifests: BTreeMap<&str, &str> = manifests.collect();
    let uses = |name: &str, text: &str| {
        used(text)
            .filter(|it| manifests.contains_key(it) && *it != name)
            .map(str::to_string)
            .collect()
    };
    manifests.iter().map(|(name, text)| ((*name).to_string(), uses(name, text))).collect()
}

/// The names under every heading of dependencies.
fn used(manifest: &str) -> impl Iterator<Item = &str> {
    let mut inside = false;
    manifest.lines().filter_map(move |line| {
        if line.starts_with('[') {
            inside = line.trim_end_matches(']').ends_with("dependencies");
            return None;
        }
        line.split(['.', ' ', '=']).next().filter(|it| inside && !it.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::faults;
    use crate::tidy::sources;

    const MAP: &str = "# Map\n\n| crate | uses | is |\n|---|---|---|\n| a | | x |\n| b | a | y |\n";

    #[test]
    fn a_true_map_has_no_faults() {
        let b = "[dependencies]\na.workspace = true\nserde = \"1\"\n[lints]\nworkspace = true\n";
        let files =
            [("ARCHITECTURE.md", MAP), ("crates/a/Cargo.toml", ""), ("crates/b/Cargo.toml", b)];
        assert_eq!(faults(&sources(&files)), Vec::<String>::new());
    }

    #[test]
    fn every_difference_is_named() {
        let a = "[dev-dependencies]\nb = { workspace = true }\n";
        let files = [
            ("ARCHITECTURE.md", MAP),
            ("crates/a/Cargo.toml", a),
            ("crates/b/Cargo.toml", "[dependencies]\n"),
            ("crates/c/Cargo.toml", ""),
        ];
        let found = faults(&sources(&files));
        assert_eq!(
            found,
            [
                "ARCHITECTURE.md: a -> b is used and not drawn",
                "ARCHITECTURE.md: b -> a is drawn and not used",
                "ARCHITECTURE.md: no row for crates/c",
            ]
        );
        let gone = [("ARCHITECTURE.md", MAP), ("crates/a/Cargo.toml", "")];
        assert_eq!(faults(&sources(&gone)), ["ARCHITECTURE.md: crates/b does not exist"]);
    }
}
