//! The committees that are known here, and the keys that check their certificates.

use std::{
    collections::BTreeMap,
    sync::{Arc, RwLock},
};

use commonware_consensus::types::Epoch;
use commonware_cryptography::{
    certificate::{Provider, Scoped},
    sha256::Digest,
};
use commonware_utils::ordered::Set;
use types::{ChainId, Committee, LedgerTime};

use crate::{PublicKey, Scheme, block::engine_key};

/// An epoch that is known here.
#[derive(Clone, Debug)]
pub struct Record {
    /// Who decides in it.
    pub committee: Committee,
    /// The digest of the block before its first.
    pub boundary: Digest,
    /// That block's time.
    pub time: LedgerTime,
}

/// All known epochs. Cheap to clone; every clone sees the same.
#[derive(Clone)]
pub struct Committees {
    namespace: Arc<[u8]>,
    known: Arc<RwLock<BTreeMap<u64, Known>>>,
}

struct Known {
    record: Record,
    checks: Arc<Scheme>,
}

impl Committees {
    /// Knows no epoch of `chain` yet.
    #[must_use]
    pub fn of(chain: &ChainId) -> Self {
        let namespace = Arc::from(crypto::certificate::namespace(chain));
        Self { namespace, known: Arc::default() }
    }

    /// Learns an epoch. What is known already stays.
    ///
    /// # Panics
    /// When the committee holds a key that is none: the rules never let one in.
    pub fn learn(&self, record: Record) {
        let epoch = record.committee.epoch;
        let checks = Arc::new(Scheme::verifier(&self.namespace, keys(&record.committee)));
        let mut known = self.known.write().expect("nobody panics while writing");
        known.entry(epoch).or_insert(Known { record, checks });
    }

    /// The epoch, if it is known.
    #[must_use]
    pub fn record(&self, epoch: u64) -> Option<Record> {
        let known = self.known.read().expect("nobody panics while writing");
        known.get(&epoch).map(|it| it.record.clone())
    }

    /// What votes in the epoch with `key`; what only checks, if the key is not of its committee or none.
    ///
    /// # Panics
    /// When the epoch is not known.
    #[must_use]
    pub fn scheme(&self, epoch: u64, key: Option<&crate::PrivateKey>) -> Scheme {
        let known = self.known.read().expect("nobody panics while writing");
        let known = known.get(&epoch).expect("only known epochs are entered");
        let votes = |key: &crate::PrivateKey| {
            Scheme::signer(&self.namespace, keys(&known.record.committee), key.clone())
        };
        key.and_then(votes).unwrap_or_else(|| known.checks.as_ref().clone())
    }
}

/// Only checks: what votes is made by the orchestrator alone.
impl Provider for Committees {
    type Scope = Epoch;
    type Scheme = Scheme;

    fn scoped(&self, epoch: Epoch) -> Option<Scoped<Scheme>> {
        let known = self.known.read().expect("nobody panics while writing");
        known.get(&epoch.get()).map(|it| Scoped::scheme(it.checks.clone()))
    }
}

/// The committee's keys, in the order in which certificates count them.
fn keys(committee: &Committee) -> Set<PublicKey> {
    let keys = committee.validators.iter().map(|it| engine_key(&it.key));
    Set::from_iter_dedup(keys.map(|it| it.expect("the rules let no other key in")))
}
