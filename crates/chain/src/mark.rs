//! Marks: empty files whose being there says something, also after a crash.

use commonware_runtime::{Blob as _, Error, Storage};
use store::{Fault, partition};

/// Whether the mark `number` is in a partition.
///
/// # Errors
/// [`Fault::Engine`].
pub async fn is_made(disk: &impl Storage, partition: &str, number: u64) -> Result<bool, Fault> {
    Ok(partition::files(disk, partition).await?.contains(&name(number)))
}

/// Makes the mark `number`: durable when this returns.
///
/// # Errors
/// [`Fault::Engine`].
pub async fn make(disk: &impl Storage, partition: &str, number: u64) -> Result<(), Fault> {
    let failed =
        |why: Error| Fault::Engine { what: format!("write {partition}"), why: why.to_string() };
    let (file, _) = disk.open(partition, &name(number)).await.map_err(failed)?;
    file.sync().await.map_err(failed)
}

/// How a mark is named: as the engine names the files of its journals.
pub fn name(number: u64) -> Vec<u8> {
    number.to_be_bytes().to_vec()
}
