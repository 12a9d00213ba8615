//! Sealed envelopes: one message to each who may know, and to nobody else.
//!
//! ```text
//!   count u8 | to u8, HPKE's key 32, size u8, ciphertext 32, 96 or 512 and its tag 16 | ...
//! ```
//!
//! Each message is HPKE of RFC 9180 in base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305. What is
//! not encrypted but authenticated is the envelope's place and the recipient; the place is known before the digest of
//! the envelope is, which covers that of the sealed one. So a message is good at one place, for one recipient.

use hpke::{Deserializable as _, OpModeR, OpModeS, Serializable as _};
use rand::CryptoRng;
use types::{ChainId, DecodeError, Digest, InstructionId, Lane, Reader, Sender, Wire};
use zeroize::Zeroizing;

use super::{
    message::{Content, Recipient, Size},
    reader::{Aead, EnvelopeKey, EnvelopeSecret, Kdf, Kem},
};

/// Most messages of one envelope.
pub const MESSAGES_MAX: u8 = 8;

/// What HPKE's keys are bound to.
pub(super) const DOMAIN: &[u8] = b"furikae.sealed-message.v1";

/// Bytes of the tag of ChaCha20-Poly1305.
const TAG_LEN: usize = 16;

types::record! {
    /// For which envelope a sealed one is: known before its digest is.
    #[derive(Copy, Hash)]
    pub struct EnvelopePlace {
        /// In which market.
        pub chain: ChainId,
        /// Who signs the envelope.
        pub sender: Sender,
        /// In which of the sender's sequences.
        pub lane: Lane,
        /// Its place in that sequence.
        pub sequence: u64,
    }
}

impl EnvelopePlace {
    /// That of the envelope which carries this instruction.
    #[must_use]
    pub const fn of(chain: ChainId, instruction: &InstructionId) -> Self {
        let InstructionId { sender, lane, sequence, .. } = *instruction;
        Self { chain, sender, lane, sequence }
    }

    /// What is authenticated beside a message.
    pub(super) fn beside(&self, to: Recipient) -> Vec<u8> {
        let mut bytes = self.to_bytes();
        to.write(&mut bytes);
        bytes
    }
}

/// A message to one recipient, which nobody else can read.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Message {
    to: Recipient,
    key: [u8; 32],
    ciphertext: Vec<u8>,
}

/// Messages to those who may know, at most eight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedEnvelope {
    messages: Vec<Message>,
}

/// Why nothing was sealed, in order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotSeal {
    /// There are more than an envelope may have.
    #[error("an envelope has at most {MESSAGES_MAX} messages")]
    TooMany,
    /// What should be a key is none: nothing sealed to it would be secret.
    #[error("message {place} is sealed to bytes that are no key")]
    NoKey {
        /// Which message, counted from 0.
        place: usize,
    },
}

/// Why nothing was opened, in order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotOpen {
    /// No message is to this recipient.
    #[error("no message is to {to:?}")]
    NoMessage {
        /// To whom it was to be.
        to: Recipient,
    },
    /// No message to this recipient is for this key and this place, as its bytes stand here.
    #[error(
        "no message to {to:?} opens: it is for another key, market, sender or number, or bytes were changed"
    )]
    NotForUs {
        /// To whom it was to be.
        to: Recipient,
    },
    /// A message was opened, and the sender has not said in it what belongs there.
    #[error("the message to {to:?} was opened, and is no content: {why}")]
    NotUnderstood {
        /// To whom it was to be.
        to: Recipient,
        /// What is wrong with it.
        why: DecodeError,
    },
}

impl SealedEnvelope {
    /// Seals each content to the key beside it, for the envelope at this place.
    ///
    /// # Errors
    /// [`CannotSeal`].
    pub fn seal(
        place: &EnvelopePlace,
        contents: &[(EnvelopeKey, Content)],
        rng: &mut impl CryptoRng,
    ) -> Result<Self, CannotSeal> {
        if contents.len() > usize::from(MESSAGES_MAX) {
            return Err(CannotSeal::TooMany);
        }
        let sealed = contents.iter().enumerate().map(|(which, (key, content))| {
            Message::seal(place, key, content, rng).ok_or(CannotSeal::NoKey { place: which })
        });
        Ok(Self { messages: sealed.collect::<Result<_, _>>()? })
    }

    /// Opens what is said to this recipient, for the envelope at this place. Where several messages are to recipients
    /// of this kind, it is the first that is for this key.
    ///
    /// # Errors
    /// [`CannotOpen`].
    pub fn open(
        &self,
        place: &EnvelopePlace,
        to: Recipient,
        secret: &EnvelopeSecret,
    ) -> Result<Content, CannotOpen> {
        let mut mine = self.messages.iter().filter(|it| it.to == to).peekable();
        if mine.peek().is_none() {
            return Err(CannotOpen::NoMessage { to });
        }
        let opened = mine.find_map(|it| it.open(place, secret));
        let opened = opened.ok_or(CannotOpen::NotForUs { to })?;
        Content::read_padded(to, &opened).map_err(|why| CannotOpen::NotUnderstood { to, why })
    }

    /// To whom its messages are, in their order.
    pub fn recipients(&self) -> impl Iterator<Item = Recipient> {
        self.messages.iter().map(|it| it.to)
    }

    /// What the envelope names it by.
    #[must_use]
    pub fn digest(&self) -> Digest {
        ledger::envelope::sealed_digest(&self.to_bytes())
    }
}

impl Wire for SealedEnvelope {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(u8::try_from(self.messages.len()).expect("messages are counted when made"));
        self.messages.iter().for_each(|it| it.write(out));
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let count = u8::read(from)?;
        if count > MESSAGES_MAX {
            return Err(DecodeError::TooLong);
        }
        let messages = (0..count).map(|_| Message::read(from)).collect::<Result<_, _>>()?;
        Ok(Self { messages })
    }
}

impl Message {
    /// `None` if the key is none.
    fn seal(
        place: &EnvelopePlace,
        key: &EnvelopeKey,
        content: &Content,
        rng: &mut impl CryptoRng,
    ) -> Option<Self> {
        let to = content.to();
        let key = <Kem as hpke::Kem>::PublicKey::from_bytes(&key.bytes).ok()?;
        let (key, ciphertext) = hpke::single_shot_seal_with_rng::<Aead, Kdf, Kem>(
            &OpModeS::Base,
            &key,
            DOMAIN,
            &content.padded(),
            &place.beside(to),
            rng,
        )
        .ok()?;
        Some(Self { to, key: key.to_bytes().into(), ciphertext })
    }

    /// `None` if it is not for this place and this secret.
    fn open(&self, place: &EnvelopePlace, secret: &EnvelopeSecret) -> Option<Zeroizing<Vec<u8>>> {
        let key = <Kem as hpke::Kem>::EncappedKey::from_bytes(&self.key).ok()?;
        let opened = hpke::single_shot_open::<Aead, Kdf, Kem>(
            &OpModeR::Base,
            &secret.0,
            &key,
            DOMAIN,
            &self.ciphertext,
            &place.beside(self.to),
        );
        opened.ok().map(Zeroizing::new)
    }
}

impl Wire for Message {
    fn write(&self, out: &mut Vec<u8>) {
        self.to.write(out);
        self.key.write(out);
        let size = Size::of(self.ciphertext.len().saturating_sub(TAG_LEN));
        size.expect("a content has one of three sizes").write(out);
        out.extend_from_slice(&self.ciphertext);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (to, key, size) = (Recipient::read(from)?, from.array()?, Size::read(from)?);
        let len = u32::try_from(size.bytes() + TAG_LEN).map_err(|_| DecodeError::TooLong)?;
        Ok(Self { to, key, ciphertext: from.take(len)?.to_vec() })
    }
}
