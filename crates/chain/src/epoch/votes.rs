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
use store::{Fault, partition};

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
    let journal = files.votes(epoch);
    let damage = store::check_pages(disk, &journal).await.err().map(|it| it.to_string());
    let begun = mark::is_made(disk, &files.votes_begun(), epoch).await?;
    if !signs {
        // Who signs no more in an epoch does not sign again there. What others signed comes from them.
        if begun {
            mark::make(disk, &files.votes_lost(), epoch).await?;
        }
        if begun || damage.is_some() {
            partition::remove(disk, &journal).await?;
        }
        return Ok(Journal::Whole);
    }
    if mark::is_made(disk, &files.votes_lost(), epoch).await? {
        // Votes that are left, or a follower's journal: an engine without a key reads no votes of its own.
        partition::remove(disk, &journal).await?;
        return Ok(Journal::Lost("it was lost before".into()));
    }
    let gone = partition::files(disk, &journal).await?.is_empty();
    let lost = match damage {
        Some(damage) => Some(damage),
        None if begun && gone => Some(format!("{journal} is gone")),
        None if again && !begun => Some("no mark says that it has begun".into()),
        None => None,
    };
    if let Some(why) = lost {
        mark::make(disk, &files.votes_lost(), epoch).await?;
        partition::remove(disk, &journal).await?;
        return Ok(Journal::Lost(why));
    }
    if !begun {
        // A journal that has begun has a file. Views begin with 1: this one stays empty.
        mark::make(disk, &journal, 0).await?;
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

#[cfg(test)]
mod tests {
    use commonware_runtime::{Runner as _, deterministic};

    use super::*;

    /// Enters epoch 7, for the first time or `again`, as a validator or not: whether it may sign.
    async fn enter(disk: &deterministic::Context, again: bool, signs: bool) -> bool {
        let files = Files::of("node");
        let journal = open(disk, &files, Start { epoch: 7, again }, signs).await.unwrap();
        signs && journal == Journal::Whole
    }

    fn on_disk<F: Future<Output = ()>>(test: impl FnOnce(deterministic::Context) -> F) {
        deterministic::Runner::default().start(test);
    }

    #[test]
    fn who_comes_back_with_all_votes_goes_on() {
        on_disk(async |disk| {
            assert!(enter(&disk, false, true).await);
            assert!(enter(&disk, true, true).await);
            assert!(enter(&disk, false, true).await, "a crash before the epoch's first block");
        });
    }

    #[test]
    fn votes_that_were_lost_stay_lost_though_a_journal_is_there_again() {
        on_disk(async |disk| {
            let files = Files::of("node");
            assert!(enter(&disk, false, true).await);
            partition::remove(&disk, &files.votes(7)).await.unwrap();
            assert!(!enter(&disk, true, true).await, "the journal is gone");
            // An engine that only follows writes a journal too, and old votes may come from a backup.
            mark::make(&disk, &files.votes(7), 0).await.unwrap();
            assert!(!enter(&disk, true, true).await);
            assert!(partition::files(&disk, &files.votes(7)).await.unwrap().is_empty());
        });
    }

    #[test]
    fn who_has_been_there_and_does_not_know_that_it_began_has_lost_its_votes() {
        on_disk(async |disk| {
            assert!(enter(&disk, false, true).await);
            partition::remove(&disk, &Files::of("node").votes_begun()).await.unwrap();
            assert!(!enter(&disk, true, true).await);
        });
    }

    #[test]
    fn who_stopped_signing_in_an_epoch_does_not_begin_again_there() {
        on_disk(async |disk| {
            assert!(enter(&disk, false, true).await);
            assert!(!enter(&disk, true, false).await, "it is run as an observer");
            assert!(!enter(&disk, true, true).await);
            forget(&disk, &Files::of("node"), 7).await;
            for partition in [Files::of("node").votes_begun(), Files::of("node").votes_lost()] {
                assert!(partition::files(&disk, &partition).await.unwrap().is_empty());
            }
        });
    }
}
