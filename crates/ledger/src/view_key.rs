//! View keys: who reads sealed amounts beside their owner, and the registration of every key.
//!
//! ```text
//!   owner            in the account's row, with its spend key
//!   administrators   a key of their own for each period, under a number; all of them read by it
//!   issuer           a key for each instrument
//! ```
//!
//! The rules put these keys into every statement themselves, so no sender can leave a reader out. Who
//! registers a key shows that its secret is known.

use crypto::{
    sealed::is_key,
    statement::{Claim, Statement},
};
use types::{ChainId, InstrumentId, PublicKey, Wire};

use crate::{
    Stop,
    asked::Asked,
    draft::Draft,
    event::Event,
    governance::{self, ParameterName},
    instruction::Instruction,
    issuance::Instrument,
    reject::Reject,
    row::{Row, kind},
};

types::choice! {
    /// Whose view key.
    #[derive(Copy, PartialOrd, Ord)]
    pub enum Reader {
        /// The administrators', under its number, counted from 1.
        0 => Administrators {
            /// Its number.
            key: u32,
        },
        /// The issuer's, for one instrument.
        1 => Issuer {
            /// Which.
            instrument: InstrumentId,
        },
    }
}

types::record! {
    /// A view key, and the key that sealed envelopes to its owner are made for.
    #[derive(Copy)]
    pub struct ViewKey {
        /// A point of ristretto255.
        pub view: PublicKey,
        /// An X25519 key.
        pub envelope: PublicKey,
    }
}

impl Row for ViewKey {
    const KIND: u8 = kind::VIEW_KEY;
    type Name = Reader;
}

/// The number of the administrators' key that amounts are sealed under now.
///
/// # Errors
/// [`Reject::ViewKeyUnknown`] while there is none.
pub(crate) fn administrators(draft: &Draft<'_>) -> Result<(u32, ViewKey), Stop> {
    let number = governance::parameter(draft, &ParameterName::AdministratorsKey)?;
    let key = u32::try_from(number).unwrap_or_default();
    let reader = Reader::Administrators { key };
    let row = draft.get::<ViewKey>(&reader)?.ok_or(Reject::ViewKeyUnknown { reader })?;
    Ok((key, row))
}

/// The view key of an instrument's issuer.
///
/// # Errors
/// [`Reject::ViewKeyUnknown`] while there is none.
pub(crate) fn issuer(draft: &Draft<'_>, instrument: InstrumentId) -> Result<ViewKey, Stop> {
    let reader = Reader::Issuer { instrument };
    Ok(draft.get::<ViewKey>(&reader)?.ok_or(Reject::ViewKeyUnknown { reader })?)
}

/// Registers a reader's key.
///
/// # Errors
/// [`Reject::InstrumentUnknown`] (also of money, and of what is open), [`Reject::ViewKeyNotAllowed`] when it is no key,
/// has none for envelopes beside it, is there already, or does not have the next number.
pub(crate) fn register(
    draft: &mut Draft<'_>,
    asked: &Asked<'_>,
    instruction: &Instruction,
    (reader, row): (Reader, ViewKey),
) -> Result<(), Stop> {
    if let Reader::Issuer { instrument } = reader {
        let kind = draft.get::<Instrument>(&instrument)?.map(|it| it.kind);
        let sealed = kind.is_some_and(crate::issuance::Kind::is_sealed);
        if !sealed || instrument.is_currency() {
            return Err(Reject::InstrumentUnknown { instrument }.into());
        }
    }
    let next = match reader {
        Reader::Administrators { key } => {
            let number = governance::parameter(draft, &ParameterName::AdministratorsKey)?;
            number == 0 && key == 1
        }
        Reader::Issuer { .. } => draft.get::<ViewKey>(&reader)?.is_none(),
    };
    if !next || !is_key(&row.view.0) || row.envelope.0 == [0; 32] {
        return Err(Reject::ViewKeyNotAllowed.into());
    }
    asked.require(registration(asked.chain, instruction, &row.view))?;
    draft.put(&reader, &row)?;
    if let Reader::Administrators { key } = reader {
        let value = i64::from(key);
        draft.put(&ParameterName::AdministratorsKey, &governance::Parameter { value })?;
    }
    draft.tell(Event::ViewKeySet { reader });
    Ok(())
}

/// That who registers `key` knows its secret. Bound to the market and to the bytes of what registers it, not to who
/// sends that, so that several administrators can ask the same.
#[must_use]
pub fn registration(chain: ChainId, instruction: &Instruction, key: &PublicKey) -> Statement {
    Statement {
        chain,
        administrators_key: 0,
        instruction: crypto::digest(b"furikae.registration.v1", &instruction.to_bytes()),
        index: 0,
        claim: Claim::Key { key: key.0 },
    }
}
