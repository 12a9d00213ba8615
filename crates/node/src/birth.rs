//! Since when a key votes from a data folder: votes older than that may be forgotten.
//!
//! ```text
//!   data/born   1764150000000 3d40..9f   milliseconds since 1970, the public key
//! ```
//!
//! The file lies with the votes, so that it is lost when they are. Backups leave both out. Another key begins
//! anew: what it signed elsewhere is not here. (A key that signs elsewhere and comes back to its folder is not
//! noticed.) Votes that are lost while the file stays are noticed by their
//! marks: see `chain::epoch`.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use chain::epoch::{AHEAD_MAX_MS, Guard};
use types::{LedgerTime, PublicKey};

use crate::Fault;

const NAME: &str = "born";

/// How far the clocks of a market's machines may differ, in milliseconds.
pub const SKEW_MS: u64 = 500;

/// The guard of a node whose data folder was made for its key at `born`.
#[must_use]
pub const fn guard(born: LedgerTime) -> Guard {
    Guard { birth: born, skew_ms: SKEW_MS }
}

/// The earliest time at which a market may begin so that nodes whose folders were made at `born` vote in it.
#[must_use]
pub const fn market_may_begin(born: LedgerTime) -> LedgerTime {
    LedgerTime(born.0.saturating_add(AHEAD_MAX_MS + SKEW_MS + 1))
}

/// When the folder `data` was made for `key`. One that was made for no key or another one is dated now, and
/// made if it is not there.
///
/// # Errors
/// [`Fault::File`]: the disk says no, or the note is not a number of milliseconds.
pub fn of(data: &Path, key: &PublicKey) -> Result<LedgerTime, Fault> {
    let path = data.join(NAME);
    read(data, &path, key).map_err(|error| Fault::File { path, why: error.to_string() })
}

fn read(data: &Path, path: &Path, key: &PublicKey) -> io::Result<LedgerTime> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return make(data, path, key),
        Err(error) => return Err(error),
    };
    let own = hex::encode(key.0);
    // A note of a time alone was made before notes named keys.
    let (time, of) = text.trim().split_once(' ').unwrap_or((text.trim(), &own));
    let bad = || {
        let why = "it holds no time; delete it, and the node votes again from the next epoch on";
        io::Error::new(io::ErrorKind::InvalidData, why)
    };
    let time = time.parse().map(LedgerTime).map_err(|_| bad())?;
    if of == own { Ok(time) } else { make(data, path, key) }
}

/// Dates the folder now, in a file that is whole or absent.
fn make(data: &Path, path: &Path, key: &PublicKey) -> io::Result<LedgerTime> {
    fs::create_dir_all(data)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(io::Error::other)?;
    let now = u64::try_from(now.as_millis()).map_err(io::Error::other)?;
    let partial = path.with_extension("partial");
    let mut file = File::create(&partial)?;
    writeln!(file, "{now} {}", hex::encode(key.0))?;
    file.sync_all()?;
    fs::rename(&partial, path)?;
    File::open(data)?.sync_all()?;
    Ok(LedgerTime(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_dated_once_for_a_key_and_anew_when_it_was_deleted() {
        let data = std::env::temp_dir().join(format!("furikae-birth-{}", std::process::id()));
        let (key, other) = (PublicKey([1; 32]), PublicKey([2; 32]));
        let later = || std::thread::sleep(std::time::Duration::from_millis(3));
        let born = of(&data, &key).unwrap();
        later();
        assert_eq!(of(&data, &key).unwrap(), born);
        fs::remove_dir_all(&data).unwrap();
        let again = of(&data, &key).unwrap();
        assert!(again > born);
        later();
        let swapped = of(&data, &other).unwrap();
        assert!(swapped > again, "another key's votes are not here");
        later();
        assert!(of(&data, &key).unwrap() > swapped, "and meanwhile it may have voted elsewhere");
        assert!(guard(born).allows(market_may_begin(born)));
        assert!(!guard(born).allows(LedgerTime(market_may_begin(born).0 - 1)));
        fs::write(data.join(NAME), "12\n").unwrap();
        assert_eq!(of(&data, &key).unwrap(), LedgerTime(12), "a note of before they named keys");
        fs::write(data.join(NAME), "yesterday").unwrap();
        let why = of(&data, &key).unwrap_err().to_string();
        assert!(why.contains("born: it holds no time; delete it"), "{why}");
        fs::remove_dir_all(&data).unwrap();
    }
}
