//! The registry: who holds how much of an instrument, under one digest.
//!
//! The digest is SHA-256 of a homomorphic hash over the holders. A change subtracts the old element and
//! adds the new one, so its cost does not depend on how many holders there are. An element is an
//! account and its whole position; holders of nothing, and the issuance account, make none.

use alloc::vec::Vec;

use crypto::LtHash;
use types::{AccountId, Digest, InstrumentId};

use crate::{
    book,
    draft::{Draft, Missing},
    issuance::Instrument,
    row::{Row, kind},
};

/// One holder's position before and after.
pub(crate) type Change = (AccountId, i64, i64);

types::record! {
    /// The homomorphic hash over an instrument's holders.
    pub struct RegistryHash {
        /// Its lanes, in order.
        pub lanes: [u8; 2048],
    }
}

impl Row for RegistryHash {
    const KIND: u8 = kind::REGISTRY;
    type Name = InstrumentId;
}

/// What one holder, or one earmark of a holder, makes in the registry of an instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// An amount that everybody reads.
    Open(AccountId, i64),
    /// A digest over what is held, sealed.
    Sealed(AccountId, [u8; 32]),
}

impl Element {
    /// Its bytes: the account, then the amount or the digest.
    #[must_use]
    pub fn to_bytes(self) -> Vec<u8> {
        match self {
            Self::Open(account, quantity) => element(account, quantity).to_vec(),
            Self::Sealed(account, digest) => [&account.0[..], &digest].concat(),
        }
    }
}

/// The element that one holder makes.
#[must_use]
pub fn element(account: AccountId, quantity: i64) -> [u8; 24] {
    let mut bytes = [0; 24];
    let value = account.0.into_iter().chain(quantity.to_be_bytes());
    bytes.iter_mut().zip(value).for_each(|(byte, value)| *byte = value);
    bytes
}

/// The digest of a whole list of holders, in any order.
#[must_use]
pub fn digest(holders: impl Iterator<Item = (AccountId, i64)>) -> Digest {
    let mut hash = LtHash::default();
    holders.for_each(|(account, quantity)| hash.add(&element(account, quantity)));
    hash.digest()
}

/// Exchanges an element of a sealed instrument's registry for another. Money has none.
pub(crate) fn exchange(
    draft: &mut Draft<'_>,
    instrument: InstrumentId,
    old: Option<Element>,
    new: Option<Element>,
) -> Result<(), Missing> {
    if instrument.is_currency() || old == new {
        return Ok(());
    }
    let row = draft.get::<Instrument>(&instrument)?;
    assert!(row.is_some(), "what moves is listed");
    let Some(row) = row else { return Ok(()) };
    let stored = draft.get::<RegistryHash>(&instrument)?;
    let mut hash = stored.map_or_else(LtHash::default, |it| LtHash::from_bytes(&it.lanes));
    old.iter().for_each(|it| hash.subtract(&it.to_bytes()));
    new.iter().for_each(|it| hash.add(&it.to_bytes()));
    let registry_digest = hash.digest();
    draft.put(&instrument, &RegistryHash { lanes: hash.to_bytes() })?;
    draft.put(&instrument, &Instrument { registry_digest, ..row })
}

/// Brings an instrument's digest and supply up to date with `changes` of its positions.
///
/// Money has a supply and no registry.
pub(crate) fn update(
    draft: &mut Draft<'_>,
    instrument: InstrumentId,
    changes: &[Change],
) -> Result<(), Missing> {
    let row = draft.get::<Instrument>(&instrument)?;
    assert!(row.is_some(), "what moves is listed");
    let Some(mut row) = row else { return Ok(()) };
    let before = row.clone();
    let issuance = book::issuance_account(instrument);
    if let Some((_, _, after)) = changes.iter().find(|it| it.0 == issuance) {
        row.supply = crypto::Amount::Open(after.saturating_neg());
    }
    if !instrument.is_currency() {
        let held: Vec<&Change> = changes.iter().filter(|it| it.0 != issuance).collect();
        let stored = draft.get::<RegistryHash>(&instrument)?;
        let mut hash = stored.map_or_else(LtHash::default, |it| LtHash::from_bytes(&it.lanes));
        for (account, before, after) in held {
            if *before != 0 {
                hash.subtract(&element(*account, *before));
            }
            if *after != 0 {
                hash.add(&element(*account, *after));
            }
        }
        row.registry_digest = hash.digest();
        draft.put(&instrument, &RegistryHash { lanes: hash.to_bytes() })?;
    }
    if row != before {
        draft.put(&instrument, &row)?;
    }
    Ok(())
}
