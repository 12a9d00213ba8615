//! A block as the engine sees it: its codec, its digest, its place.

use bytes::{BufMut, Bytes};
use commonware_codec::{Buf, Copying, DecodeExt as _, EncodeSize, Error, Read, Write};
use commonware_consensus::{
    BoundedBlock, CertifiableBlock, Heightable,
    simplex::types::Context,
    types::{Epoch, Height, Round, View},
};
use commonware_cryptography::{Digestible, ed25519, sha256};
use types::{Digest, Header, PublicKey};

use super::{BLOCK_MAX, BadBlock, Block, Form};

/// Our key as the engine's; `None` if it is none.
#[must_use]
pub fn engine_key(key: &PublicKey) -> Option<ed25519::PublicKey> {
    ed25519::PublicKey::decode(Copying(&key.0)).ok()
}

/// The engine's key as ours.
#[must_use]
pub fn our_key(key: &ed25519::PublicKey) -> PublicKey {
    PublicKey(key.as_ref().try_into().expect("an ed25519 key has 32 bytes"))
}

/// Our digest as the engine's.
#[must_use]
pub const fn engine_digest(digest: Digest) -> sha256::Digest {
    sha256::Digest(digest.0)
}

impl Write for Block {
    fn write(&self, buf: &mut impl BufMut) {
        buf.put_u32(u32::try_from(self.0.bytes.len()).expect("a block is shorter than 2 MiB"));
        buf.put_slice(&self.0.bytes);
    }
}

impl EncodeSize for Block {
    fn encode_size(&self) -> usize {
        4 + self.0.bytes.len()
    }
}

impl Read for Block {
    type Cfg = Form;

    fn read_cfg(buf: &mut impl Buf, form: &Form) -> Result<Self, Error> {
        let bad = |why: BadBlock| Error::Wrapped("block", Box::new(why));
        let len = buf.try_get_u32().map_err(|_| Error::EndOfBuffer)?;
        if len > BLOCK_MAX {
            return Err(bad(BadBlock::TooLong(len)));
        }
        let len = usize::try_from(len).map_err(|_| Error::EndOfBuffer)?;
        let bytes: Bytes = buf.try_take_owned(len).map_err(|_| Error::EndOfBuffer)?;
        Self::decode(bytes, form).map_err(bad)
    }
}

impl PartialEq for Block {
    fn eq(&self, other: &Self) -> bool {
        self.0.bytes == other.0.bytes
    }
}

impl Eq for Block {}

impl Digestible for Block {
    type Digest = sha256::Digest;

    fn digest(&self) -> sha256::Digest {
        engine_digest(crypto::header_digest(&self.0.header))
    }
}

impl Heightable for Block {
    fn height(&self) -> Height {
        Height::new(self.0.header.height)
    }
}

impl commonware_consensus::Block for Block {
    fn parent(&self) -> sha256::Digest {
        engine_digest(self.0.header.parent)
    }
}

impl CertifiableBlock for Block {
    type Context = Context<sha256::Digest, ed25519::PublicKey>;

    fn context(&self) -> Self::Context {
        let Header { epoch, view, parent_view, parent, .. } = &self.0.header;
        Context {
            round: Round::new(Epoch::new(*epoch), View::new(*view)),
            leader: self.0.leader.clone(),
            parent: (View::new(*parent_view), engine_digest(*parent)),
        }
    }
}

impl BoundedBlock for Block {
    fn max_encode_size(_: &Form) -> usize {
        4 + BLOCK_MAX as usize
    }
}
