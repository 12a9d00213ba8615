//! `docs/paper.md`: a row for each function the paper names, and code and tests that exist.

use std::collections::BTreeSet;

use crate::tidy::Sources;

/// The checklist's chapters, and how many rows each has.
const CHAPTERS: [(char, u32); 8] =
    [('A', 18), ('B', 15), ('C', 6), ('D', 10), ('E', 24), ('F', 10), ('G', 10), ('H', 9)];

const PAGE: &str = "docs/paper.md";

/// Rows that are missing, unknown or twice, and files and tests that are named and do not exist.
pub fn faults(sources: &Sources) -> Vec<String> {
    let mut wanted: BTreeSet<String> = CHAPTERS
        .iter()
        .flat_map(|(it, last)| (1..=*last).map(move |n| format!("{it}{n}")))
        .collect();
    let mut faults = Vec::new();
    for row in rows(sources.text(PAGE).unwrap_or_default()) {
        let [id, _, code, test] = row.as_slice() else {
            faults.push(format!("{PAGE}: {} has not four cells", row.join(" | ")));
            continue;
        };
        if !wanted.remove(*id) {
            faults.push(format!("{PAGE}: {id} is unknown, or there twice"));
        }
        let parts = named(code).into_iter().chain(named(test));
        let missing = parts.filter(|it| !exists(sources, it));
        faults.extend(missing.map(|it| format!("{PAGE}: {id} names {it}, which does not exist")));
        if [code, test].iter().any(|cell| named(cell).is_empty() && !cell.starts_with("open")) {
            faults.push(format!("{PAGE}: {id} says neither what shows it nor `open`"));
        }
    }
    faults.extend(wanted.iter().map(|it| format!("{PAGE}: no row for {it}")));
    faults
}

/// The cells of each row: id, feature, code, test.
fn rows(page: &str) -> Vec<Vec<&str>> {
    let lines = page.lines().filter(|it| it.starts_with("| ") && !it.starts_with("| id"));
    lines.map(|it| it.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

/// What a cell names between backticks.
fn named(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// Whether `path` exists, or for `path::test` a test of that name in it.
fn exists(sources: &Sources, name: &str) -> bool {
    match name.split_once("::") {
        None => sources.has(name),
        Some((path, test)) => {
            let test = test.rsplit("::").next().unwrap_or(test);
            sources.text(path).is_some_and(|text| text.contains(&format!("fn {test}(")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CHAPTERS, faults};
    use crate::tidy::sources;

    fn page(first: &str) -> String {
        let ids =
            CHAPTERS.iter().flat_map(|(it, last)| (1..=*last).map(move |n| format!("{it}{n}")));
        let open = ids.skip(1).map(|id| format!("| {id} | feature | open | open |\n"));
        format!(
            "| id | feature | code | test |\n|---|---|---|---|\n{first}{}",
            open.collect::<String>()
        )
    }

    fn found(first: &str) -> Vec<String> {
        let code = ("crates/a/src/b.rs", "//! B.\n#[test]\nfn holds() {}\n");
        faults(&sources(&[("docs/paper.md", &page(first)), code]))
    }

    #[test]
    fn what_is_named_exists() {
        let good = "| A1 | x | `crates/a/src/b.rs` | `crates/a/src/b.rs::holds` |\n";
        assert_eq!(found(good), Vec::<String>::new());
        assert_eq!(found("| A1 | x | `crates/a/src/c.rs` | open |\n").len(), 1);
        assert_eq!(found("| A1 | x | `crates/a` | `crates/a/src/b.rs::fails` |\n").len(), 1);
        assert_eq!(found("| A1 | x | | open |\n").len(), 1);
        assert_eq!(found("| A1 | x | open |\n").len(), 2);
        assert_eq!(found("").len(), 1);
        assert_eq!(found("| A2 | x | open | open |\n").len(), 2);
    }
}
