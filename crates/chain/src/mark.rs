//! Marks: empty files whose being there says something, also after a crash.

use commonware_runtime::{Blob as _, Error, Storage};
use store::Fault;

/// The marks of a partition; none if it is not there.
///
/// # Errors
/// [`Fault::Engine`].
pub async fn all(disk: &impl Storage, partition: &str) -> Result<Vec<Vec<u8>>, Fault> {
    match disk.scan(partition).await {
        Ok(names) => Ok(names),
        Err(Error::PartitionMissing(_)) => Ok(Vec::new()),
        Err(why) => Err(failed("read", partition, &why)),
    }
}

/// Whether the mark `number` is in a partition.
///
/// # Errors
/// [`Fault::Engine`].
pub async fn is_made(disk: &impl Storage, partition: &str, number: u64) -> Result<bool, Fault> {
    Ok(all(disk, partition).await?.contains(&name(number)))
}

/// Makes the mark `number`: durable when this returns.
///
/// # Errors
/// [`Fault::Engine`].
pub async fn make(disk: &impl Storage, partition: &str, number: u64) -> Result<(), Fault> {
    let made = disk.open(partition, &name(number)).await;
    let (file, _) = made.map_err(|why| failed("write", partition, &why))?;
    file.sync().await.map_err(|why| failed("write", partition, &why))
}

/// How a mark is named: as the engine names the files of its journals.
pub fn name(number: u64) -> Vec<u8> {
    number.to_be_bytes().to_vec()
}

fn failed(doing: &str, partition: &str, why: &Error) -> Fault {
    Fault::Engine { what: format!("{doing} {partition}"), why: why.to_string() }
}
