//! Recovery of one stopped node from its own disk: what it keeps is read and checked, and what is made
//! from blocks is made anew.
//!
//! ```text
//!   blocks + certificates      the legal record; lost only together with the other nodes
//!      |            \
//!      v             \ execute again
//!   changes, headers  state     made from blocks: `rebuild` makes them anew
//! ```
//!
//! Nobody may have the files open meanwhile.

mod rebuild;
mod record;
#[cfg(test)]
mod tests;
mod verify;

pub use rebuild::{Rebuilt, is_unfinished, rebuild};
pub use verify::{Counts, Report, verify};

use std::ops::RangeInclusive;

use ledger::Genesis;

use crate::{
    Files, Form, Runtime,
    engine::{
        Fault,
        archives::{self, Blocks, Certificates},
    },
};

/// What one node keeps, by name.
#[derive(Clone, Debug)]
pub struct Names {
    /// How the market begins.
    pub genesis: Genesis,
    /// Its files.
    pub files: Files,
}

/// Opens blocks and certificates.
async fn open<E: Runtime>(
    context: &E,
    names: &Names,
) -> Result<(Blocks<E>, Certificates<E>), Fault> {
    let form = Form::of(&names.genesis).ok_or(Fault::Genesis(names.genesis.epoch_blocks))?;
    archives::open(context, &names.files, &form, &archives::pages()).await
}

/// Something that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// First part of the names of the files.
    pub file: String,
    /// Which heights, where it is known.
    pub heights: Option<RangeInclusive<u64>>,
    /// What was found.
    pub what: String,
}

/// Damages that are told one by one; more of them are as bad.
const DAMAGES_MAX: usize = 100;

/// What was found so far.
#[derive(Debug, Default)]
struct Damages(Vec<Damage>);

impl Damages {
    fn add(&mut self, file: &str, heights: Option<RangeInclusive<u64>>, what: impl ToString) {
        let what = what.to_string();
        if let Some(last) = self.0.last_mut()
            && last.file == file
            && last.what == what
            && let (Some(before), Some(now)) = (&last.heights, &heights)
            && before.end().checked_add(1) == Some(*now.start())
        {
            last.heights = Some(*before.start()..=*now.end());
        } else if self.0.len() < DAMAGES_MAX {
            self.0.push(Damage { file: file.into(), heights, what });
        }
    }

    fn at(&mut self, file: &str, height: u64, what: impl ToString) {
        self.add(file, Some(height..=height), what);
    }
}
