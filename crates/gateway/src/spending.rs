//! Spending: what an account with keys of its own signs, sealed for its readers and proved over what stands.
//!
//! ```text
//!   what stands --leg--> movement, cover --sign--> envelope --prove--> Signed
//!        ^                   |
//!        '------ after ------'        the next spend is proved over what this one leaves
//! ```
//!
//! A spend names what stood before it, so several may be on their way at once: each over what the one before
//! leaves. When one of them is refused, those after it are made again.

use ::proof::{CannotProve, Proof, Secret, Secrets, prove, seal};
use crypto::{
    Amount, Sealed,
    keys::SecretKey,
    sealed::Point,
    statement::{Claim, Stated},
};
use ledger::{
    Entry, Envelope, Instruction, Key, Missing, Signed, Snapshot,
    book::{
        Account, Movement,
        sealed::{Cover, SealedPosition},
    },
    governance::{Parameter, ParameterName},
    view_key::{Reader, ViewKey},
};
use types::{
    AccountId, Bytes, ChainId, Digest, InstrumentId, KeyId, Lane, LedgerTime, PublicKey, Sender,
    Witness,
};

use crate::{View, opening::Parts};

/// Why a leg is not sealed or proved, in order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotSpend {
    /// An account has no keys of its own, or there is none.
    #[error("account {0} has no keys of its own")]
    Account(AccountId),
    /// A reader has no view key yet.
    #[error("there is no view key of {0:?} yet")]
    Reader(Reader),
    /// Less stands than is to leave.
    #[error("{units} units are to leave, and {stood} stand")]
    Short {
        /// What is to leave.
        units: u64,
        /// What stands.
        stood: u64,
    },
    /// What stands in the position is no sum of points.
    #[error("what stands in the position is no sealed amount")]
    Position,
    /// The proof cannot be made.
    #[error("{0}")]
    Proof(#[from] CannotProve),
}

/// The administrators' key that amounts are sealed under now, and its number.
///
/// # Errors
/// [`CannotSpend::Reader`].
pub fn administrators(view: &View) -> Result<(u32, ViewKey), CannotSpend> {
    let number = view.row::<Parameter>(&ParameterName::AdministratorsKey);
    let key = number.and_then(|it| u32::try_from(it.value).ok()).unwrap_or_default();
    let reader = Reader::Administrators { key };
    Ok((key, view.row::<ViewKey>(&reader).ok_or(CannotSpend::Reader(reader))?))
}

/// So many units on their way, sealed for all who may read them.
///
/// # Errors
/// [`CannotSpend::Account`] (of the sender, then the receiver), [`CannotSpend::Reader`].
pub fn leg(
    view: &View,
    instrument: InstrumentId,
    (from, to): (AccountId, AccountId),
    units: u64,
    blinding: &Secret,
) -> Result<Movement, CannotSpend> {
    let keys = readers(view, instrument, (from, to))?;
    let amount = seal(units, blinding, &keys).ok_or(CannotSpend::Account(to))?;
    Ok(Movement { instrument, from, to, amount: Amount::Sealed(amount) })
}

fn readers(
    view: &View,
    instrument: InstrumentId,
    (from, to): (AccountId, AccountId),
) -> Result<Vec<Point>, CannotSpend> {
    let of_account = |id: AccountId| {
        let row = view.row::<Account>(&id).filter(|it| it.manager.is_none());
        row.map(|it| it.view_key.0).ok_or(CannotSpend::Account(id))
    };
    let mut keys = vec![of_account(from)?, of_account(to)?, administrators(view)?.1.view.0];
    if !instrument.is_currency() {
        let reader = Reader::Issuer { instrument };
        let row = view.row::<ViewKey>(&reader).ok_or(CannotSpend::Reader(reader))?;
        keys.push(row.view.0);
    }
    Ok(keys)
}

/// What an account may spend of one instrument: how much, and what the next spend names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stands {
    /// How many units.
    pub units: u64,
    /// What its owner's next spend is taken from.
    pub cover: Cover,
}

impl Stands {
    /// What stands in a position from the block after `height` on, all credits absorbed that can be named then.
    ///
    /// # Errors
    /// [`CannotSpend::Position`].
    pub fn of(row: &SealedPosition, parts: &Parts, height: u64) -> Result<Self, CannotSpend> {
        let rolled = row.clone().at(height.saturating_add(1));
        let moved = row.closed.is_none() && rolled.closed.is_some();
        let named = if moved { parts.open } else { parts.closed };
        let closed_at = rolled.closed.is_some().then_some(rolled.closed_at);
        let units = parts.available + if closed_at.is_some() { named } else { 0 };
        let position = rolled.absorbing(closed_at).ok_or(CannotSpend::Position)?;
        let before = position.available.map_or(nothing(), |it| stated(&it));
        let units = u64::try_from(units).map_err(|_| CannotSpend::Position)?;
        Ok(Self { units, cover: Cover { closed_at, before } })
    }

    /// What a spend of `units` as `amount` leaves.
    ///
    /// # Errors
    /// [`CannotSpend::Short`], [`CannotSpend::Position`].
    pub fn after(&self, amount: &Sealed, units: u64) -> Result<Self, CannotSpend> {
        let stood = self.units;
        let units = stood.checked_sub(units).ok_or(CannotSpend::Short { units, stood })?;
        let one = |stated: &Stated| Sealed {
            commitment: stated.commitment,
            handles: crypto::Handles::new(vec![stated.handle]).unwrap_or_default(),
        };
        let left = one(&self.cover.before).minus(&one(&stated(amount)));
        let before = stated(&left.ok_or(CannotSpend::Position)?);
        Ok(Self { units, cover: Cover { closed_at: None, before } })
    }
}

const fn nothing() -> Stated {
    Stated { commitment: [0; 32], handle: [0; 32] }
}

/// An amount with its first handle, the owner's.
fn stated(amount: &Sealed) -> Stated {
    let handle = amount.handles.all().first().copied().unwrap_or_default();
    Stated { commitment: amount.commitment, handle }
}

/// What the prover of one instruction knows.
pub enum Known {
    /// Of a leg: its units, its blinding, and what stands if it is taken from that.
    Leg {
        /// How many units.
        units: u64,
        /// Its blinding.
        blinding: Secret,
        /// How many units stand, if it is covered.
        stood: Option<u64>,
    },
    /// Of units that everybody reads: how many stand.
    Public {
        /// How many units stand.
        stood: u64,
    },
    /// Of a key that is registered: nothing but its secret.
    Key,
}

/// Signs `instructions` of an account, and proves what each of them has to show.
///
/// `known` has what is known of each instruction that has a proof, in their order; `view_secret` reads the account.
///
/// # Errors
/// [`CannotSpend::Proof`].
pub fn sign(
    view: &View,
    chain: ChainId,
    account: AccountId,
    (spend, view_secret): (&SecretKey, &Secret),
    place: Place,
    instructions: Vec<Instruction>,
    known: Vec<Known>,
) -> Result<Signed, CannotSpend> {
    let Place { lane, sequence, expiry, sealed } = place;
    let digest = sealed.as_ref().map_or(Digest([0; 32]), |it| ledger::sealed_digest(it));
    let envelope = Envelope {
        chain,
        sender: Sender::Account(account),
        key: KeyId(0),
        lane,
        sequence,
        expiry,
        via: None,
        sealed: digest,
        instructions,
    };
    let signature = spend.sign(&envelope.digest().0).to_vec();
    let proofs = proofs(view, chain, &envelope, view_secret, known)?;
    let mut witnesses = vec![witness(Signed::SIGNATURE, signature)];
    witnesses.extend(proofs.into_iter().map(|Proof(it)| witness(Signed::PROOF, it)));
    witnesses.extend(sealed.map(|it| witness(Signed::SEALED, it)));
    Ok(Signed { envelope, witnesses })
}

/// Where an envelope stands in its lane, until when it counts, and the sealed envelope that goes with it.
pub struct Place {
    /// In which of the sender's sequences.
    pub lane: Lane,
    /// The lane's next number.
    pub sequence: u64,
    /// After this time it has no effect.
    pub expiry: LedgerTime,
    /// The bytes of its sealed envelope.
    pub sealed: Option<Vec<u8>>,
}

fn witness(class: u8, bytes: Vec<u8>) -> Witness {
    Witness { class, bytes: Bytes(bytes) }
}

/// The proofs of an envelope's instructions, in their order.
///
/// # Errors
/// [`CannotSpend::Proof`]; that of [`CannotProve::OtherClaim`] also when an account or a reader is not known.
pub fn proofs(
    view: &View,
    chain: ChainId,
    envelope: &Envelope,
    secret: &Secret,
    known: Vec<Known>,
) -> Result<Vec<Proof>, CannotSpend> {
    let statements = ledger::statements(&Whole(view), chain, envelope).unwrap_or_default();
    if statements.len() != known.len() {
        return Err(CannotProve::OtherClaim.into());
    }
    let mut proofs = Vec::new();
    for ((_, statement), known) in statements.iter().zip(known) {
        let secrets = match (&statement.claim, known) {
            (Claim::Spend { .. }, Known::Leg { units, blinding, stood: Some(stood) }) => {
                Secrets::Spend { units, blinding, secret: secret.clone(), stood }
            }
            (Claim::Valid { .. }, Known::Leg { units, blinding, .. }) => {
                Secrets::Valid { units, blinding }
            }
            (Claim::SpendPublic { .. }, Known::Public { stood }) => {
                Secrets::SpendPublic { secret: secret.clone(), stood }
            }
            (Claim::Key { .. }, Known::Key) => Secrets::Key { secret: secret.clone() },
            _ => return Err(CannotProve::OtherClaim.into()),
        };
        proofs.push(prove(statement, &secrets, &mut rand::rng())?);
    }
    Ok(proofs)
}

/// What registers a key, with the proof that its secret is known.
///
/// # Errors
/// [`CannotSpend::Proof`].
pub fn registration(
    chain: ChainId,
    asked: &Instruction,
    secret: &Secret,
) -> Result<Proof, CannotSpend> {
    let key = PublicKey(::proof::view_key(secret));
    let statement = ledger::view_key::registration(chain, asked, &key);
    Ok(prove(&statement, &Secrets::Key { secret: secret.clone() }, &mut rand::rng())?)
}

/// A view of all rows: what is not in it does not stand.
struct Whole<'v>(&'v View);

impl Snapshot for Whole<'_> {
    fn row(&self, key: &Key) -> Result<Option<Vec<u8>>, Missing> {
        Ok(ledger::script::Rows::row(self.0, key))
    }

    fn walk(&self, _: &Entry, _: &Entry) -> Box<dyn Iterator<Item = Entry> + '_> {
        Box::new(std::iter::empty())
    }
}
