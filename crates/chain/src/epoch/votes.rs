//! The vote journals, one for each epoch, and whether a node knows all that it has signed there.
//!
//! ```text
//!   a node enters an epoch   first time: journal made, marked as begun    --> it may sign
//!                            again:      begun, and every page is whole   --> it may sign
//!                            otherwise:  marked as lost, the rest removed --> it follows till the next
//! ```
//!
//! The engine reads its journal as far as it can and goes on from there: with a journal that is gone, or
//! has lost its end, it would sign again what it signed differently before. So a mark is made durable
//! before the first vote, apart from the journal.

use commonware_runtime::{Error, Storage};
use store::Fault;

use super::Start;
use crate::{Files, Runtime, mark};

/// What is left of the votes of an epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Journal {
    /// All that was signed.
    Whole,
    /// Not all of it, and how it was noticed.
    Lost(String),
}

/// Makes the journal ready for an engine that `signs` or only follows.
///
/// # Errors
/// [`Fault::Engine`], when the disk fails.
pub async fn open<E: Runtime>(
    disk: &E,
    files: &Files,
    Start { epoch, again }: Start,
    signs: bool,
) -> Result<Journal, Fault> {
    let partition = files.votes(epoch);
    let damage = store::check_pages(disk, &partition).await.err().map(|it| it.to_string());
    let begun = mark::is_made(disk, &files.votes_begun(), epoch).await?;
    if !signs {
        // Who signs no more in an epoch does not sign again there. What others signed comes from them.
        if begun {
            mark::make(disk, &files.votes_lost(), epoch).await?;
        }
        if begun || damage.is_some() {
            store::remove(disk, &partition).await?;
        }
        return Ok(Journal::Whole);
    }
    if mark::is_made(disk, &files.votes_lost(), epoch).await? {
        // Votes that are left, or a follower's journal: an engine without a key reads no votes of its own.
        store::remove(disk, &partition).await?;
        return Ok(Journal::Lost("it was lost before".into()));
    }
    let gone = mark::all(disk, &partition).await?.is_empty();
    let lost = match damage {
        Some(damage) => Some(damage),
        None if begun && gone => Some(format!("{partition} is gone")),
        None if again && !begun => Some("no mark says that it has begun".into()),
        None => None,
    };
    if let Some(why) = lost {
        mark::make(disk, &files.votes_lost(), epoch).await?;
        store::remove(disk, &partition).await?;
        return Ok(Journal::Lost(why));
    }
    if !begun {
        // A journal that has begun has a file. Views begin with 1: this one stays empty.
        mark::make(disk, &partition, 0).await?;
        mark::make(disk, &files.votes_begun(), epoch).await?;
    }
    Ok(Journal::Whole)
}

/// Removes the votes of an epoch that nobody asks about any more, and its marks.
pub async fn forget(disk: &impl Storage, files: &Files, epoch: u64) {
    let all = [
        (files.votes(epoch), None),
        (files.votes_begun(), Some(mark::name(epoch))),
        (files.votes_lost(), Some(mark::name(epoch))),
    ];
    for (partition, name) in all {
        match disk.remove(&partition, name.as_deref()).await {
            Ok(()) | Err(Error::PartitionMissing(_) | Error::BlobMissing(..)) => (),
            Err(error) => tracing::warn!(epoch, %error, "votes of an old epoch stay on disk"),
        }
    }
}
