//! Statements about sealed amounts: what has to be shown before a rule may believe it.
//!
//! A rule never sees a proof. It says what has to hold, as a [`Statement`], and asks whether that is among
//! what was [`Shown`]. Who proves and who checks is in the crate `proof`.

use alloc::{collections::BTreeSet, vec::Vec};

use types::{ChainId, Digest, Wire};

use crate::{
    digest,
    sealed::{Point, Sealed},
};

types::record! {
    /// What stands in a position, as one who may read it needs it: the commitment, and that one's handle.
    pub struct Stated {
        /// The commitment.
        pub commitment: Point,
        /// The handle.
        pub handle: Point,
    }
}

types::choice! {
    /// What is claimed. H is [`crate::sealed::BLINDING_BASE`], G the base point; small letters are secrets.
    pub enum Claim {
        /// The amount is `v` under `r`, each handle is `r` times its key, and what remains of `before` is `b`;
        /// `v` and `b` are at least zero and below 2^64. The prover knows the secret of the first key.
        0 => Spend {
            /// What leaves. Its first handle is the owner's.
            amount: Sealed,
            /// The view keys of the handles, in their order.
            keys: Vec<Point>,
            /// What stood before.
            before: Stated,
        },
        /// What remains of `before` without so many units is at least zero and below 2^64. The prover knows the
        /// secret of the key.
        1 => SpendPublic {
            /// What leaves.
            units: u64,
            /// The owner's view key.
            key: Point,
            /// What stood before.
            before: Stated,
        },
        /// The amount is `v` under `r`, each handle is `r` times its key, and `v` is at least zero and below 2^64.
        2 => Valid {
            /// The amount.
            amount: Sealed,
            /// The view keys of the handles, in their order.
            keys: Vec<Point>,
        },
        /// The prover knows the secret of the key.
        3 => Key {
            /// A view key.
            key: Point,
        },
        /// Each of these sums is at least zero and below 2^64. The prover knows the secret of the key.
        4 => Covered {
            /// A view key, of which each sum has the handle.
            key: Point,
            /// The sums.
            sums: Vec<Stated>,
        },
        /// The new key is `k` times the old one, and each new handle is `k` times the old one of its place.
        5 => Rekeyed {
            /// The view key before.
            old: Point,
            /// The view key after.
            new: Point,
            /// Handles before and after.
            handles: Vec<(Point, Point)>,
        },
    }
}

types::record! {
    /// A claim, and all that it is bound to: its proof shows nothing anywhere else.
    pub struct Statement {
        /// Which market.
        pub chain: ChainId,
        /// Which administrators' key the amounts are sealed under.
        pub administrators_key: u32,
        /// Digest of what asks for it.
        pub instruction: Digest,
        /// Its place there.
        pub index: u16,
        /// What is claimed.
        pub claim: Claim,
    }
}

impl Statement {
    /// What it is remembered under, and what its proof is bound to.
    #[must_use]
    pub fn digest(&self) -> Digest {
        digest(b"furikae.statement.v1", &self.to_bytes())
    }
}

/// The statements that were found true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown(Option<BTreeSet<Digest>>);

impl Shown {
    /// Nothing was shown.
    #[must_use]
    pub const fn nothing() -> Self {
        Self(Some(BTreeSet::new()))
    }

    /// All that a certified block needs was shown: those who signed it have checked it.
    #[must_use]
    pub const fn certified() -> Self {
        Self(None)
    }

    /// These were shown. Called by the crate `proof` alone, for what it has checked.
    #[must_use]
    pub fn checked(statements: impl IntoIterator<Item = Digest>) -> Self {
        Self(Some(statements.into_iter().collect()))
    }

    /// Takes over what another has.
    pub fn absorb(&mut self, other: Self) {
        match (&mut self.0, other.0) {
            (Some(mine), Some(others)) => mine.extend(others),
            (mine, None) => *mine = None,
            (None, Some(_)) => (),
        }
    }

    /// Whether this was shown.
    #[must_use]
    pub fn contains(&self, statement: &Statement) -> bool {
        self.0.as_ref().is_none_or(|it| it.contains(&statement.digest()))
    }
}
