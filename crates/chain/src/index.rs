//! The ordered index that rules walk: in memory, one for each block that may yet become final.
//!
//! It is a function of the rows, filled by one scan at the start and kept by what each block says came
//! and went. Copies share what they have in common, so a fork costs nothing.

use std::collections::BTreeMap;

use imbl::OrdSet;
use ledger::{Entry, Key};
use store::{
    Databases, Fault,
    state::{self, Engine, Progress},
};

/// The entries after one block. Cloning it costs nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Index(OrdSet<Entry>);

impl Index {
    /// The index of the committed rows, each proved under the databases' roots while it is read.
    ///
    /// Nothing may be committed meanwhile.
    ///
    /// # Errors
    /// [`Fault::Damaged`], [`Fault::Engine`].
    pub async fn fill<E: Engine>(
        databases: &Databases<E>,
        progress: impl FnMut(Progress) + Send,
    ) -> Result<Self, Fault> {
        let mut entries = OrdSet::new();
        let row = |key: store::Key, row: store::Row| {
            entries.extend(ledger::entries(&Key(key), &row.value));
        };
        state::scan(databases, None, row, progress).await?;
        Ok(Self(entries))
    }

    /// Takes over what came (`true`) and went (`false`).
    pub fn absorb(&mut self, entries: &BTreeMap<Entry, bool>) {
        for (entry, came) in entries {
            if *came {
                self.0.insert(*entry);
            } else {
                self.0.remove(entry);
            }
        }
    }

    /// The entries from `from` to `to`, both included, in order.
    pub fn walk(&self, from: &Entry, to: &Entry) -> impl Iterator<Item = Entry> + '_ {
        self.0.range(*from..=*to).copied()
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_goes_its_own_way() {
        let entry = |it: u8| Entry::from_start(&[it]);
        let mut one = Index::default();
        one.absorb(&BTreeMap::from([(entry(1), true), (entry(2), true), (entry(4), true)]));
        let mut other = one.clone();
        other.absorb(&BTreeMap::from([(entry(2), false), (entry(3), true)]));
        let all = |it: &Index| it.walk(&entry(1), &entry(3)).collect::<Vec<_>>();
        assert_eq!(all(&one), [entry(1), entry(2)]);
        assert_eq!(all(&other), [entry(1), entry(3)]);
        assert_eq!((one.len(), other.len(), one.is_empty()), (3, 3, false));
    }
}
