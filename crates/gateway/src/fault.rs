//! What can go wrong between a participant and the market's nodes.

use std::path::PathBuf;

/// The world said no to a gateway.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// No node or gateway answered.
    #[error("nobody answers: {}", tried.join("; "))]
    Unreachable {
        /// Each that was tried, and why it did not serve.
        tried: Vec<String>,
    },
    /// A node or gateway answered that it will not do this.
    #[error("{url} refuses ({status}): {}", problem.words())]
    Refused {
        /// Who was asked.
        url: String,
        /// HTTP's status.
        status: u16,
        /// Why.
        problem: Problem,
    },
    /// A node's answer makes no sense. Either it is broken, or it speaks another version.
    #[error("{url} answers what cannot be understood: {why}")]
    NotUnderstood {
        /// Who was asked.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// A block that a node served is not what the validators certified.
    #[error("block {height} is not what the validators certified: {why}")]
    NotCertified {
        /// Which block.
        height: u64,
        /// What differs.
        why: String,
    },
    /// The configuration is none that a gateway can run with.
    #[error("{}: {why}", path.display())]
    Config {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it, and where.
        why: String,
    },
    /// A flag or a variable of the environment says nothing that a gateway can run with.
    #[error("{name}: {why}")]
    Given {
        /// The flag or the variable.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// There is no HTTP listener.
    #[error(transparent)]
    Http(#[from] listen::Fault),
    /// The database does not do what it is asked.
    #[error("database {why}")]
    Database {
        /// What it says.
        why: String,
    },
    /// A key file cannot be used.
    #[error("key file {}: {why}", path.display())]
    Key {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

impl Fault {
    /// Whether the same, asked again, may be answered otherwise.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused { status, .. } => matches!(status, 408 | 429 | 500..),
            _ => false,
        }
    }
}

/// A node's refusal: `application/problem+json` (RFC 9457).
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(default)]
pub struct Problem {
    /// The word that programs compare.
    pub code: String,
    /// In short.
    pub title: String,
    /// What happened in this case.
    pub detail: String,
}

impl Problem {
    /// The words of the refusal.
    #[must_use]
    pub fn words(&self) -> String {
        match (self.title.is_empty(), self.detail.is_empty()) {
            (true, true) => "without a word".into(),
            (false, true) => self.title.clone(),
            (true, false) => self.detail.clone(),
            (false, false) => format!("{}: {}", self.title, self.detail),
        }
    }
}
