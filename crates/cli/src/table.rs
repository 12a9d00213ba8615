//! CSV files whose header names some columns, read with errors that name file, line and field.

use std::path::{Path, PathBuf};

use crate::failure::{Failure, Result};

/// A file.
pub struct Table {
    path: PathBuf,
    text: String,
    header: Vec<String>,
    records: Vec<(u64, csv::StringRecord)>,
}

impl Table {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// Malformed, naming the file, and the line when that is not as long as the header.
    pub fn read(path: &Path) -> Result<Self> {
        let read = std::fs::read_to_string(path);
        let text = read.map_err(|why| {
            Failure::malformed(format_args!("cannot read {}: {why}", path.display()))
        })?;
        let malformed =
            |why: csv::Error| Failure::malformed(format_args!("{}: {why}", path.display()));
        let plain = text.trim_start_matches('\u{feff}');
        let mut reader =
            csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(plain.as_bytes());
        let header = reader.headers().map_err(malformed)?.iter().map(str::to_owned).collect();
        let records = reader.records().map(|it| it.map(|it| (line_of(plain, &it), it)));
        let records = records.collect::<Result<_, _>>().map_err(malformed)?;
        Ok(Self { path: path.into(), text, header, records })
    }

    /// All of its text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The cells under these names, with the number of each line.
    ///
    /// # Errors
    /// Malformed, when the header lacks a name.
    pub fn rows<const N: usize>(&self, names: [&str; N]) -> Result<Vec<(u64, [&str; N])>> {
        let mut places = [0; N];
        for (place, name) in places.iter_mut().zip(names) {
            let found = self.header.iter().position(|it| it == name);
            let what = format!("its header names no column {name:?}");
            *place = found.ok_or_else(|| self.malformed(&what).mend(names.join(",")))?;
        }
        let rows = self.records.iter().map(|(line, record)| {
            (*line, places.map(|place| record.get(place).unwrap_or_default()))
        });
        Ok(rows.collect())
    }

    fn malformed(&self, why: &str) -> Failure {
        Failure::malformed(format_args!("{}: {why}", self.path.display()))
    }

    /// What is wrong with a field of a line.
    pub fn bad(&self, line: u64, field: &str, why: &str) -> Failure {
        self.malformed(&format!("line {line}: {field}: {why}"))
    }
}

/// The number of the line in which a record of `text` begins. The reader gives that of the first of the empty lines
/// before it.
pub fn line_of(text: &str, record: &csv::StringRecord) -> u64 {
    let Some(at) = record.position() else { return 0 };
    let begun = usize::try_from(at.byte()).unwrap_or(usize::MAX);
    let rest = text.as_bytes().get(begun..).unwrap_or_default();
    let empty = rest.iter().take_while(|it| matches!(it, b'\r' | b'\n'));
    let skipped = empty.filter(|it| **it == b'\n').count();
    at.line().saturating_add(u64::try_from(skipped).unwrap_or(u64::MAX))
}
