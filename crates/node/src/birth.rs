//! When a node's data folder was made: votes older than it may be forgotten.
//!
//! The file lies with the votes, so that it is lost when they are. Backups leave both out. Votes that are
//! lost while it stays are noticed by their marks: see `chain::epoch`.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use chain::epoch::{AHEAD_MAX_MS, Guard};
use types::LedgerTime;

use crate::Fault;

const NAME: &str = "born";

/// How far the clocks of a market's machines may differ, in milliseconds.
pub const SKEW_MS: u64 = 500;

/// The guard of a node whose data folder was made at `born`.
#[must_use]
pub const fn guard(born: LedgerTime) -> Guard {
    Guard { birth: born, skew_ms: SKEW_MS }
}

/// The earliest time at which a market may begin so that nodes whose folders were made at `born` vote in it.
#[must_use]
pub const fn market_may_begin(born: LedgerTime) -> LedgerTime {
    LedgerTime(born.0.saturating_add(AHEAD_MAX_MS + SKEW_MS + 1))
}

/// When the folder `data` was made. A folder without that note is new: it is made, and dated now.
///
/// # Errors
/// [`Fault::File`]: the disk says no, or the note is not a number of milliseconds.
pub fn of(data: &Path) -> Result<LedgerTime, Fault> {
    let path = data.join(NAME);
    read(data, &path).map_err(|error| Fault::File { path, why: error.to_string() })
}

fn read(data: &Path, path: &Path) -> io::Result<LedgerTime> {
    match fs::read_to_string(path) {
        Ok(text) => {
            let bad = || {
                let why = "it holds no time; delete its folder, and the node begins anew";
                io::Error::new(io::ErrorKind::InvalidData, why)
            };
            text.trim().parse().map(LedgerTime).map_err(|_| bad())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => make(data, path),
        Err(error) => Err(error),
    }
}

/// Dates the folder now, in a file that is whole or absent.
fn make(data: &Path, path: &Path) -> io::Result<LedgerTime> {
    fs::create_dir_all(data)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(io::Error::other)?;
    let now = u64::try_from(now.as_millis()).map_err(io::Error::other)?;
    let partial = path.with_extension("partial");
    let mut file = File::create(&partial)?;
    writeln!(file, "{now}")?;
    file.sync_all()?;
    fs::rename(&partial, path)?;
    File::open(data)?.sync_all()?;
    Ok(LedgerTime(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_dated_once_and_anew_when_it_was_deleted() {
        let data = std::env::temp_dir().join(format!("furikae-birth-{}", std::process::id()));
        let born = of(&data).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(3));
        assert_eq!(of(&data).unwrap(), born);
        fs::remove_dir_all(&data).unwrap();
        assert!(of(&data).unwrap() > born);
        assert!(guard(born).allows(market_may_begin(born)));
        assert!(!guard(born).allows(LedgerTime(market_may_begin(born).0 - 1)));
        fs::write(data.join(NAME), "yesterday").unwrap();
        let why = of(&data).unwrap_err().to_string();
        assert!(
            why.ends_with("born: it holds no time; delete its folder, and the node begins anew")
        );
        fs::remove_dir_all(&data).unwrap();
    }
}
