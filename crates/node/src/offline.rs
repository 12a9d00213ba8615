//! What is done with a node that does not run: what it keeps is verified, or made anew.

use std::{
    fs::{self, File, TryLockError},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use chain::recover::{self, Names};
pub use chain::recover::{Damage, Rebuilt, Report};
use commonware_runtime::{Runner as _, tokio};

use crate::{Fault, config, data, files};

/// How long a lock is waited for.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long until it is tried again.
const PAUSE: Duration = Duration::from_millis(20);

/// Keeps a second process from the data of a node for as long as it lives, or the process does.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "it is held, not used")] File);

impl Lock {
    /// Takes the lock of the data folder `data`, and makes it if it is not there. A process that was just
    /// killed may hold it for some moments.
    ///
    /// # Errors
    /// [`Fault::File`]: another process has it, or the disk says no.
    pub fn take(data: &Path) -> Result<Self, Fault> {
        let path = data.join("lock");
        let fault = |why: String| Fault::File { path: path.clone(), why };
        fs::create_dir_all(data).map_err(|error| fault(error.to_string()))?;
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(|error| fault(error.to_string()))?;
        let until = Instant::now() + PATIENCE;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self(file)),
                Err(TryLockError::WouldBlock) if Instant::now() < until => thread::sleep(PAUSE),
                Err(TryLockError::WouldBlock) => {
                    return Err(fault(
                        "the node runs, or another command works on its data".into(),
                    ));
                }
                Err(TryLockError::Error(error)) => return Err(fault(error.to_string())),
            }
        }
    }
}

/// Reads everything that the stopped node in `folder` keeps; what is damaged is in the report.
///
/// `progress` is told the height that was read and how many there are.
///
/// # Errors
/// [`Fault::Config`]: the folder has no genesis. [`Fault::File`]: it has no data, or the node runs.
/// [`Fault::Chain`].
pub fn verify(
    folder: &Path,
    progress: impl FnMut(u64, u64) + Send + 'static,
) -> Result<Report, Fault> {
    let (names, _lock, runtime) = begin(folder)?;
    let done =
        runtime.start(async move |context| recover::verify(&context, &names, progress).await);
    done.map_err(|fault| Fault::Chain(fault.to_string()))
}

/// Makes state, changes and headers of the stopped node in `folder` anew from its blocks.
///
/// `progress` is told the height that was executed and how many there are.
///
/// # Errors
/// As [`verify`]; [`Fault::Chain`] also when a block is damaged: nothing is changed then.
pub fn rebuild(
    folder: &Path,
    progress: impl FnMut(u64, u64) + Send + 'static,
) -> Result<Rebuilt, Fault> {
    let (names, _lock, runtime) = begin(folder)?;
    let done =
        runtime.start(async move |context| recover::rebuild(&context, &names, progress).await);
    done.map_err(|fault| Fault::Chain(fault.to_string()))
}

fn begin(folder: &Path) -> Result<(Names, Lock, tokio::Runner), Fault> {
    let genesis = config::genesis(&folder.join("genesis.bin"))?;
    let data = data(folder);
    if !data.is_dir() {
        return Err(Fault::File { path: data, why: "the node keeps nothing yet".into() });
    }
    let lock = Lock::take(&data)?;
    let runtime = tokio::Config::default().with_storage_directory(&data);
    let names = Names { genesis, files: files() };
    Ok((names, lock, tokio::Runner::new(runtime)))
}
