//! What execution is told: the market, and where a block stands in it.

use ledger::Genesis;
use types::{ChainId, Digest, Header, LedgerTime, PublicKey};

use super::Verdicts;
use crate::block::Form;

/// What is the same for every block of a market.
#[derive(Debug)]
pub struct Market {
    pub(super) genesis: Genesis,
    pub(super) chain: ChainId,
    pub(super) form: Form,
    pub(super) verdicts: Verdicts,
}

impl Market {
    /// The market that begins so; `None` unless an epoch has at least two blocks.
    #[must_use]
    pub fn of(genesis: &Genesis) -> Option<Self> {
        let form = Form::of(genesis)?;
        let (genesis, chain) = (genesis.clone(), genesis.chain());
        Some(Self { genesis, chain, form, verdicts: Verdicts::default() })
    }

    /// How it begins.
    #[must_use]
    pub const fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// Its name.
    #[must_use]
    pub const fn chain(&self) -> ChainId {
        self.chain
    }

    /// What its blocks look like.
    #[must_use]
    pub const fn form(&self) -> &Form {
        &self.form
    }

    /// Signatures that were found true.
    #[must_use]
    pub const fn verdicts(&self) -> &Verdicts {
        &self.verdicts
    }
}

/// What is fixed of a block before it is executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its height; at least 1.
    pub height: u64,
    /// Its time.
    pub time: LedgerTime,
    /// Its epoch.
    pub epoch: u64,
    /// Its view.
    pub view: u64,
    /// Who proposes it.
    pub leader: PublicKey,
    /// The view of its parent.
    pub parent_view: u64,
    /// Its parent's digest.
    pub parent: Digest,
}

impl Place {
    /// Where a block with this header stands.
    #[must_use]
    pub const fn of(header: &Header) -> Self {
        Self {
            height: header.height,
            time: header.time,
            epoch: header.epoch,
            view: header.view,
            leader: header.leader,
            parent_view: header.parent_view,
            parent: header.parent,
        }
    }
}
