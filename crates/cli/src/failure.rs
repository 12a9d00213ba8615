//! What a command says when it cannot do what was asked: what, where, how to mend it, and its exit status.

use std::{fmt::Display, path::Path, process::ExitCode};

/// How a command ended. The numbers are promised to scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Asked and done.
    Done = 0,
    /// The answer is no: an expectation failed, a proof is false, an instruction was refused.
    No = 1,
    /// The request makes no sense: a flag, a file, a name.
    Malformed = 2,
    /// The market or the node cannot be reached.
    Unreachable = 3,
    /// A fault of this machine: a disk, a damaged file, a port.
    Fault = 4,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status as u8)
    }
}

/// A command's failure.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The exit status.
    pub status: Status,
    /// What went wrong and where, in one sentence.
    pub what: String,
    /// How to mend it, if there is a way to say.
    pub mend: Option<String>,
}

/// What commands return.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
    fn new(status: Status, what: impl Display) -> Self {
        Self { status, what: what.to_string(), mend: None }
    }

    /// The answer is no.
    pub fn no(what: impl Display) -> Self {
        Self::new(Status::No, what)
    }

    /// The request makes no sense.
    pub fn malformed(what: impl Display) -> Self {
        Self::new(Status::Malformed, what)
    }

    /// Nobody answers.
    pub fn unreachable(what: impl Display) -> Self {
        Self::new(Status::Unreachable, what)
    }

    /// This machine failed.
    pub fn fault(what: impl Display) -> Self {
        Self::new(Status::Fault, what)
    }

    /// A file could not be read or written.
    pub fn file(doing: &str, path: &Path, error: &std::io::Error) -> Self {
        Self::fault(format_args!("cannot {doing} {}: {error}", path.display()))
    }

    /// Something that this version cannot do yet.
    pub fn not_yet(what: impl Display) -> Self {
        Self::malformed(format_args!("this version cannot {what} yet"))
    }

    /// Adds how to mend it.
    #[must_use]
    pub fn mend(self, how: impl Display) -> Self {
        Self { mend: Some(how.to_string()), ..self }
    }

    /// Tells it on the error stream.
    pub fn tell(&self) {
        eprintln!("furikae: {}", self.what);
        if let Some(mend) = &self.mend {
            eprintln!("  to mend it: {mend}");
        }
    }
}

impl From<gateway::Fault> for Failure {
    fn from(fault: gateway::Fault) -> Self {
        use gateway::Fault;
        let status = match &fault {
            it if it.may_pass() => Status::Unreachable,
            Fault::Unreachable { .. } => Status::Unreachable,
            Fault::Refused { status: 400, .. } => Status::Malformed,
            Fault::Refused { .. } => Status::No,
            Fault::Config { .. }
            | Fault::Given { .. }
            | Fault::Http(listen::Fault::NotLoopback(_)) => Status::Malformed,
            Fault::NotUnderstood { .. }
            | Fault::NotCertified { .. }
            | Fault::Database { .. }
            | Fault::Http(listen::Fault::Listen { .. })
            | Fault::Key { .. } => Status::Fault,
        };
        Self::new(status, fault)
    }
}
