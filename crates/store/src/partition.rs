//! Partitions: the folders of the disk in which files lie.

use commonware_runtime::{Error, Storage};

use crate::Fault;

/// The names of the files of a partition; none if it is not there.
///
/// # Errors
/// [`Fault::Engine`].
pub async fn files(disk: &impl Storage, partition: &str) -> Result<Vec<Vec<u8>>, Fault> {
    match disk.scan(partition).await {
        Ok(names) => Ok(names),
        Err(Error::PartitionMissing(_)) => Ok(Vec::new()),
        Err(why) => Err(Fault::engine(&format!("read {partition}"), why)),
    }
}

/// Removes a partition, if it is there.
///
/// # Errors
/// [`Fault::Engine`].
pub async fn remove(disk: &impl Storage, partition: &str) -> Result<(), Fault> {
    match disk.remove(partition, None).await {
        Ok(()) | Err(Error::PartitionMissing(_)) => Ok(()),
        Err(why) => Err(Fault::engine(&format!("remove {partition}"), why)),
    }
}
