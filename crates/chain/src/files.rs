//! The names of a node's files: the same for who runs, who verifies and who rebuilds.

use store::{archive, state};

/// What a node keeps, by the first part of the names of its files.
#[derive(Clone, Debug)]
pub struct Files(String);

impl Files {
    /// The files whose names begin with `prefix`.
    #[must_use]
    pub fn of(prefix: &str) -> Self {
        Self(prefix.into())
    }

    /// Blocks, without the last part.
    #[must_use]
    pub fn blocks(&self) -> String {
        self.name("blocks")
    }

    /// Certificates over blocks, without the last part.
    #[must_use]
    pub fn certificates(&self) -> String {
        self.name("certificates")
    }

    /// The votes of one epoch.
    #[must_use]
    pub fn votes(&self, epoch: u64) -> String {
        self.name(&format!("votes-{epoch}"))
    }

    /// A mark for each epoch in which this node has begun to vote.
    pub(crate) fn votes_begun(&self) -> String {
        self.name("votes-begun")
    }

    /// A mark for each epoch whose votes were lost.
    pub(crate) fn votes_lost(&self) -> String {
        self.name("votes-lost")
    }

    /// A mark while what is made from blocks is made anew.
    pub(crate) fn rebuilding(&self) -> String {
        self.name("rebuilding")
    }

    /// What marshal keeps beside the archives, without the last part.
    pub(crate) fn marshal(&self) -> String {
        self.name("marshal")
    }

    /// How the node came to its state, without the last part.
    pub(crate) fn plan(&self) -> String {
        self.name("plan-")
    }

    pub(crate) fn state(&self) -> state::Config {
        state::Config::small(&self.name("state"), 0)
    }

    pub(crate) fn archive(&self) -> archive::Config {
        archive::Config::small(&self.name("archive"))
    }

    fn name(&self, part: &str) -> String {
        format!("{}-{part}", self.0)
    }
}
