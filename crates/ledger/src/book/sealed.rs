//! Sealed positions: amounts that nobody here reads, and the one way to change them.
//!
//! ```text
//!   credit --> open ----(a block later, when closed is empty)----> closed ----(a spend names it)----> available
//!                                                                                available --spend--> gone
//! ```
//!
//! Only the owner's spend, and a set that the settlement agent proves, change `available`; a spend names the
//! credits that it absorbs by their height. So a credit that arrives while a spend is on its way makes no
//! proof stale.

use alloc::vec::Vec;

use crypto::{
    Sealed,
    sealed::{Point, Points},
    statement::Stated,
};
use types::{AccountId, Digest, InstrumentId, Wire};

use super::{Account, Place};
use crate::{
    Stop,
    draft::{Draft, Missing},
    governance::{Parameter, ParameterName},
    issuance::{Instrument, Kind},
    registry::{self, Element, RegistryHash},
    reject::Reject,
    row::{Key, Row, kind},
    view_key::{Reader, ViewKey},
};

types::record! {
    /// How much of one sealed instrument stands in one account. What is absent is nothing.
    pub struct SealedPosition {
        /// What its owner may use.
        pub available: Option<Sealed>,
        /// Credits that a spend may name.
        pub closed: Option<Sealed>,
        /// The height of the last credit in `closed`.
        pub closed_at: u64,
        /// Credits since.
        pub open: Option<Sealed>,
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

impl Row for SealedPosition {
    const KIND: u8 = kind::SEALED_POSITION;
    type Name = Place;
}

types::record! {
    /// What a spend takes from, as its proof has it.
    pub struct Cover {
        /// The height of the credits that it absorbs; none if it absorbs none.
        pub closed_at: Option<u64>,
        /// What stands in `available` then, with the handle of who proves.
        pub before: Stated,
    }
}

/// Whose handle of a position.
#[derive(Clone, Copy)]
pub(crate) enum Holder {
    /// Its owner's.
    Owner,
    /// The administrators'.
    Administrators,
}

impl SealedPosition {
    const fn empty(administrators_key: u32) -> Self {
        Self {
            available: None,
            closed: None,
            closed_at: 0,
            open: None,
            open_last: 0,
            changed: 0,
            administrators_key,
            split_index: 0,
        }
    }

    /// The position as a block of this height finds it: credits of earlier blocks can be named, once those before
    /// them are absorbed.
    #[must_use]
    pub fn at(mut self, height: u64) -> Self {
        if self.closed.is_none() && self.open.is_some() && self.open_last < height {
            (self.closed, self.closed_at) = (self.open.take(), self.open_last);
        }
        self
    }

    /// The position with the credits of this height absorbed; `None` when those that can be named are others.
    #[must_use]
    pub fn absorbing(mut self, closed_at: Option<u64>) -> Option<Self> {
        if let Some(height) = closed_at {
            let closed = self.closed.take().filter(|_| self.closed_at == height)?;
            self.available = Some(sum(self.available.as_ref(), &closed)?);
            self.closed_at = 0;
        }
        Some(self)
    }

    /// What stands in `available`, with one handle.
    pub(crate) fn stated(&self, holder: Holder) -> Stated {
        let nothing = Stated { commitment: [0; 32], handle: [0; 32] };
        let Some(available) = &self.available else { return nothing };
        let handle = match (holder, available.handles.all()) {
            (Holder::Owner, [owner, ..]) => *owner,
            (Holder::Administrators, [_, administrators, ..]) => *administrators,
            _ => return nothing,
        };
        Stated { commitment: available.commitment, handle }
    }

    /// The element that it makes in its instrument's registry; `None` when nothing has come in.
    #[must_use]
    pub fn element(&self, account: AccountId) -> Option<Element> {
        let parts = (self.available.clone(), (self.closed.clone(), self.open.clone()));
        let nothing = [&parts.0, &parts.1.0, &parts.1.1].iter().all(|it| it.is_none());
        (!nothing).then(|| held(account, &parts.to_bytes()))
    }
}

/// The element that an earmarked amount makes in its instrument's registry.
#[must_use]
pub fn earmark_element(account: AccountId, name: &[u8], amount: &Sealed) -> Element {
    let mut bytes = name.to_vec();
    amount.write(&mut bytes);
    held(account, &bytes)
}

fn held(account: AccountId, bytes: &[u8]) -> Element {
    let Digest(digest) = crypto::digest(b"furikae.held.v1", bytes);
    Element::Sealed(account, digest)
}

/// Refuses unless this is an account of its own keys.
///
/// # Errors
/// [`Reject::AccountUnknown`], [`Reject::SealedNotAllowed`].
pub(crate) fn require_sealed(draft: &Draft<'_>, account: AccountId) -> Result<Account, Stop> {
    let row = draft.get::<Account>(&account)?.ok_or(Reject::AccountUnknown { account })?;
    if row.manager.is_none() { Ok(row) } else { Err(Reject::SealedNotAllowed.into()) }
}

/// Refuses unless this is listed, and of this kind.
///
/// # Errors
/// [`Reject::InstrumentUnknown`], [`Reject::SealedNotAllowed`].
pub(crate) fn require_kind(
    draft: &Draft<'_>,
    instrument: InstrumentId,
    kind: Kind,
) -> Result<Instrument, Stop> {
    let row = draft.get::<Instrument>(&instrument)?;
    let row = row.ok_or(Reject::InstrumentUnknown { instrument })?;
    if row.kind == kind { Ok(row) } else { Err(Reject::SealedNotAllowed.into()) }
}

/// The rows that it takes to change a position.
pub(crate) fn rows_of(place: Place, administrators_key: u32) -> Vec<Key> {
    let reader = Reader::Administrators { key: administrators_key };
    let mut rows = alloc::vec![SealedPosition::key(&place), Instrument::key(&place.1)];
    rows.extend([ViewKey::key(&reader), Parameter::key(&ParameterName::AdministratorsKey)]);
    if !place.1.is_currency() {
        rows.push(RegistryHash::key(&place.1));
    }
    rows
}

/// How many handles a position in this instrument has: owner, administrators, and the issuer of a security.
pub(crate) const fn handles_of(instrument: InstrumentId) -> u8 {
    if instrument.is_currency() { 2 } else { 3 }
}

/// A position as this block finds it; an empty one where there is none.
pub(crate) fn position(
    draft: &Draft<'_>,
    place: Place,
    administrators_key: u32,
) -> Result<SealedPosition, Missing> {
    let row = draft.get::<SealedPosition>(&place)?;
    Ok(row.unwrap_or_else(|| SealedPosition::empty(administrators_key)).at(draft.at.height))
}

/// A position that is taken from, its credits absorbed.
pub(crate) struct Covering {
    /// The position, without what is available in it.
    position: SealedPosition,
    /// What is available.
    pub available: Points,
}

impl Covering {
    /// The position with so much available.
    pub fn leaves(self, available: &Points) -> SealedPosition {
        SealedPosition { available: Some(available.sealed()), ..self.position }
    }
}

/// The position that is taken from, its credits absorbed.
///
/// # Errors
/// [`Reject::PositionMoved`] when it does not stand as the cover says.
pub(crate) fn covering(
    draft: &Draft<'_>,
    place: Place,
    administrators_key: u32,
    cover: &Cover,
    holder: Holder,
) -> Result<Covering, Stop> {
    let moved = Reject::PositionMoved { account: place.0, instrument: place.1 };
    let mut position = position(draft, place, administrators_key)?;
    let named =
        cover.closed_at.is_none_or(|it| position.closed.is_some() && position.closed_at == it);
    let absorbed = position.closed.take_if(|_| cover.closed_at.is_some());
    if absorbed.is_some() {
        position.closed_at = 0;
    }
    let mut available = Some(Points::zero(handles_of(place.1)));
    for part in position.available.take().iter().chain(&absorbed) {
        available = available.zip(part.points()).and_then(|(sum, it)| sum.plus(&it));
    }
    let place = match holder {
        Holder::Owner => 0,
        Holder::Administrators => 1,
    };
    let before = &cover.before;
    let stands = |it: &Points| named && it.are(&before.commitment, place, &before.handle);
    let available = available.filter(stands).ok_or(moved)?;
    Ok(Covering { position, available })
}

/// Takes an amount from what is available, whose cover has been shown.
///
/// # Errors
/// [`Reject::AmountsDoNotAdd`] when handles are not as many.
pub(crate) fn debit(
    draft: &mut Draft<'_>,
    place: Place,
    covering: Covering,
    amount: &Points,
) -> Result<(), Stop> {
    let left = covering.available.clone().minus(amount);
    let left = left.ok_or(Reject::AmountsDoNotAdd { instrument: place.1 })?;
    Ok(write(draft, place, covering.leaves(&left))?)
}

/// Gives an amount to a position, as its owner has it.
///
/// # Errors
/// [`Reject::AmountsDoNotAdd`] when bytes are no points, or handles are not as many.
pub(crate) fn credit(
    draft: &mut Draft<'_>,
    place: Place,
    administrators_key: u32,
    amount: &Sealed,
) -> Result<(), Stop> {
    let row = position(draft, place, administrators_key)?;
    assert!(row.administrators_key == administrators_key, "a rotation leaves no amount behind");
    let unfit = Reject::AmountsDoNotAdd { instrument: place.1 };
    let open = Some(sum(row.open.as_ref(), amount).ok_or(unfit)?);
    let open_last = draft.at.height;
    Ok(write(draft, place, SealedPosition { open, open_last, ..row })?)
}

/// Writes a position anew without changing it, so that it makes a change leaf.
///
/// # Errors
/// [`Reject::PositionUnknown`].
pub(crate) fn attest(draft: &mut Draft<'_>, place: Place) -> Result<(), Stop> {
    let refusal = Reject::PositionUnknown { account: place.0, instrument: place.1 };
    let position = draft.get::<SealedPosition>(&place)?.ok_or(refusal)?;
    let changed = draft.at.height;
    Ok(draft.put(&place, &SealedPosition { changed, ..position })?)
}

/// `a + b`, where nothing adds nothing.
pub(crate) fn sum(a: Option<&Sealed>, b: &Sealed) -> Option<Sealed> {
    a.map_or_else(|| Some(b.clone()), |a| a.plus(b))
}

/// Writes a position whose cover has been shown, and brings its instrument's registry up to date.
pub(crate) fn write(
    draft: &mut Draft<'_>,
    place: Place,
    position: SealedPosition,
) -> Result<(), Missing> {
    let old = draft.get::<SealedPosition>(&place)?.and_then(|it| it.element(place.0));
    let new = position.element(place.0);
    let changed = draft.at.height;
    draft.put(&place, &SealedPosition { changed, ..position })?;
    registry::exchange(draft, place.1, old, new)
}

/// The view key in the row of an account.
///
/// # Errors
/// Those of [`require_sealed`].
pub(crate) fn view_key(draft: &Draft<'_>, account: AccountId) -> Result<Point, Stop> {
    Ok(require_sealed(draft, account)?.view_key.0)
}

/// The readers' keys of a movement's amount, in the order of its handles.
///
/// # Errors
/// Those of [`require_sealed`] of the sender, then the receiver; [`Reject::ViewKeyUnknown`] of the issuer.
pub(crate) fn readers(
    draft: &Draft<'_>,
    movement: &super::Movement,
    administrators: Point,
) -> Result<Vec<Point>, Stop> {
    let mut keys = alloc::vec![view_key(draft, movement.from)?, view_key(draft, movement.to)?];
    keys.push(administrators);
    if !movement.instrument.is_currency() {
        keys.push(crate::view_key::issuer(draft, movement.instrument)?.view.0);
    }
    Ok(keys)
}
