//! The pages: links lead somewhere, and decisions have numbers of their own.

use std::collections::BTreeMap;

use crate::tidy::Sources;

/// Links to files that do not exist, and decisions that share a number.
pub fn faults(sources: &Sources) -> Vec<String> {
    let mut faults = Vec::new();
    for (path, text) in sources.ending(".md") {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let targets = text.split("](").skip(1).filter_map(|it| it.split([')', '#']).next());
        for target in targets.filter(|it| !it.is_empty() && !it.contains("://")) {
            if !resolve(folder, target).is_some_and(|it| sources.has(&it)) {
                faults.push(format!("{path}: links to {target}, which does not exist"));
            }
        }
    }
    let mut numbers = BTreeMap::new();
    for (path, _) in sources.ending(".md").filter(|(it, _)| it.starts_with("docs/decisions/")) {
        let number = &path["docs/decisions/".len()..].split('-').next().unwrap_or_default();
        if let Some(other) = numbers.insert((*number).to_string(), path) {
            faults.push(format!("{path}: has the number of {other}"));
        }
    }
    faults
}

/// The path that `target` means in a page of `folder`; `None` if it leaves the repository.
fn resolve(folder: &str, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|it| !it.is_empty()).collect();
    for part in target.split('/') {
        match part {
            "." | "" => (),
            ".." => drop(parts.pop()?),
            _ => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::faults;
    use crate::tidy::sources;

    #[test]
    fn links_lead_somewhere() {
        let a = "[b](docs/b.md#top) [web](https://example.org) [self](#here)";
        let good = [("A.md", a), ("docs/b.md", "[a](../A.md), [folder](../docs/)")];
        assert_eq!(faults(&sources(&good)), Vec::<String>::new());
        let bad = [("A.md", "[b](b.md)"), ("docs/b.md", "[c](../../A.md)")];
        assert_eq!(faults(&sources(&bad)).len(), 2);
    }

    #[test]
    fn decisions_have_numbers_of_their_own() {
        let files = [("docs/decisions/0001-a.md", ""), ("docs/decisions/0001-b.md", "")];
        assert_eq!(faults(&sources(&files)).len(), 1);
    }
}
