//! Where an archive begins: at genesis, or at the height from which its node joined.

use std::collections::BTreeMap;

use bytes::Bytes;
use commonware_storage::metadata::Metadata;
use commonware_utils::sequence::U64;
use crypto::merkle::{Peaks, Perfect};
use types::{Digest, Reader, Wire as _};

use super::{Config, config};
use crate::{Fault, state::Engine};

/// Under which number the peaks stand.
const PEAKS: U64 = U64::new(0);
/// Under which number the lowest height stands whose changes are kept.
const KEPT: U64 = U64::new(1);

/// Where an archive begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Start {
    /// The tree over all headers before the first that is kept.
    pub peaks: Peaks,
    /// The lowest height whose changes are kept.
    pub kept: u64,
}

impl Start {
    /// The first height whose header is kept.
    pub const fn first(&self) -> u64 {
        self.peaks.count()
    }

    /// What the file says; at genesis, when there is none.
    pub async fn read<E: Engine>(context: E, config: &Config) -> Result<Self, Fault> {
        let file = config.start();
        let damaged = |why: &dyn core::fmt::Display| Fault::damaged(&file, why);
        let metadata = Metadata::<E, U64, Bytes>::init(context, config::of_start(config)).await;
        let metadata = metadata.map_err(|why| damaged(&why))?;
        let peaks = metadata.get(&PEAKS).map_or(Ok(Peaks::default()), |it| Peaks::from_bytes(it));
        let peaks = peaks.map_err(|why| damaged(&why))?;
        let kept = metadata.get(&KEPT).map_or(Ok(peaks.count()), |it| u64::from_bytes(it));
        Ok(Self { peaks, kept: kept.map_err(|why| damaged(&why))? })
    }

    /// Writes the file; durable when this returns.
    pub async fn write<E: Engine>(&self, context: E, config: &Config) -> Result<(), Fault> {
        let fault = |why| Fault::engine(&format!("write {}", config.start()), why);
        let metadata = Metadata::<E, U64, Bytes>::init(context, config::of_start(config)).await;
        let mut metadata = metadata.map_err(fault)?;
        metadata.put(PEAKS, Bytes::from(self.peaks.to_bytes()));
        metadata.put(KEPT, Bytes::from(self.kept.to_bytes()));
        metadata.sync().await.map(drop).map_err(fault)
    }

    /// The nodes of the tree that are known without headers, by place.
    pub fn nodes(&self) -> BTreeMap<(u64, u32), Digest> {
        let bytes = self.peaks.to_bytes();
        let mut reader = Reader::new(&bytes);
        let _count = u64::read(&mut reader);
        let read = |it: Perfect| Some(((it.start, it.height), Digest::read(&mut reader).ok()?));
        perfects(self.first()).into_iter().filter_map(read).collect()
    }
}

/// The perfect subtrees of a list of `count` elements, from the left.
pub(super) fn perfects(count: u64) -> Vec<Perfect> {
    let heights = (0..u64::BITS).rev().filter(|it| count >> it & 1 == 1);
    let above = |height: u32| count & !((1 << height) | ((1 << height) - 1));
    heights.map(|height| Perfect { start: above(height), height }).collect()
}

/// The peaks whose digests these are, of a list of `count` elements.
pub(super) fn peaks(count: u64, digests: &[Digest]) -> Peaks {
    let mut bytes = count.to_bytes();
    digests.iter().for_each(|it| it.write(&mut bytes));
    Peaks::from_bytes(&bytes).expect("one digest for each perfect subtree")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peaks_are_at_their_places() {
        let leaves: Vec<_> = (0..13u64).map(|it| crypto::merkle::leaf(&it.to_bytes())).collect();
        let whole = Peaks::of(leaves.clone());
        let nodes = Start { peaks: whole.clone(), kept: 0 }.nodes();
        let places: Vec<_> = nodes.keys().copied().collect();
        assert_eq!(places, [(0, 3), (8, 2), (12, 0)]);
        assert_eq!(nodes[&(12, 0)], leaves[12]);
        assert_eq!(
            nodes[&(8, 2)],
            Start { peaks: Peaks::of(leaves[8..12].to_vec()), kept: 0 }.nodes()[&(0, 2)]
        );
        let digests: Vec<_> = perfects(13).iter().map(|it| nodes[&(it.start, it.height)]).collect();
        assert_eq!(peaks(13, &digests), whole);
    }
}
