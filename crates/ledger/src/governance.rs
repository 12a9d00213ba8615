//! Governance: parties, roles, keys, parameters, validators.

use alloc::vec::Vec;

use types::{
    BusinessDate, ChainId, InstrumentId, KeyId, Lane, Lei, PartyId, PublicKey, Sender, Text,
    Validator, Wire,
};

use crate::{
    Stop,
    draft::{Draft, Missing},
    event::Event,
    reject::Reject,
    row::{Row, kind},
};

pub use crate::roles::Roles;

/// The operator of the rules: nobody asks under its number, and what settles fills of the board is named by it.
pub const OPERATOR: PartyId = PartyId(0);

types::record! {
    /// A legal entity on the ledger.
    pub struct Party {
        /// Its legal entity identifier.
        pub lei: Lei,
        /// Its name.
        pub name: Text<70>,
        /// What it may do.
        pub roles: Roles,
        /// Whether it may not act for now.
        pub suspended: bool,
    }
}

impl Row for Party {
    const KIND: u8 = kind::PARTY;
    type Name = PartyId;
}

types::record! {
    /// One key of a party.
    pub struct PartyKey {
        /// The key.
        pub public: PublicKey,
        /// Whether it has been revoked.
        pub revoked: bool,
    }
}

impl Row for PartyKey {
    const KIND: u8 = kind::PARTY_KEY;
    type Name = (PartyId, KeyId);
}

types::record! {
    /// A sequence of a sender.
    pub struct LaneRow {
        /// The number that its next envelope must carry.
        pub next: u64,
    }
}

impl Row for LaneRow {
    const KIND: u8 = kind::LANE;
    type Name = (Sender, Lane);
}

types::choice! {
    /// What can be set.
    pub enum ParameterName {
        /// How many administrators must ask the same for this verb (its tag) to have effect. Default 1.
        0 => Threshold {
            /// The verb's tag.
            verb: u8,
        },
        /// Largest difference of cash amounts that still match, in minor units of the currency. Default 0.
        1 => Tolerance {
            /// The currency.
            currency: InstrumentId,
        },
        /// How long a reported trade waits for its affirmation, in milliseconds. Default one day.
        2 => AffirmWithin,
        /// How long an instruction waits for its match, in milliseconds. Default twenty days.
        3 => MatchWithin,
        /// The market's business date, in days since 1970-01-01. Set by opening a day.
        4 => BusinessDate,
        /// The number of the administrators' view key. Set by registering one. Default 0: there is none.
        5 => AdministratorsKey,
    }
}

impl ParameterName {
    const fn default(&self) -> i64 {
        match self {
            Self::Threshold { .. } => 1,
            Self::Tolerance { .. } | Self::BusinessDate | Self::AdministratorsKey => 0,
            Self::AffirmWithin => 86_400_000,
            Self::MatchWithin => 20 * 86_400_000,
        }
    }

    /// Whether an administrator may set it to `value`.
    const fn allows(&self, value: i64) -> bool {
        match self {
            Self::Threshold { .. } => 1 <= value && value <= 16,
            Self::Tolerance { .. } => 0 <= value,
            Self::AffirmWithin | Self::MatchWithin => 1_000 <= value && value <= 366 * 86_400_000,
            Self::BusinessDate | Self::AdministratorsKey => false,
        }
    }
}

types::record! {
    /// The value of a parameter.
    pub struct Parameter {
        /// In the unit that its name says.
        pub value: i64,
    }
}

impl Row for Parameter {
    const KIND: u8 = kind::PARAMETER;
    type Name = ParameterName;
}

types::record! {
    /// The validators of the next epoch, by key. (One part of them, so that any number fits.)
    pub struct Validators {
        /// At most [`VALIDATORS_A_PART`].
        pub validators: Vec<Validator>,
    }
}

/// How many validators stand in one row.
#[expect(clippy::disallowed_types, reason = "counts what is in memory, never stored")]
pub const VALIDATORS_A_PART: usize = 20;
/// Most validators of a market.
#[expect(clippy::disallowed_types, reason = "counts what is in memory, never stored")]
pub const VALIDATORS_MAX: usize = 100;

impl Row for Validators {
    const KIND: u8 = kind::VALIDATORS;
    type Name = u8;
}

types::record! {
    /// How the market begins.
    pub struct Genesis {
        /// Its name.
        pub name: Text<35>,
        /// Ledger time of height 0.
        pub time: types::LedgerTime,
        /// Its first business date.
        pub date: BusinessDate,
        /// Blocks in an epoch, for the life of the market.
        pub epoch_blocks: u64,
        /// 0: the leader rotates with every view; 1: it stays until it fails.
        pub leader: u8,
        /// The first parties, with their keys.
        pub parties: Vec<GenesisParty>,
        /// The first validators.
        pub validators: Vec<Validator>,
        /// Parameters that differ from their defaults.
        pub parameters: Vec<(ParameterName, i64)>,
    }
}

types::record! {
    /// A party of the first hour.
    pub struct GenesisParty {
        /// Its number.
        pub party: PartyId,
        /// What stands in its row.
        pub row: Party,
        /// Its key number 0.
        pub key: PublicKey,
    }
}

impl Genesis {
    /// The name of the market that begins so.
    #[must_use]
    pub fn chain(&self) -> ChainId {
        ChainId(crypto::digest(b"furikae.genesis.v1", &self.to_bytes()).0)
    }
}

/// Writes the rows of height 0.
///
/// # Errors
/// [`Missing`] never, over an empty snapshot.
pub(crate) fn begin(draft: &mut Draft<'_>, genesis: &Genesis) -> Result<(), Missing> {
    for GenesisParty { party, row, key } in &genesis.parties {
        draft.put(party, row)?;
        draft.put(&(*party, KeyId(0)), &PartyKey { public: *key, revoked: false })?;
    }
    for (name, value) in &genesis.parameters {
        draft.put(name, &Parameter { value: *value })?;
    }
    draft.put(&ParameterName::BusinessDate, &Parameter { value: i64::from(genesis.date.0) })?;
    write_validators(draft, &genesis.validators)
}

/// The value of a parameter, or its default.
pub(crate) fn parameter(draft: &Draft<'_>, name: &ParameterName) -> Result<i64, Missing> {
    Ok(draft.get::<Parameter>(name)?.map_or(name.default(), |row| row.value))
}

/// The market's business date.
pub(crate) fn business_date(draft: &Draft<'_>) -> Result<BusinessDate, Missing> {
    let days = parameter(draft, &ParameterName::BusinessDate)?;
    Ok(BusinessDate(u32::try_from(days).unwrap_or(0)))
}

/// The party that asks.
///
/// # Errors
/// [`Reject::SealedNotAllowed`] for an account, [`Reject::PartyUnknown`], [`Reject::PartySuspended`].
pub(crate) fn sender(draft: &Draft<'_>) -> Result<(PartyId, Party), Stop> {
    let Sender::Party(id) = draft.sender else { return Err(Reject::SealedNotAllowed.into()) };
    let party = draft.get::<Party>(&id)?.ok_or(Reject::PartyUnknown { party: id })?;
    if party.suspended {
        return Err(Reject::PartySuspended { party: id }.into());
    }
    Ok((id, party))
}

/// The party that asks, if it has one of `roles`.
///
/// # Errors
/// Those of [`sender`], then [`Reject::RoleMissing`].
pub(crate) fn require_role(draft: &Draft<'_>, roles: Roles) -> Result<PartyId, Stop> {
    let (id, party) = sender(draft)?;
    if party.roles.any_of(roles) { Ok(id) } else { Err(Reject::RoleMissing { roles }.into()) }
}

/// Admits a party with its first key.
///
/// # Errors
/// [`Reject::RolesUnknown`], [`Reject::PartyExists`] (also of [`OPERATOR`]).
pub(crate) fn admit(
    draft: &mut Draft<'_>,
    id: PartyId,
    party: &Party,
    key: PublicKey,
) -> Result<(), Stop> {
    if party.roles.0 == 0 || party.roles.0 & !Roles::ALL.0 != 0 {
        return Err(Reject::RolesUnknown { roles: party.roles }.into());
    }
    if id == OPERATOR || draft.get::<Party>(&id)?.is_some() {
        return Err(Reject::PartyExists { party: id }.into());
    }
    draft.put(&id, party)?;
    draft.put(&(id, KeyId(0)), &PartyKey { public: key, revoked: false })?;
    draft.tell(Event::PartyAdmitted { party: id });
    Ok(())
}

/// Suspends a party, or lets it act again.
///
/// # Errors
/// [`Reject::PartyUnknown`].
pub(crate) fn suspend(draft: &mut Draft<'_>, id: PartyId, suspended: bool) -> Result<(), Stop> {
    let party = draft.get::<Party>(&id)?.ok_or(Reject::PartyUnknown { party: id })?;
    draft.put(&id, &Party { suspended, ..party })?;
    draft.tell(Event::PartySuspended { party: id, suspended });
    Ok(())
}

/// Adds a key to a party.
///
/// # Errors
/// [`Reject::PartyUnknown`], [`Reject::KeyExists`].
pub(crate) fn add_key(
    draft: &mut Draft<'_>,
    party: PartyId,
    key: KeyId,
    public: PublicKey,
) -> Result<(), Stop> {
    draft.get::<Party>(&party)?.ok_or(Reject::PartyUnknown { party })?;
    if draft.get::<PartyKey>(&(party, key))?.is_some() {
        return Err(Reject::KeyExists { party, key }.into());
    }
    draft.put(&(party, key), &PartyKey { public, revoked: false })?;
    draft.tell(Event::KeyAdded { party, key });
    Ok(())
}

/// Revokes a key of a party, from this block on.
///
/// # Errors
/// [`Reject::KeyUnknown`].
pub(crate) fn revoke_key(draft: &mut Draft<'_>, party: PartyId, key: KeyId) -> Result<(), Stop> {
    let row = draft.get::<PartyKey>(&(party, key))?;
    let row = row.filter(|row| !row.revoked).ok_or(Reject::KeyUnknown { party, key })?;
    draft.put(&(party, key), &PartyKey { revoked: true, ..row })?;
    draft.tell(Event::KeyRevoked { party, key });
    Ok(())
}

/// Sets a parameter.
///
/// # Errors
/// [`Reject::ParameterOutOfRange`].
pub(crate) fn set(draft: &mut Draft<'_>, name: &ParameterName, value: i64) -> Result<(), Stop> {
    if !name.allows(value) {
        return Err(Reject::ParameterOutOfRange { value }.into());
    }
    draft.put(name, &Parameter { value })?;
    draft.tell(Event::ParameterSet { name: name.clone(), value });
    Ok(())
}

/// Moves the market's date forward.
///
/// # Errors
/// [`Reject::DateNotAllowed`], unless `date` is after today's.
pub(crate) fn open_day(draft: &mut Draft<'_>, date: BusinessDate) -> Result<(), Stop> {
    if date <= business_date(draft)? {
        return Err(Reject::DateNotAllowed { date }.into());
    }
    draft.put(&ParameterName::BusinessDate, &Parameter { value: i64::from(date.0) })?;
    draft.tell(Event::DayOpened { date });
    Ok(())
}

/// Names the validators of the next epoch.
///
/// # Errors
/// [`Reject::PartyUnknown`], [`Reject::ValidatorsNotAllowed`] unless 1 to [`VALIDATORS_MAX`], each key once.
pub(crate) fn set_validators(draft: &mut Draft<'_>, all: &[Validator]) -> Result<(), Stop> {
    for Validator { party, .. } in all {
        draft.get::<Party>(party)?.ok_or(Reject::PartyUnknown { party: *party })?;
    }
    let keys: alloc::collections::BTreeSet<_> = all.iter().map(|it| it.key).collect();
    if all.is_empty() || all.len() > VALIDATORS_MAX || keys.len() != all.len() {
        return Err(Reject::ValidatorsNotAllowed.into());
    }
    write_validators(draft, all)?;
    draft.tell(Event::ValidatorsSet { count: u32::try_from(all.len()).unwrap_or(u32::MAX) });
    Ok(())
}

/// The validators of the next epoch, in the order of their keys.
///
/// # Errors
/// [`Missing`].
pub fn validators(draft: &Draft<'_>) -> Result<Vec<Validator>, Missing> {
    let mut all = Vec::new();
    for part in 0..PARTS {
        all.extend(draft.get::<Validators>(&part)?.into_iter().flat_map(|row| row.validators));
    }
    Ok(all)
}

/// How many rows the validators stand in, at most.
pub(crate) const PARTS: u8 = 5;

fn write_validators(draft: &mut Draft<'_>, all: &[Validator]) -> Result<(), Missing> {
    let mut all = all.to_vec();
    all.sort();
    let mut parts = all.chunks(VALIDATORS_A_PART);
    for part in 0..PARTS {
        let validators = parts.next().unwrap_or_default().to_vec();
        if !validators.is_empty() || draft.get::<Validators>(&part)?.is_some() {
            draft.put(&part, &Validators { validators })?;
        }
    }
    Ok(())
}
