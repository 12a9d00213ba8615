//! Where rows come from when they are not made here: nowhere. A node makes its state from blocks.
//!
//! The engine can fetch a state from peers. This version does not: a node that lost its state replays
//! the blocks, which it fetches from any peer. So what is asked here is answered with "no source".

use core::marker::PhantomData;

use commonware_cryptography::sha256;
use commonware_glue::stateful::db::{AttachableResolver, Shared};
use commonware_storage::{
    merkle::mmb,
    qmdb::{
        any::unordered::fixed,
        sync::{Request, ServeError, Source, source},
    },
};
use commonware_utils::sequence::FixedBytes;

use super::{Database, Engine};
use crate::Class;

/// No source of rows of `V` bytes.
pub struct NoSource<E, const V: usize>(PhantomData<fn() -> E>);

/// No source for any size class.
pub type NoSources<E> =
    (NoSource<E, { Class::SMALL }>, NoSource<E, { Class::MEDIUM }>, NoSource<E, { Class::LARGE }>);

/// No source for any size class.
#[must_use]
pub const fn no_sources<E>() -> NoSources<E> {
    (NoSource(PhantomData), NoSource(PhantomData), NoSource(PhantomData))
}

impl<E, const V: usize> Clone for NoSource<E, V> {
    fn clone(&self) -> Self {
        Self(PhantomData)
    }
}

impl<E: Engine, const V: usize> Source for NoSource<E, V> {
    type Family = mmb::Family;
    type Digest = sha256::Digest;
    type Op = fixed::Operation<mmb::Family, FixedBytes<48>, FixedBytes<V>>;
    type Error = ServeError<mmb::Family>;

    async fn serve(&self, _: Request<mmb::Family>) -> source::Result<Self> {
        Err(ServeError::MissingSource)
    }
}

impl<E: Engine, const V: usize> AttachableResolver<Database<E, V>> for NoSource<E, V> {
    async fn attach_database(&self, _: Shared<Database<E, V>>) {}
}
