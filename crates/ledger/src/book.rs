//! The book: accounts, positions, and the one way to change them.
//!
//! A [`Movement`] takes an amount from one account and gives the same amount to another, so every
//! list of movements conserves every instrument. A [`Posting`] is the *sum* of such a list:
//!
//! ```text
//!   movements   alice -100-> bob   bob -100-> carol   carol -100-> alice
//!   posting     alice    0         bob    0           carol    0
//! ```
//!
//! Cover is asked of the sum, not of each step. So settling one trade gross, offsetting two, and
//! netting a thousand are one function, called with a longer list.
//!
//! An *issuance account* may fall below zero: it carries minus the units in circulation.

pub mod sealed;

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use crypto::Amount;
use types::{AccountId, Digest, InstrumentId, PartyId, PublicKey, Wire};

use crate::{
    Stop,
    draft::{Draft, Missing},
    event::Event,
    governance::{Party, Roles},
    instruction::Instruction,
    issuance::{self, Instrument},
    registry::{self, RegistryHash},
    reject::Reject,
    row::{Row, kind},
    settlement::queue,
};

types::record! {
    /// A securities or cash account.
    pub struct Account {
        /// The key that may spend from it (sealed instruments).
        pub spend_key: PublicKey,
        /// The key that may read it (sealed instruments).
        pub view_key: PublicKey,
        /// The key that sealed envelopes to its owner are made for (sealed instruments).
        pub envelope_key: PublicKey,
        /// Account class.
        pub class: u16,
        /// Salted commitment to the holder's record.
        pub holder: Digest,
        /// Number of the holder.
        pub holder_number: [u8; 16],
        /// Who manages it; absent when sealed.
        pub manager: Option<PartyId>,
    }
}

impl Row for Account {
    const KIND: u8 = kind::ACCOUNT;
    type Name = AccountId;
}

types::record! {
    /// How much of one instrument stands in one account. An open instrument uses `available` alone.
    pub struct Position {
        /// What its owner may use.
        pub available: Amount,
        /// Credits that a spend may name.
        pub closed: Amount,
        /// The height of the last credit in `closed`.
        pub closed_at: u64,
        /// Credits of this height.
        pub open: Amount,
        /// The height of the last credit in `open`.
        pub open_last: u64,
        /// The height of the last change.
        pub changed: u64,
        /// Under which administrators' key the amounts are sealed.
        pub administrators_key: u32,
        /// How many splits the amounts have seen.
        pub split_index: u32,
    }
}

impl Row for Position {
    const KIND: u8 = kind::POSITION;
    type Name = Place;
}

/// Where a position stands: which account, which instrument.
pub type Place = (AccountId, InstrumentId);

types::record! {
    /// An amount on its way from one account to another.
    pub struct Movement {
        /// What moves.
        pub instrument: InstrumentId,
        /// Debited account.
        pub from: AccountId,
        /// Credited account.
        pub to: AccountId,
        /// How much. Above zero.
        pub amount: Amount,
    }
}

impl Movement {
    /// The position that it debits.
    #[must_use]
    pub const fn debit(&self) -> Place {
        (self.from, self.instrument)
    }

    /// The position that it credits.
    #[must_use]
    pub const fn credit(&self) -> Place {
        (self.to, self.instrument)
    }
}

/// What a list of movements would change, every position that it debits being covered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posting {
    changes: BTreeMap<Place, i64>,
}

/// The account that carries minus the units of `instrument` in circulation.
#[must_use]
pub const fn issuance_account(instrument: InstrumentId) -> AccountId {
    let [a, b, c, d, e, f, g, h, i, j, k, l] = instrument.0;
    AccountId([0, 0, 0, 0, a, b, c, d, e, f, g, h, i, j, k, l])
}

/// Whether an account's number is one that only the rules give.
#[must_use]
pub const fn is_issuance_account(account: AccountId) -> bool {
    matches!(account.0, [0, 0, 0, 0, ..])
}

/// Sums `movements` over the book as it stands. Changes nothing.
///
/// # Errors
/// [`Reject::SealedNotAllowed`], [`Reject::QuantityNotPositive`], then [`Reject::AmountsDoNotAdd`], then
/// [`Reject::PositionNotCovered`] of the first debited position in movement order.
pub fn posting(draft: &Draft<'_>, movements: &[Movement]) -> Result<Posting, Stop> {
    let mut sums: BTreeMap<Place, i128> = BTreeMap::new();
    for movement in movements {
        let amount = i128::from(positive(movement.amount.clone())?);
        let (debit, credit) = (movement.debit(), movement.credit());
        add(&mut sums, debit, amount.checked_neg())?;
        add(&mut sums, credit, Some(amount))?;
    }
    let instruments: BTreeSet<InstrumentId> = sums.keys().map(|it| it.1).collect();
    let described = instruments.iter().map(Instrument::key);
    let registries = instruments.iter().filter(|it| !it.is_currency()).map(RegistryHash::key);
    draft.require_rows(sums.keys().map(Position::key).chain(described).chain(registries))?;
    for instrument in instruments {
        issuance::require_open(draft, instrument)?;
    }
    for place in movements.iter().map(Movement::debit) {
        let after = after(draft, place, sums.get(&place).copied().unwrap_or_default())?;
        if after < 0 && !is_issuance_account(place.0) {
            return Err(Reject::PositionNotCovered { account: place.0, instrument: place.1 }.into());
        }
    }
    let mut changes = BTreeMap::new();
    for (place, change) in sums {
        let _fits = after(draft, place, change)?;
        let change = i64::try_from(change);
        changes.insert(place, change.map_err(|_| Reject::AmountsDoNotAdd { instrument: place.1 })?);
    }
    Ok(Posting { changes })
}

impl Posting {
    /// Writes the positions, the registries' digests and the supplies. The only place where an amount changes.
    ///
    /// # Errors
    /// [`Missing`].
    pub fn post(self, draft: &mut Draft<'_>) -> Result<(), Missing> {
        let sum = |sums: &mut BTreeMap<InstrumentId, i128>, (place, change): (&Place, &i64)| {
            let entry = sums.entry(place.1).or_default();
            *entry = entry.saturating_add(i128::from(*change));
        };
        let mut sums = BTreeMap::new();
        self.changes.iter().for_each(|change| sum(&mut sums, change));
        assert!(sums.values().all(|it| *it == 0), "every posting sums to zero in each instrument");
        let mut changed: BTreeMap<InstrumentId, Vec<registry::Change>> = BTreeMap::new();
        for (place, change) in self.changes.into_iter().filter(|it| it.1 != 0) {
            let (before, after) = move_position(draft, place, change)?;
            changed.entry(place.1).or_default().push((place.0, before, after));
            if change > 0 {
                queue::freed(draft, place)?;
            }
        }
        for (instrument, changes) in changed {
            registry::update(draft, instrument, &changes)?;
        }
        Ok(())
    }
}

/// How much of an instrument an account may use; zero where there is no position.
///
/// # Errors
/// [`Missing`].
pub fn available(draft: &Draft<'_>, place: Place) -> Result<i64, Missing> {
    Ok(draft.get::<Position>(&place)?.map_or(0, |it| open(&it.available)))
}

/// A digest over positions in the order of accounts and instruments, those of zero left out: equal when the
/// books are.
#[must_use]
pub fn digest(positions: impl Iterator<Item = (Place, i64)>) -> Digest {
    let mut bytes = Vec::new();
    for (place, units) in positions.filter(|it| it.1 != 0) {
        (place, units).write(&mut bytes);
    }
    crypto::digest(b"furikae.positions.v1", &bytes)
}

/// Opens an account: under its manager, who asks; or, with keys of its own, admitted by an administrator.
///
/// # Errors
/// [`Reject::RoleMissing`] (of a manager), [`Reject::AccountExists`], [`Reject::ViewKeyNotAllowed`] when one of its own
/// keys is absent, or that to read with is none.
pub(crate) fn open_account(
    draft: &mut Draft<'_>,
    account: AccountId,
    asked: &Instruction,
    manager: Option<PartyId>,
) -> Result<(), Stop> {
    if is_issuance_account(account) || draft.get::<Account>(&account)?.is_some() {
        return Err(Reject::AccountExists { account }.into());
    }
    let Instruction::OpenAccount {
        spend_key,
        view_key,
        envelope_key,
        class,
        holder,
        holder_number,
        ..
    } = asked
    else {
        return Ok(());
    };
    let absent = [spend_key, envelope_key].into_iter().any(|it| it.0 == [0; 32]);
    if manager.is_none() && (absent || !crypto::sealed::is_key(&view_key.0)) {
        return Err(Reject::ViewKeyNotAllowed.into());
    }
    let row = Account {
        spend_key: *spend_key,
        view_key: *view_key,
        envelope_key: *envelope_key,
        class: *class,
        holder: *holder,
        holder_number: *holder_number,
        manager,
    };
    draft.put(&account, &row)?;
    draft.tell(Event::AccountOpened { account, manager });
    Ok(())
}

/// Writes a position anew without changing it, so that it makes a change leaf.
///
/// # Errors
/// [`Reject::AccountUnknown`], [`Reject::AccountNotManaged`], [`Reject::PositionUnknown`].
pub(crate) fn attest(draft: &mut Draft<'_>, place: Place, party: PartyId) -> Result<(), Stop> {
    require_manager(draft, place.0, party)?;
    let refusal = Reject::PositionUnknown { account: place.0, instrument: place.1 };
    let position = draft.get::<Position>(&place)?.ok_or(refusal)?;
    draft.put(&place, &Position { changed: draft.at.height, ..position })?;
    Ok(())
}

/// Refuses unless `party` manages `account`.
///
/// # Errors
/// [`Reject::AccountUnknown`], then [`Reject::AccountNotManaged`].
pub(crate) fn require_manager(
    draft: &Draft<'_>,
    account: AccountId,
    party: PartyId,
) -> Result<(), Stop> {
    let row = draft.get::<Account>(&account)?.ok_or(Reject::AccountUnknown { account })?;
    if row.manager == Some(party) {
        return Ok(());
    }
    Err(Reject::AccountNotManaged { account, party }.into())
}

/// Refuses unless `account` may hold `instrument`: money circulates among settlement members only.
///
/// # Errors
/// [`Reject::AccountUnknown`], [`Reject::SealedNotAllowed`], then [`Reject::AccountNotEligible`].
pub(crate) fn require_eligible(
    draft: &Draft<'_>,
    (account, instrument): Place,
) -> Result<(), Stop> {
    let row = draft.get::<Account>(&account)?.ok_or(Reject::AccountUnknown { account })?;
    if row.manager.is_none() {
        return Err(Reject::SealedNotAllowed.into());
    }
    if !instrument.is_currency() {
        return Ok(());
    }
    let manager = row.manager.map(|id| draft.get::<Party>(&id)).transpose()?.flatten();
    let member = manager.is_some_and(|it| !it.suspended && it.roles.any_of(Roles::ACCOUNT_MANAGER));
    if member { Ok(()) } else { Err(Reject::AccountNotEligible { account, instrument }.into()) }
}

/// An amount that the rules may read and that is above zero.
///
/// # Errors
/// [`Reject::SealedNotAllowed`], [`Reject::QuantityNotPositive`].
pub(crate) fn positive(amount: Amount) -> Result<i64, Reject> {
    match amount {
        Amount::Open(value) if value > 0 => Ok(value),
        Amount::Open(_) => Err(Reject::QuantityNotPositive),
        Amount::Sealed(_) => Err(Reject::SealedNotAllowed),
    }
}

/// The value of an open amount of the state: in what is open, no other stands.
pub(crate) fn open(amount: &Amount) -> i64 {
    match amount {
        Amount::Open(value) => *value,
        Amount::Sealed(_) => unreachable!("a sealed amount stands where an open one does"),
    }
}

/// Brings units of a sealed instrument into circulation (or ends them, below zero): so many that everybody reads.
/// Whose position they come to, or leave, is the caller's.
///
/// # Errors
/// [`Reject::AmountsDoNotAdd`].
pub(crate) fn circulate(
    draft: &mut Draft<'_>,
    instrument: InstrumentId,
    units: i64,
) -> Result<(), Stop> {
    let place = (issuance_account(instrument), instrument);
    let change = i128::from(units).checked_neg();
    let change = change.ok_or(Reject::AmountsDoNotAdd { instrument })?;
    let _fits = after(draft, place, change)?;
    let (before, after) = move_position(draft, place, units.saturating_neg())?;
    Ok(registry::update(draft, instrument, &[(place.0, before, after)])?)
}

fn add(sums: &mut BTreeMap<Place, i128>, place: Place, change: Option<i128>) -> Result<(), Reject> {
    let sum = sums.entry(place).or_default();
    let added = change.and_then(|change| sum.checked_add(change));
    *sum = added.ok_or(Reject::AmountsDoNotAdd { instrument: place.1 })?;
    Ok(())
}

fn after(draft: &Draft<'_>, place: Place, change: i128) -> Result<i64, Stop> {
    let sum = i128::from(available(draft, place)?).checked_add(change);
    // The least of all has no negative: a supply could not say it.
    let sum = sum.and_then(|sum| i64::try_from(sum).ok()).filter(|it| *it != i64::MIN);
    sum.ok_or_else(|| Reject::AmountsDoNotAdd { instrument: place.1 }.into())
}

fn move_position(draft: &mut Draft<'_>, place: Place, change: i64) -> Result<(i64, i64), Missing> {
    let position = draft.get::<Position>(&place)?.unwrap_or(Position {
        available: Amount::Open(0),
        closed: Amount::Open(0),
        closed_at: 0,
        open: Amount::Open(0),
        open_last: 0,
        changed: 0,
        administrators_key: 0,
        split_index: 0,
    });
    let before = open(&position.available);
    let after = before.saturating_add(change);
    assert!(after >= 0 || is_issuance_account(place.0), "no position falls below zero");
    let changed = draft.at.height;
    draft.put(&place, &Position { available: Amount::Open(after), changed, ..position })?;
    Ok((before, after))
}
