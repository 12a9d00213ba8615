//! `key`: a key file, made if there is none, and the public key that others are told.

use std::path::PathBuf;

use serde_json::json;

use crate::{failure::Result, output::Output};

/// `furikae key`
#[derive(Debug, clap::Args)]
pub struct Asked {
    /// The file of its seed; a new one is made if it is absent, and none is ever overwritten
    file: PathBuf,
    #[command(flatten)]
    output: Output,
}

/// `furikae key`.
///
/// # Errors
/// A fault, when the file cannot be written, or holds no key, or others may read it.
pub fn key(asked: &Asked) -> Result<()> {
    let public = gateway::keys::read_or_create(&asked.file)?.public();
    let row = json!({"file": asked.file.display().to_string(), "public": hex::encode(public.0)});
    asked.output.print(&row, &["file", "public"], std::slice::from_ref(&row))
}
