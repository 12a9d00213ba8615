//! `list`: the instruments of a CSV of real issues, as the Tokyo exchange publishes it.
//!
//! The file has codes, not ISINs. An instrument's number here is made from the code, as `JPTSE` and six
//! places; numbers that an agency has given begin with `JP` and a digit, so that none of them is taken.

use std::{collections::BTreeMap, collections::BTreeSet, path::Path};

use ledger::{
    Instruction,
    governance::{Party, Roles},
    issuance::Kind,
};
use serde::Serialize;
use tokio::runtime::Runtime;
use types::{Cfi, InstrumentId, Isin, Lei, PartyId, Text};

use crate::{
    arguments,
    desk::Desk,
    failure::{Failure, Result},
    market::Folder,
};

/// The party in whose name the issues of a file are listed.
const ISSUER: PartyId = PartyId(900);
/// Bytes of an instrument's name.
const NAME_MAX: u32 = 100;
/// Instructions in one envelope.
const TOGETHER: usize = 256;

/// The answer.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    listed: u64,
    /// Of these, issues whose name was cut to fit.
    shortened: u64,
    refused: Vec<Refused>,
}

/// A line that was not listed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Refused {
    line: u64,
    why: String,
}

/// A line that can be asked for.
#[derive(Clone, Debug)]
struct Issue {
    line: u64,
    instrument: InstrumentId,
    name: Text<NAME_MAX>,
    shortened: bool,
    cfi: Cfi,
}

/// `furikae list`.
///
/// # Errors
/// Malformed, when the file is no such CSV. Unreachable, when the market is. No, when a line was refused.
pub fn list(runtime: &Runtime, asked: &arguments::List) -> Result<()> {
    let (issues, refused) = read(&asked.issues)?;
    let folder = Folder::chosen(asked.at.dir.as_deref())?;
    let plan = folder.plan()?;
    let report = runtime.block_on(async {
        let mut desk = Desk::on(&folder, &plan).await?;
        list_all(&mut desk, issues, refused).await
    })?;
    let rows: Vec<_> =
        report.refused.iter().filter_map(|it| serde_json::to_value(it).ok()).collect();
    asked.output.print(&report, &["line", "why"], &rows)?;
    eprintln!("{} listed, {} lines refused", report.listed, report.refused.len());
    if report.refused.is_empty() { Ok(()) } else { Err(Failure::no("not every line was listed")) }
}

fn read(path: &Path) -> Result<(Vec<Issue>, Vec<Refused>)> {
    let malformed =
        |why: &dyn std::fmt::Display| Failure::malformed(format_args!("{}: {why}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| malformed(&error))?;
    let text = text.trim_start_matches('\u{feff}');
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| malformed(&error))?.clone();
    let column = |name: &str| {
        let place = header.iter().position(|it| it == name);
        place.ok_or_else(|| malformed(&format_args!("its header has no {name}")))
    };
    let columns = [column("コード")?, column("銘柄名")?, column("市場・商品区分")?];
    let (mut issues, mut refused, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
    for (number, record) in (2_u64..).zip(reader.records()) {
        let record = record.map_err(|error| malformed(&error))?;
        let line = record.position().map_or(number, csv::Position::line);
        let cells = columns.map(|it| record.get(it).unwrap_or_default().trim());
        match issue(line, cells) {
            Ok(it) if seen.insert(it.instrument) => issues.push(it),
            Ok(_) => {
                let why = format!("code {} stands on an earlier line too", cells[0]);
                refused.push(Refused { line, why });
            }
            Err(why) => refused.push(Refused { line, why }),
        }
    }
    Ok((issues, refused))
}

fn issue(line: u64, [code, name, segment]: [&str; 3]) -> Result<Issue, String> {
    let plain = code.bytes().all(|it| it.is_ascii_digit() || it.is_ascii_uppercase());
    if !(4..=5).contains(&code.len()) || !plain {
        return Err(format!("code {code:?} is not four or five digits and capitals"));
    }
    if name.is_empty() {
        return Err("it has no name".into());
    }
    let isin = Isin::complete(&format!("JPTSE{code:0>6}")).map_err(|error| error.to_string())?;
    let instrument = InstrumentId::parse(isin.as_str()).ok_or("its number is no ISIN")?;
    let (name, shortened) = fitting(name);
    let name = Text::new(&name).map_err(|error| format!("name: {error}"))?;
    let cfi = Cfi::parse(class(segment)?).map_err(|error| error.to_string())?;
    Ok(Issue { line, instrument, name, shortened, cfi })
}

/// The class of what is traded in a segment.
fn class(segment: &str) -> Result<&'static str, String> {
    match segment {
        "ETF・ETN" => Ok("CEXXXX"),
        "REIT・ベンチャーファンド・カントリーファンド・インフラファンド" => {
            Ok("CBXXXX")
        }
        "出資証券" => Ok("EMXXXX"),
        "PRO Market" => Ok("ESXXXX"),
        _ if segment.ends_with("株式）") => Ok("ESXXXX"),
        _ => Err(format!("segment {segment:?} is not known")),
    }
}

/// A name with its wide Latin letters as plain ones, cut with an ellipsis if it is still too long.
fn fitting(name: &str) -> (String, bool) {
    let plain = |it: char| match it {
        '\u{3000}' => ' ',
        '\u{ff01}'..='\u{ff5e}' => {
            u32::from(it).checked_sub(0xfee0).and_then(char::from_u32).unwrap_or(it)
        }
        other => other,
    };
    let mut name: String = name.chars().map(plain).collect();
    let max = NAME_MAX as usize;
    if name.len() <= max {
        return (name, false);
    }
    while name.len() + '…'.len_utf8() > max {
        name.pop();
    }
    name.push('…');
    (name, true)
}

async fn list_all(desk: &mut Desk, issues: Vec<Issue>, refused: Vec<Refused>) -> Result<Report> {
    let mut report = Report { refused, ..Report::default() };
    admit_issuer(desk).await?;
    let who = desk.who("furikae")?;
    let (mut signed, mut lines) = (Vec::new(), BTreeMap::new());
    for together in issues.chunks(TOGETHER) {
        let envelope = desk.sign(&who, together.iter().map(Issue::asked).collect())?;
        lines.extend(envelope.ids().zip(together));
        signed.push(envelope);
    }
    desk.settle(&signed).await?;
    for (id, issue) in lines {
        match desk.refused(&id) {
            None => {
                report.listed += 1;
                report.shortened += u64::from(issue.shortened);
            }
            Some(reject) => {
                let why = format!("{} is refused: {}", issue.instrument, reject.code());
                report.refused.push(Refused { line: issue.line, why });
            }
        }
    }
    report.refused.sort();
    Ok(report)
}

async fn admit_issuer(desk: &mut Desk) -> Result<()> {
    if desk.view().row::<Party>(&ISSUER).is_some() {
        return Ok(());
    }
    let word = format!("party-{}", ISSUER.0);
    let asked = Instruction::AdmitParty {
        party: ISSUER,
        lei: Lei::complete(&format!("353800FURIKAE{:05}", ISSUER.0)).map_err(Failure::fault)?,
        name: Text::new("The issuers of a list, together").map_err(Failure::fault)?,
        roles: Roles::ISSUER,
        key: desk.public_key(&word)?,
    };
    desk.must("furikae", vec![asked]).await.map(drop)
}

impl Issue {
    fn asked(&self) -> Instruction {
        Instruction::List {
            instrument: self.instrument,
            kind: Kind::OpenSecurity,
            scale: 0,
            issuer: ISSUER,
            name: self.name.clone(),
            cfi: self.cfi,
            sign_off: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "日付,コード,銘柄名,市場・商品区分\n";

    fn file(name: &str, text: &str) -> std::path::PathBuf {
        let path = std::env::temp_dir().join(format!("furikae-{name}-{}.csv", std::process::id()));
        std::fs::write(&path, text).unwrap();
        path
    }

    #[test]
    fn lines_are_refused_by_number_and_reason() {
        let lines = "20240329,1301,極洋,プライム（内国株式）\n\
            20240329,13,短,プライム（内国株式）\n\
            20240329,1301,極洋,プライム（内国株式）\n\
            20240329,1302,,プライム（内国株式）\n\
            20240329,130A,謎,謎\n\
            20240329\n";
        let path = file("lines", &format!("\u{feff}{HEADER}{lines}"));
        let (issues, refused) = read(&path).unwrap();
        std::fs::remove_file(path).unwrap();
        assert_eq!(issues.len(), 1);
        assert_eq!(issues[0].name.as_str(), "極洋");
        let lines: Vec<_> = refused.iter().map(|it| it.line).collect();
        assert_eq!(lines, [3, 4, 5, 6, 7]);
    }

    #[test]
    fn a_long_name_is_made_plain_then_cut_between_letters() {
        assert_eq!(fitting("ＮＥＸＴ　１"), ("NEXT 1".into(), false));
        let (name, shortened) = fitting(&"連".repeat(40));
        assert!(shortened && name.len() <= 100 && name.ends_with('…'));
    }

    #[test]
    fn a_published_list_is_listed_on_the_ledger_once() {
        let shared = std::env::var("FURIKAE_SHARED").unwrap_or_else(|_| "../../../shared".into());
        let path = Path::new(&shared).join("data/static-jpx-listed/tse.csv");
        if !path.exists() {
            eprintln!("skipped: {} is not here", path.display());
            return;
        }
        let (issues, refused) = read(&path).unwrap();
        assert_eq!((issues.len(), refused.len()), (4_354, 0));
        crate::stand_in::with_desk("list", async |desk| {
            let report = list_all(desk, issues.clone(), Vec::new()).await.unwrap();
            assert_eq!((report.listed, report.refused.len()), (4_354, 0));
            let again = list_all(desk, issues[..3].to_vec(), Vec::new()).await.unwrap();
            assert_eq!((again.listed, again.refused.len()), (0, 3));
            assert!(again.refused[0].why.contains("instrument-exists"), "{:?}", again.refused[0]);
        });
    }
}
