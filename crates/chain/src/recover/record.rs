//! The legal record: blocks that go on from each other, and certificates over them.

use commonware_codec::Encode as _;
use commonware_storage::archive::{Archive as _, Identifier};
use types::{Committee, Digest, Header};

use super::{Damages, Names, open};
use crate::{
    Block, Form, Runtime,
    engine::{
        Fault,
        archives::{Blocks, Certificates},
    },
};

/// The archives of blocks and certificates.
pub struct Record<E: Runtime> {
    names: Names,
    blocks: Blocks<E>,
    certificates: Certificates<E>,
    /// What the blocks up to the last one that was read say.
    chain: Chain,
}

/// The end of a chain of blocks.
struct Chain {
    height: u64,
    digest: Option<Digest>,
    time: types::LedgerTime,
    committee: Option<Committee>,
}

impl<E: Runtime> Record<E> {
    /// Opens what is there.
    ///
    /// # Errors
    /// [`Fault::Damaged`], [`Fault::Genesis`].
    pub async fn open(context: &E, names: &Names) -> Result<Self, Fault> {
        let genesis = &names.genesis;
        let (blocks, certificates) = open(context, names).await?;
        let begins = Block::genesis::<E>(genesis);
        let chain = Chain {
            height: 0,
            digest: Some(crypto::header_digest(begins.header())),
            time: genesis.time,
            committee: Some(Committee::of(0, genesis.validators.clone())),
        };
        Ok(Self { names: names.clone(), blocks, certificates, chain })
    }

    /// The highest height of a block that is kept; those below may be missing.
    pub fn last(&self) -> u64 {
        self.blocks.last_index().unwrap_or(0)
    }

    /// Whether there is a certificate over the block of this height itself.
    pub async fn has_certificate(&self, height: u64) -> bool {
        self.certificates.has(Identifier::Index(height)).await.unwrap_or(false)
    }

    /// Reads the next block, and checks that it goes on from the one before it and that its
    /// certificate, if it has one of its own, is true. `None` if it is missing, which is damage if it is
    /// `needed`, or cannot be read.
    pub async fn next(&mut self, needed: bool, damages: &mut Damages) -> Option<Block> {
        let height = self.chain.height + 1;
        let file = self.names.files.blocks();
        let block = match self.blocks.get(Identifier::Index(height)).await {
            Ok(block) => {
                if needed && block.is_none() {
                    damages.at(&file, height, "the block is missing");
                }
                block
            }
            Err(why) => {
                damages.at(&file, height, why);
                None
            }
        };
        let Some(block) = block else {
            self.chain.height = height;
            self.chain.digest = None;
            if self.is_last_of_epoch(height) {
                self.chain.committee = None;
            }
            return None;
        };
        let block = Block::clone(&block);
        if let Some(why) = self.differs(height, block.header()) {
            damages.at(&file, height, why);
        }
        self.certified(block.header(), damages).await;
        self.chain.height = height;
        self.chain.digest = Some(crypto::header_digest(block.header()));
        self.chain.time = block.header().time;
        if let Some(committee) = block.committee() {
            self.chain.committee = Some(committee.clone());
        }
        Some(block)
    }

    fn is_last_of_epoch(&self, height: u64) -> bool {
        Form::of(&self.names.genesis).is_some_and(|it| it.is_last(height))
    }

    /// Why this is not the next block.
    fn differs(&self, height: u64, header: &Header) -> Option<&'static str> {
        if header.chain != self.names.genesis.chain() {
            Some("the block is of another market")
        } else if header.height != height {
            Some("the block is of another height")
        } else if self.chain.digest.is_some_and(|it| it != header.parent) {
            Some("the block does not go on from the one before it")
        } else if header.time <= self.chain.time {
            Some("the block's time is not above that of one before it")
        } else {
            None
        }
    }

    async fn certified(&self, header: &Header, damages: &mut Damages) {
        let (file, height) = (self.names.files.certificates(), header.height);
        let certificate = match self.certificates.get(Identifier::Index(height)).await {
            Ok(Some(certificate)) => certificate,
            Ok(None) => return,
            Err(why) => return damages.at(&file, height, why),
        };
        let Some(committee) = &self.chain.committee else {
            return damages.at(&file, height, "the committee is lost with a block before");
        };
        if let Err(why) = crypto::certificate::check(header, &certificate.encode(), committee) {
            damages.at(&file, height, format_args!("the certificate is false: {why}"));
        }
    }
}
