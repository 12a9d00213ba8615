//! Issuance: instruments, and their units coming into being and ending.
//!
//! ```text
//!   security   issuer requests --> CSD approves --> issued to the issuer's account --> allocated
//!   money      settlement bank issues against a deposit --> circulates among members --> redeemed
//! ```
//!
//! Units come from the instrument's issuance account and go back to it, so every instrument sums to zero.

pub mod sealed;

use alloc::vec::Vec;

use crypto::Amount;
use types::{
    AccountId, Cfi, Currency, Digest, InstructionId, InstrumentId, Isin, PartyId, PublicKey, Text,
};

use crate::{
    Stop,
    book::{self, Movement},
    draft::{Draft, Missing},
    event::Event,
    governance::{self, Party, PartyKey, Roles},
    reject::Reject,
    row::{Row, kind},
};

types::choice! {
    /// What an instrument is, for life.
    #[derive(Copy, Hash)]
    pub enum Kind {
        /// A security whose amounts everybody reads.
        0 => OpenSecurity,
        /// A security whose amounts only those entitled read.
        1 => SealedSecurity,
        /// Money whose amounts everybody reads.
        2 => OpenMoney,
        /// Money whose amounts only those entitled read.
        3 => SealedMoney,
    }
}

impl Kind {
    /// Whether only those entitled read its amounts.
    #[must_use]
    pub const fn is_sealed(self) -> bool {
        matches!(self, Self::SealedSecurity | Self::SealedMoney)
    }
}

types::record! {
    /// An instrument, as its amounts stand.
    pub struct Instrument {
        /// Security or money, open or sealed.
        pub kind: Kind,
        /// Decimal places of its quantities.
        pub scale: u8,
        /// Key 0 of its issuer.
        pub issuer_key: PublicKey,
        /// Units in circulation.
        pub supply: Amount,
        /// How many splits it has seen.
        pub split_index: u32,
        /// Digest over its holders; zeros for money.
        pub registry_digest: Digest,
    }
}

impl Row for Instrument {
    const KIND: u8 = kind::INSTRUMENT;
    type Name = InstrumentId;
}

types::record! {
    /// An instrument, as it is described.
    pub struct Listing {
        /// Its issuer; the settlement bank, for money.
        pub issuer: PartyId,
        /// Its name.
        pub name: Text<100>,
        /// Its classification.
        pub cfi: Cfi,
        /// Whether the administrator signs off each settlement of it.
        pub sign_off: bool,
    }
}

impl Row for Listing {
    const KIND: u8 = kind::LISTING;
    type Name = InstrumentId;
}

types::record! {
    /// An issuer's request, until it is decided.
    pub struct Request {
        /// Who requests.
        pub issuer: PartyId,
        /// Of what.
        pub instrument: InstrumentId,
        /// To or from which account.
        pub account: AccountId,
        /// How many units.
        pub quantity: Amount,
        /// Whether units are to end.
        pub redeem: bool,
    }
}

impl Row for Request {
    const KIND: u8 = kind::REQUEST;
    type Name = InstructionId;
}

/// Most decimal places of a quantity.
pub const SCALE_MAX: u8 = 12;

/// Registers an instrument.
///
/// # Errors
/// [`Reject::PartyUnknown`] and [`Reject::RoleMissing`] (of the issuer named),
/// [`Reject::InstrumentInvalid`] (its id or scale), [`Reject::InstrumentExists`].
pub(crate) fn list(
    draft: &mut Draft<'_>,
    instrument: InstrumentId,
    kind: Kind,
    scale: u8,
    listing: &Listing,
) -> Result<(), Stop> {
    let (valid, role) = match kind {
        Kind::OpenSecurity | Kind::SealedSecurity => {
            (Isin::from_bytes12(instrument.0).is_ok(), Roles::ISSUER)
        }
        Kind::OpenMoney | Kind::SealedMoney => {
            (currency_of(instrument).is_some(), Roles::SETTLEMENT_BANK)
        }
    };
    let issuer = listing.issuer;
    let party = draft.get::<Party>(&issuer)?.ok_or(Reject::PartyUnknown { party: issuer })?;
    if !party.roles.any_of(role) {
        return Err(Reject::RoleMissing { roles: role }.into());
    }
    if !valid || scale > SCALE_MAX {
        return Err(Reject::InstrumentInvalid { instrument }.into());
    }
    if draft.get::<Instrument>(&instrument)?.is_some() {
        return Err(Reject::InstrumentExists { instrument }.into());
    }
    let key = draft.get::<PartyKey>(&(issuer, types::KeyId(0)))?;
    let issuer_key = key.map_or(PublicKey([0; 32]), |key| key.public);
    let registry_digest = match kind {
        Kind::OpenSecurity | Kind::SealedSecurity => crate::registry::digest(core::iter::empty()),
        Kind::OpenMoney | Kind::SealedMoney => Digest([0; 32]),
    };
    let supply = Amount::Open(0);
    let row = Instrument { kind, scale, issuer_key, supply, split_index: 0, registry_digest };
    draft.put(&instrument, &row)?;
    draft.put(&instrument, listing)?;
    draft.tell(Event::InstrumentListed { instrument, issuer });
    Ok(())
}

/// Takes an issuer's request. It has no effect until it is decided.
///
/// # Errors
/// [`Reject::RoleMissing`], [`Reject::AccountUnknown`], [`Reject::InstrumentUnknown`] (also of money, which
/// is issued without a request), [`Reject::NotIssuer`], [`Reject::SealedNotAllowed`] (to an open account what is sealed,
/// and the reverse; from a sealed one, whose owner retires), [`Reject::QuantityNotPositive`].
pub(crate) fn request(
    draft: &mut Draft<'_>,
    id: InstructionId,
    (account, instrument): book::Place,
    quantity: &Amount,
    redeem: bool,
) -> Result<(), Stop> {
    let issuer = governance::require_role(draft, Roles::ISSUER)?;
    let row = draft.get::<book::Account>(&account)?.ok_or(Reject::AccountUnknown { account })?;
    let listing = require_security(draft, instrument)?;
    if listing.issuer != issuer {
        return Err(Reject::NotIssuer { instrument }.into());
    }
    let sealed = is_sealed(draft, instrument)?;
    if sealed != row.manager.is_none() || (sealed && redeem) {
        return Err(Reject::SealedNotAllowed.into());
    }
    book::positive(quantity.clone())?;
    let quantity = quantity.clone();
    draft.put(&id, &Request { issuer, instrument, account, quantity, redeem })?;
    draft.tell(Event::Requested { request: id });
    Ok(())
}

/// Gives effect to a request, or refuses it.
///
/// # Errors
/// [`Reject::RequestUnknown`], then those of [`book::posting`]; of what is sealed [`Reject::ViewKeyUnknown`] (of the
/// administrators) and [`Reject::AmountsDoNotAdd`].
pub(crate) fn decide(draft: &mut Draft<'_>, id: InstructionId, approved: bool) -> Result<(), Stop> {
    let request = draft.get::<Request>(&id)?.ok_or(Reject::RequestUnknown { request: id })?;
    let Request { instrument, account, quantity, redeem, .. } = request;
    let retired = redeem && is_sealed(draft, instrument)?;
    if retired {
        sealed::decide(draft, id, (account, instrument), &quantity)?;
    }
    if approved {
        units(draft, instrument, account, quantity, redeem)?;
    } else if retired {
        sealed::come_back(draft, (account, instrument), &quantity)?;
    }
    draft.end::<Request>(&id)?;
    draft.tell(Event::RequestDecided { request: id, approved });
    Ok(())
}

/// Issues money tokens against a deposit.
///
/// # Errors
/// [`Reject::RoleMissing`], [`Reject::AccountUnknown`], [`Reject::SealedNotAllowed`] (to an open account what is sealed,
/// and the reverse), [`Reject::AccountNotEligible`], [`Reject::InstrumentUnknown`], [`Reject::NotIssuer`], then those of
/// [`book::posting`]; of what is sealed [`Reject::QuantityNotPositive`], [`Reject::AmountsDoNotAdd`] and
/// [`Reject::ViewKeyUnknown`] (of the administrators).
pub(crate) fn issue_money(
    draft: &mut Draft<'_>,
    (account, currency): book::Place,
    amount: &Amount,
) -> Result<(), Stop> {
    let bank = governance::require_role(draft, Roles::SETTLEMENT_BANK)?;
    if is_sealed(draft, currency)? {
        book::sealed::require_sealed(draft, account)?;
    } else {
        book::require_eligible(draft, (account, currency))?;
    }
    if require_money(draft, currency)?.issuer != bank {
        return Err(Reject::NotIssuer { instrument: currency }.into());
    }
    units(draft, currency, account, amount.clone(), false)
}

/// Gives money tokens back to the settlement bank.
///
/// # Errors
/// [`Reject::RoleMissing`], [`Reject::AccountUnknown`], [`Reject::AccountNotManaged`],
/// [`Reject::InstrumentUnknown`], [`Reject::SealedNotAllowed`], then those of [`book::posting`].
pub(crate) fn redeem_money(
    draft: &mut Draft<'_>,
    (account, currency): book::Place,
    amount: &Amount,
) -> Result<(), Stop> {
    let manager = governance::require_role(draft, Roles::ACCOUNT_MANAGER)?;
    book::require_manager(draft, account, manager)?;
    require_money(draft, currency)?;
    require_open(draft, currency)?;
    units(draft, currency, account, amount.clone(), true)
}

/// Allocates units of one account over several: all of it, or nothing.
///
/// # Errors
/// [`Reject::RoleMissing`], [`Reject::AccountUnknown`] and [`Reject::AccountNotManaged`] (of the one debited),
/// [`Reject::AccountUnknown`] and [`Reject::AccountNotEligible`] (of the first credited one that fails),
/// [`Reject::InstrumentUnknown`], [`Reject::QuantityNotPositive`] (also of nothing to nobody), then those of
/// [`book::posting`].
pub(crate) fn allocate(
    draft: &mut Draft<'_>,
    (from, instrument): book::Place,
    to: &[(AccountId, Amount)],
) -> Result<(), Stop> {
    let manager = governance::require_role(draft, Roles::ACCOUNT_MANAGER)?;
    book::require_manager(draft, from, manager)?;
    let mut movements = Vec::new();
    for (to, amount) in to {
        book::require_eligible(draft, (*to, instrument))?;
        movements.push(Movement { instrument, from, to: *to, amount: amount.clone() });
    }
    require_listed(draft, instrument)?;
    if movements.is_empty() {
        return Err(Reject::QuantityNotPositive.into());
    }
    book::posting(draft, &movements)?.post(draft)?;
    for movement in movements {
        draft.tell(Event::Moved { movement });
    }
    Ok(())
}

/// Writes an instrument's row anew without changing it, so that its registry digest makes a change leaf.
///
/// # Errors
/// [`Reject::InstrumentUnknown`], [`Reject::NotIssuer`].
pub(crate) fn attest(
    draft: &mut Draft<'_>,
    instrument: InstrumentId,
    party: PartyId,
) -> Result<(), Stop> {
    if require_listed(draft, instrument)?.issuer != party {
        return Err(Reject::NotIssuer { instrument }.into());
    }
    let row = draft.get::<Instrument>(&instrument)?;
    let row = row.ok_or(Reject::InstrumentUnknown { instrument })?;
    Ok(draft.put(&instrument, &row)?)
}

/// Whether only those entitled read an instrument's amounts; not so of what is not listed.
pub(crate) fn is_sealed(draft: &Draft<'_>, instrument: InstrumentId) -> Result<bool, Missing> {
    Ok(draft.get::<Instrument>(&instrument)?.is_some_and(|it| it.kind.is_sealed()))
}

/// Refuses what is sealed.
///
/// # Errors
/// [`Reject::SealedNotAllowed`].
pub(crate) fn require_open(draft: &Draft<'_>, instrument: InstrumentId) -> Result<(), Stop> {
    if is_sealed(draft, instrument)? { Err(Reject::SealedNotAllowed.into()) } else { Ok(()) }
}

/// Refuses unless these are a security and money, both open.
///
/// # Errors
/// [`Reject::InstrumentUnknown`] of the security, then the money, then [`Reject::SealedNotAllowed`].
pub(crate) fn require_open_pair(
    draft: &Draft<'_>,
    instrument: InstrumentId,
    currency: InstrumentId,
) -> Result<(), Stop> {
    require_security(draft, instrument)?;
    require_money(draft, currency)?;
    require_open(draft, instrument)?;
    require_open(draft, currency)
}

/// What is told of an instrument, if it is listed.
///
/// # Errors
/// [`Reject::InstrumentUnknown`].
pub(crate) fn require_listed(draft: &Draft<'_>, instrument: InstrumentId) -> Result<Listing, Stop> {
    let listing = draft.get::<Listing>(&instrument)?;
    listing.ok_or_else(|| Reject::InstrumentUnknown { instrument }.into())
}

/// What is told of a security, if it is listed.
///
/// # Errors
/// [`Reject::InstrumentUnknown`].
pub(crate) fn require_security(
    draft: &Draft<'_>,
    instrument: InstrumentId,
) -> Result<Listing, Stop> {
    let listing = require_listed(draft, instrument)?;
    if instrument.is_currency() {
        return Err(Reject::InstrumentUnknown { instrument }.into());
    }
    Ok(listing)
}

/// What is told of money, if it is listed.
///
/// # Errors
/// [`Reject::InstrumentUnknown`].
pub(crate) fn require_money(draft: &Draft<'_>, currency: InstrumentId) -> Result<Listing, Stop> {
    let listing = require_listed(draft, currency)?;
    if !currency.is_currency() {
        return Err(Reject::InstrumentUnknown { instrument: currency }.into());
    }
    Ok(listing)
}

fn units(
    draft: &mut Draft<'_>,
    instrument: InstrumentId,
    account: AccountId,
    amount: Amount,
    redeem: bool,
) -> Result<(), Stop> {
    let issuance = book::issuance_account(instrument);
    let (from, to) = if redeem { (account, issuance) } else { (issuance, account) };
    let movement = Movement { instrument, from, to, amount };
    if is_sealed(draft, instrument)? {
        sealed::units(draft, (account, instrument), &movement.amount, redeem)?;
    } else {
        book::posting(draft, core::slice::from_ref(&movement))?.post(draft)?;
    }
    draft.tell(Event::Moved { movement });
    Ok(())
}

fn currency_of(instrument: InstrumentId) -> Option<Currency> {
    let [a, b, c, ..] = instrument.0;
    let code = [a, b, c];
    let text = core::str::from_utf8(&code).ok()?;
    Currency::parse(text).ok().filter(|_| instrument.is_currency())
}
