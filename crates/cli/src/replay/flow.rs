//! Order flow: what was asked of a board, in the order of a file, whatever form it was recorded in.
//!
//! ```text
//!   orders.csv[.gz] ----.
//!   message, orderbook --+--> steps: place, amend, cancel --> the venue
//!   mbo.csv[.gz] -------'
//! ```

mod bitstamp;
mod cme;
mod lobster;

use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use flate2::read::MultiGzDecoder;

pub use bitstamp::TRADED as BITCOIN;
pub use lobster::{Shown, Side};

use crate::{
    arguments::DataFormat,
    failure::{Failure, Result},
};

/// What a file asks, and in which units.
pub struct Flow {
    /// What is traded.
    pub traded: Traded,
    /// How many events the file tells.
    pub events: u64,
    /// What they ask, in order.
    pub steps: Vec<Step>,
    /// The book that must be shown after so many steps, in order, where the file tells it.
    pub shown: Vec<(usize, Shown)>,
    /// Levels that the file shows and did not tell of: the steps before such a book make them.
    pub revealed: Vec<Revealed>,
    /// Executions of orders that no book shows; they are not asked.
    pub hidden_executions: u64,
    /// Pairs of orders, buyer first, that traded at the venue.
    pub pairs: Option<Vec<(u64, u64)>>,
}

/// What is traded, and how files count it.
#[derive(Clone, Copy, Debug)]
pub struct Traded {
    /// The first eleven characters of its ISIN.
    pub isin: &'static str,
    /// What it is called.
    pub name: &'static str,
    /// Decimal places of its quantities.
    pub scale: u8,
    /// Minor units of the currency, for one unit, that the file's unit of price is.
    pub price: i64,
}

/// One thing that is asked of the board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The order's number in the file.
    pub order: u64,
    /// What is asked.
    pub what: What,
    /// Whether the file tells it, and not the replay.
    pub told: bool,
}

/// What is asked. Prices are in the file's units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// An order comes.
    Place {
        /// Whether it buys.
        buys: bool,
        /// For one unit.
        price: i64,
        /// How many units.
        quantity: i64,
    },
    /// It has another price, or another quantity left.
    Amend {
        /// For one unit.
        price: i64,
        /// How many units are left.
        quantity: i64,
    },
    /// What is left of it goes.
    Cancel,
}

/// A level that the file shows and did not tell of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Revealed {
    /// After which message, the first being 1.
    pub message: u64,
    /// On which side.
    pub side: Side,
    /// Its price, in the file's units.
    pub price: i64,
    /// How many units more, or less, than was told.
    pub quantity: i64,
}

/// Reads a file, or a folder that holds the files of its format.
///
/// # Errors
/// Malformed, with the file and the line that makes no sense.
pub fn read(format: DataFormat, path: &Path) -> Result<Flow> {
    match format {
        DataFormat::BitstampL3 => bitstamp::read(path),
        DataFormat::Lobster => lobster::read(path),
        DataFormat::CmeMbo => cme::read(path),
    }
}

/// The file at `path`; of a folder, the first whose name fits.
fn chosen(path: &Path, fits: impl Fn(&str) -> bool, what: &str) -> Result<PathBuf> {
    if !path.is_dir() {
        return Ok(path.into());
    }
    let entries = std::fs::read_dir(path).map_err(|error| Failure::file("read", path, &error))?;
    let mut files: Vec<_> = entries.flatten().map(|it| it.path()).collect();
    files.sort();
    let name = |it: &Path| it.file_name().and_then(|it| it.to_str()).is_some_and(&fits);
    let none = || Failure::malformed(format_args!("{} holds no {what}", path.display()));
    files.into_iter().find(|it| name(it)).ok_or_else(none)
}

/// The bytes of a file, unpacked if it was packed by gzip.
fn opened(path: &Path) -> Result<Box<dyn Read>> {
    let unread = |error: std::io::Error| {
        Failure::malformed(format_args!("cannot read {}: {error}", path.display()))
    };
    let mut bytes = BufReader::new(File::open(path).map_err(unread)?);
    let packed = bytes.fill_buf().map_err(unread)?.starts_with(&[0x1f, 0x8b]);
    Ok(if packed { Box::new(MultiGzDecoder::new(bytes)) } else { Box::new(bytes) })
}

/// Reads the lines of a CSV file with a header.
fn lines<T: serde::de::DeserializeOwned>(
    path: &Path,
    mut each: impl FnMut(T) -> Result<(), String>,
) -> Result<()> {
    let malformed =
        |why: &dyn std::fmt::Display| Failure::malformed(format_args!("{}: {why}", path.display()));
    let mut reader = csv::Reader::from_reader(opened(path)?);
    for (number, line) in (2_u64..).zip(reader.deserialize()) {
        let line: T = line.map_err(|error| malformed(&error))?;
        each(line).map_err(|why| malformed(&format_args!("line {number}: {why}")))?;
    }
    Ok(())
}
