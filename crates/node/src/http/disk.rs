//! Whether the disk still has room for what envelopes leave behind.
//!
//! A full disk stops a node for good, and cuts what it was writing. So before that, it takes nothing new;
//! blocks that others propose still come.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How long what was seen is believed.
const BELIEVED: Duration = Duration::from_secs(1);
/// Of so many bytes, one has to be free..
const ONE_OF: u64 = 20;
/// ..unless so many bytes are.
const ENOUGH: u64 = 1 << 30;

/// Bytes of a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// How many the node may still write.
    pub free: u64,
    /// How many there are.
    pub all: u64,
}

/// The disk that a node writes to.
pub struct Disk {
    look: Box<dyn Fn() -> io::Result<Room> + Send + Sync>,
    seen: Mutex<Option<Seen>>,
}

#[derive(Clone, Copy)]
struct Seen {
    at: Instant,
    full: bool,
}

impl Disk {
    /// The disk on which `folder` lies.
    #[must_use]
    pub fn of(folder: &Path) -> Self {
        let folder = PathBuf::from(folder);
        Self::seen_by(move || {
            let it = rustix::fs::statvfs(&folder)?;
            let bytes = |blocks: u64| blocks.saturating_mul(it.f_frsize);
            Ok(Room { free: bytes(it.f_bavail), all: bytes(it.f_blocks) })
        })
    }

    /// A disk of which `look` says how much room there is.
    pub fn seen_by(look: impl Fn() -> io::Result<Room> + Send + Sync + 'static) -> Self {
        Self { look: Box::new(look), seen: Mutex::new(None) }
    }

    /// Whether less than 5% and less than 1 GiB are free, as seen within the last second. A change is
    /// logged once. A disk that cannot be looked at is as it was; at first it has room.
    pub(super) fn is_full(&self, now: Instant) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let before = *seen;
        if let Some(it) = before.filter(|it| now.saturating_duration_since(it.at) < BELIEVED) {
            return it.full;
        }
        let was_full = before.is_some_and(|it| it.full);
        let full = match (self.look)() {
            Ok(Room { free, all }) => {
                let full = free < ENOUGH && free < all / ONE_OF;
                if full && !was_full {
                    tracing::warn!(free, all, "the disk is almost full: no envelope is taken");
                } else if was_full && !full {
                    tracing::info!(free, all, "the disk has room again");
                }
                full
            }
            Err(error) => {
                if before.is_none() {
                    tracing::warn!(%error, "how full the disk is cannot be seen");
                }
                was_full
            }
        };
        *seen = Some(Seen { at: now, full });
        full
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    };

    use super::*;

    const GIB: u64 = 1 << 30;

    fn is_full(free: u64, all: u64) -> bool {
        Disk::seen_by(move || Ok(Room { free, all })).is_full(Instant::now())
    }

    #[test]
    fn little_is_less_than_a_twentieth_and_less_than_a_gib() {
        assert!(is_full(GIB - 1, 100 * GIB));
        assert!(!is_full(GIB, 100 * GIB), "1% of a large disk is enough");
        assert!(!is_full(GIB / 20, GIB), "5% of a small one is");
        assert!(is_full(GIB / 20 - 1, GIB));
        assert!(is_full(0, GIB));
    }

    #[test]
    fn the_disk_is_looked_at_once_a_second() {
        let free = Arc::new(AtomicU64::new(0));
        let looked = free.clone();
        let disk = Disk::seen_by(move || match looked.load(Relaxed) {
            u64::MAX => Err(io::ErrorKind::NotFound.into()),
            free => Ok(Room { free, all: GIB }),
        });
        let begun = Instant::now();
        let after = |ms| begun + Duration::from_millis(ms);
        assert!(disk.is_full(begun));
        free.store(GIB, Relaxed);
        assert!(disk.is_full(after(999)), "that is believed");
        assert!(!disk.is_full(after(1_000)));
        free.store(0, Relaxed);
        assert!(disk.is_full(after(2_000)));
        free.store(u64::MAX, Relaxed);
        assert!(disk.is_full(after(3_000)), "what cannot be seen is as it was");
    }

    #[test]
    fn a_disk_that_was_never_seen_has_room() {
        let disk = Disk::of(Path::new("/nowhere at all"));
        assert!(!disk.is_full(Instant::now()));
        let room = (Disk::of(Path::new("/")).look)().unwrap();
        assert!(0 < room.all && room.free <= room.all);
    }
}
