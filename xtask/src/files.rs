//! Rules for single files: a first line, a length, and words that may not stand there.

use crate::tidy::Sources;

/// Crates that are pure: no clock, thread, file or socket exists in them.
const PURE: [&str; 3] = ["types", "crypto", "ledger"];

/// Most lines of a file, its tests apart.
const LINES_MAX: usize = 400;

/// Files that may be longer than that, and up to what length.
const LONGER: [(&str, usize); 1] = [("crates/ledger/src/trade.rs", 480)];

/// Words that belong to a workplace, not to the project, in halves so that this file passes; and why.
const WORKPLACE: [([&str; 2], &str); 6] = [
    (["FIX", "ME"], "mend it, or write down what is open where it is read"),
    (["TO", "DO:"], "do it, or write down what is open where it is read"),
    (["/wo", "rk/"], "a path of one machine"),
    (["/ro", "ot/"], "a path of one machine"),
    (["/ho", "me/"], "a path of one machine"),
    (["issues ", "show"], "a tool of one workplace"),
];

/// Every file that breaks a rule, with the line where it does.
pub fn faults(sources: &Sources) -> Vec<String> {
    let mut faults = Vec::new();
    for (path, text) in sources.ending(".rs") {
        if !text.starts_with("//!") {
            faults.push(format!("{path}: begins without a `//!` line that says what it is"));
        }
        faults.extend(length(path, text));
        faults.extend(impure(path, text));
    }
    for name in PURE {
        let path = format!("crates/{name}/src/lib.rs");
        if sources.text(&path).is_some_and(|text| !text.contains("#![no_std]")) {
            faults.push(format!("{path}: is without `#![no_std]`"));
        }
    }
    for (path, text) in &sources.files {
        faults.extend(workplace(path, text));
    }
    faults
}

fn length(path: &str, text: &str) -> Option<String> {
    let lines = production(text).count();
    let allowed = LONGER.iter().find(|(it, _)| *it == path).map_or(LINES_MAX, |(_, max)| *max);
    let tests = path.contains("/tests/") || path.ends_with("/tests.rs");
    let fault = format!("{path}: {lines} lines, at most {allowed} are readable at one go");
    (lines > allowed && !tests).then_some(fault)
}

/// The lines before the tests at the end of a file.
fn production(text: &str) -> impl Iterator<Item = &str> {
    let tests = text
        .match_indices("#[cfg(test)]\nmod ")
        .find(|(at, _)| text[*at..].lines().nth(1).is_some_and(|line| line.ends_with('{')));
    text[..tests.map_or(text.len(), |(at, _)| at)].lines()
}

fn impure(path: &str, text: &str) -> Vec<String> {
    let pure = PURE.iter().any(|name| path.starts_with(&format!("crates/{name}/src/")));
    if !pure {
        return Vec::new();
    }
    let mut faults = Vec::new();
    let mut before = "";
    for (line, number) in production(text).zip(1..) {
        if line.trim_start().starts_with("extern crate std") && before.trim() != "#[cfg(test)]" {
            faults.push(format!("{path}:{number}: `extern crate std`: this crate is pure"));
        }
        if line.contains(":p}") {
            faults
                .push(format!("{path}:{number}: `:p` shows an address, another on every machine"));
        }
        before = line;
    }
    faults
}

fn workplace(path: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        for (halves, why) in WORKPLACE {
            let word = halves.concat();
            if line.contains(&word) {
                faults.push(format!("{path}:{number}: `{word}`: {why}"));
            }
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::faults;
    use crate::tidy::sources;

    fn found(path: &str, text: &str) -> Vec<String> {
        faults(&sources(&[(path, text)]))
    }

    #[test]
    fn a_good_file_has_no_faults() {
        let text = "//! Words.\n#[cfg(test)]\nextern crate std;\n";
        assert!(found("crates/ledger/src/words.rs", text).is_empty());
        let long_tests =
            format!("//! Words.\n#[cfg(test)]\nmod tests {{\n{}}}\n", "//\n".repeat(500));
        assert!(found("crates/ledger/src/words.rs", &long_tests).is_empty());
        assert!(found("crates/node/src/words.rs", "//! Words.\nextern crate std;\n").is_empty());
    }

    #[test]
    fn each_rule_refuses() {
        assert_eq!(found("crates/node/src/a.rs", "fn a() {}\n").len(), 1);
        assert_eq!(
            found("crates/node/src/a.rs", &format!("//! A.\n{}", "//\n".repeat(400))).len(),
            1
        );
        assert_eq!(found("crates/ledger/src/a.rs", "//! A.\nextern crate std;\n").len(), 1);
        assert_eq!(found("crates/types/src/a.rs", "//! A.\nwrite!(f, \"{:p}\", a)\n").len(), 1);
        assert_eq!(found("crates/types/src/a.rs", "//! A.\nwrite!(f, \"{a:p}\")\n").len(), 1);
        assert_eq!(found("crates/types/src/lib.rs", "//! A.\n").len(), 1);
        assert_eq!(found("docs/a.md", &["see /ro", "ot/notes"].concat()).len(), 1);
    }
}
