//! `node`: one node, as its folder says.

use std::path::Path;

use crate::{
    arguments::Node,
    failure::{Failure, Result},
    market::stop_after,
};

/// `furikae node ..`.
///
/// # Errors
/// A fault of the node.
pub fn command(command: Node) -> Result<()> {
    match command {
        Node::Run { folder, watched } => {
            if let Some(watched) = watched {
                stop_after(watched)?;
            }
            run(&folder)
        }
        Node::Verify { folder, .. } => verify(&folder),
        Node::Rebuild { folder, .. } => rebuild(&folder),
    }
}

fn run(folder: &Path) -> Result<()> {
    Err(Failure::not_yet(format_args!("run the node in {}", folder.display())))
}

fn verify(folder: &Path) -> Result<()> {
    Err(Failure::not_yet(format_args!("check what the node in {} keeps", folder.display())))
}

fn rebuild(folder: &Path) -> Result<()> {
    Err(Failure::not_yet(format_args!("make the state of the node in {} anew", folder.display())))
}
