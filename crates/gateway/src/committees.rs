//! The validators of every epoch, for whoever checks proofs without following blocks.
//!
//! ```text
//!   epoch   0 .. 6    7 .. 11     12 ..
//!   set     first     changed     not known: the one before is believed to stand
//!                          ^ known up to here
//! ```
//!
//! The last block of an epoch names the validators of the next one, and always has a certificate of its
//! own: one block an epoch is enough to go on. Sets change seldom, and only changes are kept.

use std::collections::BTreeMap;

use crypto::{
    certificate::{self, Certified},
    changes::BlockChanges,
};
use types::{ChainId, Committee, Text, Validator, Wire as _};

use crate::{Doors, Fault};

/// Who certifies in which epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committees {
    chain: ChainId,
    /// Each set under the epoch from which it stands, the first under 0; without addresses.
    sets: BTreeMap<u64, Vec<Validator>>,
    known_to: u64,
}

impl Committees {
    /// Believes these validators of the first epoch of `chain`.
    #[must_use]
    pub fn new(chain: ChainId, first: Vec<Validator>) -> Self {
        Self { chain, sets: BTreeMap::from([(0, bare(first))]), known_to: 0 }
    }

    /// Adds a set that stands from this epoch on, and is believed as the first one is. It comes after those
    /// that are there; `false`, and nothing is added, if it does not.
    pub fn believe(&mut self, from_epoch: u64, validators: Vec<Validator>) -> bool {
        let comes_last = self.sets.keys().last().is_none_or(|it| *it < from_epoch);
        if comes_last {
            self.sets.insert(from_epoch, bare(validators));
            self.known_to = self.known_to.max(from_epoch);
        }
        comes_last
    }

    /// Believes that no set has changed since up to this epoch.
    pub fn believe_known_to(&mut self, epoch: u64) {
        self.known_to = self.known_to.max(epoch);
    }

    /// Which market's they are.
    #[must_use]
    pub const fn chain(&self) -> ChainId {
        self.chain
    }

    /// Each set under the epoch from which it stands, in this order.
    pub fn sets(&self) -> impl Iterator<Item = (u64, &[Validator])> {
        self.sets.iter().map(|(epoch, it)| (*epoch, it.as_slice()))
    }

    /// The last epoch whose validators are known. In later ones the newest set is believed to stand.
    #[must_use]
    pub const fn known_to(&self) -> u64 {
        self.known_to
    }

    /// The validators of an epoch.
    #[must_use]
    pub fn of(&self, epoch: u64) -> Committee {
        let set = self.sets.range(..=epoch).next_back().map(|it| it.1.clone());
        Committee::of(epoch, set.unwrap_or_default())
    }

    /// Takes the last block of the epoch up to which the validators are known: it names the next ones.
    ///
    /// # Errors
    /// What is wrong with it, in words. Nothing is known then that was not before.
    pub fn take(&mut self, block: &Certified) -> Result<(), String> {
        let Certified { changes, certificate } = block;
        let BlockChanges { header, committee, .. } = changes;
        if header.chain != self.chain {
            return Err("it is of another market".into());
        }
        if header.epoch != self.known_to {
            return Err(format!("it is of epoch {}, not of {}", header.epoch, self.known_to));
        }
        let certificate = certificate.as_ref().ok_or("it is without a certificate")?;
        certificate::check(header, &certificate.0, &self.of(header.epoch))
            .map_err(|why| why.to_string())?;
        if changes.root() != header.changes_root {
            return Err("its changes are not those that its header names".into());
        }
        let named = committee.as_ref().ok_or("it is not the last of its epoch")?;
        let next =
            Committee::from_bytes(&named.0).map_err(|why| format!("its committee: {why}"))?;
        if header.epoch.checked_add(1) != Some(next.epoch) {
            return Err("its committee is of another epoch than the next".into());
        }
        let validators = bare(next.validators);
        if self.of(next.epoch).validators != validators {
            self.sets.insert(next.epoch, validators);
        }
        self.known_to = next.epoch;
        Ok(())
    }

    /// Goes on to the newest epoch that nodes have begun, by the last block of each of `epoch_blocks` blocks.
    ///
    /// # Errors
    /// [`Fault::Unreachable`], [`Fault::Refused`]; [`Fault::NotUnderstood`], [`Fault::NotCertified`] by what is
    /// served. What was shown before stays known.
    pub async fn renew(&mut self, doors: &Doors, epoch_blocks: u64) -> Result<(), Fault> {
        let last = |epoch: u64| epoch.checked_add(1)?.checked_mul(epoch_blocks)?.checked_sub(1);
        while let Some(height) = last(self.known_to) {
            let Some(block) = served(doors, height).await? else { break };
            self.take(&block).map_err(|why| Fault::NotCertified { height, why })?;
        }
        Ok(())
    }
}

/// The block at `height`; `None` if no node has it.
async fn served(doors: &Doors, height: u64) -> Result<Option<Certified>, Fault> {
    let answers = doors.get_each(&format!("/v1/blocks/{height}")).await?;
    let Some(answer) = answers.into_iter().find(|it| it.status.is_success()) else {
        return Ok(None);
    };
    let block = Certified::from_bytes(&answer.body).map_err(|why| Fault::NotUnderstood {
        url: answer.url,
        why: format!("block {height}: {why}"),
    })?;
    Ok(Some(block))
}

/// Validators in the order of their keys, without the addresses that proofs do not need.
fn bare(validators: Vec<Validator>) -> Vec<Validator> {
    let bare = validators.into_iter().map(|it| Validator { address: Text::default(), ..it });
    Committee::of(0, bare.collect()).validators
}

#[cfg(test)]
mod tests {
    use crypto::keys::SecretKey;
    use types::{Bytes, Databases, Digest, Header, LedgerTime, PartyId, PublicKey};

    use super::*;

    const CHAIN: ChainId = ChainId([7; 32]);

    fn secrets(seeds: &[u8]) -> Vec<SecretKey> {
        seeds.iter().map(|it| SecretKey::from_seed([*it; 32])).collect()
    }

    fn validators(seeds: &[u8]) -> Vec<Validator> {
        let address = Text::new("127.0.0.1:1").unwrap();
        let of = |it: &SecretKey| Validator {
            key: it.public(),
            party: PartyId(1),
            address: address.clone(),
        };
        secrets(seeds).iter().map(of).collect()
    }

    /// The last block of an epoch, certified by `by`, that names `next`.
    fn last(epoch: u64, next: Option<&[u8]>, by: &[u8]) -> Certified {
        let nought = Digest([0; 32]);
        let header = Header {
            version: 1,
            chain: CHAIN,
            height: epoch * 10 + 9,
            time: LedgerTime(5_000),
            epoch,
            view: 9,
            leader: PublicKey([0; 32]),
            parent_view: 8,
            parent: nought,
            state_format: 1,
            databases: Databases::default(),
            changes_root: nought,
            instructions_root: nought,
            witness_root: nought,
            headers_root: nought,
        };
        let mut changes = BlockChanges::nothing(header);
        let named = next.map(|it| Committee::of(epoch + 1, validators(it)));
        changes.committee = named.map(|it| Bytes(it.to_bytes()));
        changes.header.changes_root = changes.root();
        let committee = Committee::of(epoch, validators(by));
        let certificate = certificate::sign(&changes.header, &committee, &secrets(by));
        Certified { changes, certificate: Some(Bytes(certificate)) }
    }

    #[test]
    fn a_change_of_the_set_is_followed_by_the_last_block_of_each_epoch() {
        let (old, new): (&[u8], &[u8]) = (&[1, 2, 3, 4], &[2, 3, 4, 5]);
        let mut known = Committees::new(CHAIN, validators(old));
        known.take(&last(0, Some(old), old)).unwrap();
        known.take(&last(1, Some(new), old)).unwrap();
        known.take(&last(2, Some(new), new)).unwrap();
        assert_eq!(known.known_to(), 3);
        let from: Vec<_> = known.sets().map(|it| it.0).collect();
        assert_eq!(from, [0, 2], "only changes are kept");
        for (epoch, seeds) in [(0, old), (1, old), (2, new), (3, new), (99, new)] {
            assert_eq!(known.of(epoch), Committee::of(epoch, bare(validators(seeds))), "{epoch}");
        }
    }

    #[test]
    fn what_names_no_next_set_is_refused_and_changes_nothing() {
        let (own, strangers): (&[u8], &[u8]) = (&[1, 2, 3, 4], &[5, 6, 7, 8]);
        let known = Committees::new(CHAIN, validators(own));
        let bent = |bend: fn(&mut Certified)| {
            let mut block = last(0, Some(own), own);
            bend(&mut block);
            block
        };
        for (block, why) in [
            (bent(|it| it.changes.header.chain = ChainId([8; 32])), "it is of another market"),
            (last(1, Some(own), own), "it is of epoch 1, not of 0"),
            (bent(|it| it.certificate = None), "it is without a certificate"),
            (last(0, Some(own), strangers), "a validator's signature is wrong"),
            (bent(|it| it.changes.committee = None), "its changes are not those"),
            (last(0, None, own), "it is not the last of its epoch"),
        ] {
            let mut taken = known.clone();
            let told = taken.take(&block).unwrap_err();
            assert!(told.contains(why), "{told}");
            assert_eq!(taken, known);
        }
    }

    #[test]
    fn sets_that_are_believed_come_in_their_order() {
        let mut known = Committees::new(CHAIN, validators(&[1]));
        assert!(known.believe(7, validators(&[2])));
        assert!(!known.believe(7, validators(&[3])));
        assert!(!known.believe(0, validators(&[3])));
        assert_eq!((known.known_to(), known.of(8).validators.len()), (7, 1));
        known.believe_known_to(3);
        assert_eq!(known.known_to(), 7);
    }
}
