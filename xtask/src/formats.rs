//! `docs/formats/fields.md`, made from the code: every record and choice, field by field.

use std::{collections::BTreeMap, fmt::Write, fs};

use crate::{
    declaration::{self, Declaration, Field},
    tidy::Sources,
};

const PAGE: &str = "docs/formats/fields.md";

const INTRODUCTION: &str = "# Fields

Every record and choice of the encoding, by the file that declares it. Made by `cargo xtask formats`; the rules stand in
[README.md](README.md). *At* is the place of a field's first byte, counted from 0, where it is always the same; *bytes* is its length.
In a choice, the first byte says which.
";

/// Words whose encoding is written by hand, and how many bytes they have; 0 = it varies.
const WORDS: [(&str, u64); 24] = [
    ("AccountId", 16),
    ("Bic", 11),
    ("BusinessDate", 4),
    ("Bytes", 0),
    ("Cfi", 6),
    ("ChainId", 32),
    ("Currency", 3),
    ("Databases", 0),
    ("Handles", 0),
    ("Digest", 32),
    ("InstrumentId", 12),
    ("Isin", 12),
    ("KeyId", 4),
    ("Lane", 2),
    ("LedgerTime", 8),
    ("Lei", 20),
    ("Mic", 4),
    ("Owners", 0),
    ("PartyId", 4),
    ("Place", 28),
    ("Point", 32),
    ("PublicKey", 32),
    ("Roles", 2),
    ("bool", 1),
];

/// Writes the page.
pub fn run() -> bool {
    let sources = Sources::read(std::path::Path::new("."));
    match page(&sources) {
        Ok(text) => fs::write(PAGE, text).is_ok(),
        Err(why) => {
            eprintln!("formats: {why}");
            false
        }
    }
}

/// Whether the page says what the code says.
pub fn faults(sources: &Sources) -> Vec<String> {
    match page(sources) {
        Ok(text) if Some(text.as_str()) == sources.text(PAGE) => Vec::new(),
        Ok(_) => vec![format!("{PAGE}: is not what the code says (cargo xtask formats)")],
        Err(why) => vec![format!("{PAGE}: {why}")],
    }
}

fn page(sources: &Sources) -> Result<String, String> {
    let mut files = Vec::new();
    for (path, text) in sources.ending(".rs").filter(|(it, _)| it.starts_with("crates/")) {
        let found = declaration::read(text).map_err(|why| format!("{path}: {why}"))?;
        files.push((path, found));
    }
    let all = files.iter().flat_map(|(_, found)| found);
    let names: BTreeMap<&str, &Declaration> = all.map(|it| (it.name.as_str(), it)).collect();
    let mut out = INTRODUCTION.to_string();
    for (path, found) in files.iter().filter(|(_, found)| !found.is_empty()) {
        write!(out, "\n## {path}\n").expect("a text takes more");
        found.iter().try_for_each(|it| section(&mut out, it, &names))?;
    }
    Ok(out)
}

type Names<'a> = BTreeMap<&'a str, &'a Declaration>;

fn section(out: &mut String, it: &Declaration, names: &Names<'_>) -> Result<(), String> {
    write!(out, "\n### {}\n\n{}\n\n", it.name, it.doc).expect("a text takes more");
    out.push_str("| at | bytes | field | type | |\n|---|---|---|---|---|\n");
    for variant in &it.variants {
        let mut at = Some(0);
        if let Some(tag) = variant.tag {
            let (name, doc) = (&variant.name, &variant.doc);
            writeln!(out, "| 0 | 1 | **{tag:02x} {name}** | | {doc} |").expect("a text takes more");
            at = Some(1);
        }
        for Field { name, kind, doc } in &variant.fields {
            let len = size(kind, names)?;
            let [place, bytes] = [at, len].map(|it| it.map_or(String::new(), |n| n.to_string()));
            writeln!(out, "| {place} | {bytes} | {name} | `{kind}` | {doc} |")
                .expect("a text takes more");
            at = at.zip(len).map(|(at, len)| at + len);
        }
    }
    Ok(())
}

/// How many bytes a type has; `None` if it varies.
fn size(kind: &str, names: &Names<'_>) -> Result<Option<u64>, String> {
    let kind =
        kind.rsplit_once("::").filter(|_| !kind.contains('<')).map_or(kind, |(_, last)| last);
    if let Some(bits) = kind.strip_prefix(['u', 'i']).and_then(|it| it.parse::<u64>().ok()) {
        return Ok(Some(bits / 8));
    }
    if let Some((_, len)) = WORDS.iter().find(|(word, _)| *word == kind) {
        return Ok((*len > 0).then_some(*len));
    }
    if let Some(len) = kind.strip_prefix("[u8;").and_then(|it| it.strip_suffix(']')) {
        return len
            .trim()
            .parse()
            .map(Some)
            .map_err(|_| format!("{kind}: its length is no number"));
    }
    if ["Option<", "Vec<", "Text<", "Few<", "Short<"].iter().any(|it| kind.starts_with(it)) {
        return Ok(None);
    }
    let Some(declared) = names.get(kind) else {
        return Err(format!("{kind} is declared nowhere; if written by hand, name it in xtask"));
    };
    let [only] = declared.variants.as_slice() else { return Ok(None) };
    let sizes = only.fields.iter().map(|it| size(&it.kind, names));
    let tag = u64::from(only.tag.is_some());
    Ok(sizes.collect::<Result<Option<Vec<u64>>, _>>()?.map(|it| tag + it.iter().sum::<u64>()))
}
