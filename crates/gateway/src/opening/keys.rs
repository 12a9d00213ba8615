//! Whose view key reads what: an owner its accounts, an issuer its instrument, administrators all.

use std::collections::BTreeMap;

use ::proof::Secret;
use crypto::{Sealed, statement::Stated};
use ledger::book::{Movement, Place};
use types::{AccountId, InstrumentId};

/// Secrets of view keys.
#[derive(Clone, Default)]
pub struct Keys {
    /// The administrators', by their numbers.
    pub administrators: BTreeMap<u32, Secret>,
    /// An issuer's, by its instruments.
    pub issuer: BTreeMap<InstrumentId, Secret>,
    /// An owner's, by its accounts.
    pub accounts: BTreeMap<AccountId, Secret>,
}

impl Keys {
    /// The secret that reads a movement's amount, and what it reads it by.
    pub(super) fn of_movement(
        &self,
        movement: &Movement,
        administrators_key: u32,
        amount: &Sealed,
    ) -> Option<(&Secret, Stated)> {
        let of_account = |account, place| self.accounts.get(account).map(|it| (it, place));
        let (secret, place) = of_account(&movement.from, 0)
            .or_else(|| of_account(&movement.to, 1))
            .or_else(|| self.administrators.get(&administrators_key).map(|it| (it, 2)))
            .or_else(|| self.issuer.get(&movement.instrument).map(|it| (it, 3)))?;
        Some((secret, stated(amount, place)?))
    }

    /// The secret that reads a position, and the place of its handles there.
    pub(super) fn of_position(
        &self,
        (account, instrument): Place,
        administrators_key: u32,
    ) -> Option<(&Secret, usize)> {
        let of_owner = self.accounts.get(&account).map(|it| (it, 0));
        let of_administrators = || self.administrators.get(&administrators_key).map(|it| (it, 1));
        let of_issuer = || self.issuer.get(&instrument).map(|it| (it, 2));
        of_owner.or_else(of_administrators).or_else(of_issuer)
    }
}

/// An amount with one of its handles.
pub(super) fn stated(amount: &Sealed, place: usize) -> Option<Stated> {
    let handle = *amount.handles.all().get(place)?;
    Some(Stated { commitment: amount.commitment, handle })
}
