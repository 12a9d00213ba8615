//! `node`: one node, as its folder says.

use std::path::Path;

use node::Fault;

use crate::{
    arguments::Node,
    failure::{Failure, Result},
    logs::Logs,
    market::{Stops, stop_after},
    offline,
};

/// `furikae node ..`.
///
/// # Errors
/// Malformed, when the configuration is. A fault of the node.
pub fn command(command: Node) -> Result<()> {
    match command {
        Node::Run { config, logs, watched } => {
            if let Some(watched) = watched {
                stop_after(watched)?;
            }
            run(&config, logs)
        }
        Node::Verify { folder, output } => offline::verify(&folder, output),
        Node::Rebuild { folder, output } => offline::rebuild(&folder, output),
    }
}

/// Runs it until this process is asked to stop. What it keeps lies beside its configuration.
fn run(config: &Path, logs: Logs) -> Result<()> {
    let folder = folder_of(config, node::config::NAME)?;
    let stops = Stops::listen()?;
    logs.tell()?;
    node::run(folder, async move { stops.wait().await }).map_err(|fault| failure(fault, folder))
}

/// The folder of the configuration `config`, which must be named so.
///
/// # Errors
/// Malformed, when it is named otherwise.
pub fn folder_of<'a>(config: &'a Path, name: &str) -> Result<&'a Path> {
    if config.file_name() != Some(name.as_ref()) {
        let what = format!("{} is no {name}", config.display());
        return Err(Failure::malformed(what).mend(format_args!("name the {name} in its folder")));
    }
    Ok(config.parent().filter(|it| *it != Path::new("")).unwrap_or_else(|| Path::new(".")))
}

/// What a fault of the node in `folder` means to who asked, and how to mend it.
pub fn failure(fault: Fault, folder: &Path) -> Failure {
    let folder = folder.display();
    match fault {
        Fault::Config { .. } | Fault::Http(listen::Fault::NotLoopback(_)) => {
            Failure::malformed(fault)
        }
        Fault::File { .. } | Fault::Http(listen::Fault::Listen { .. }) => Failure::fault(fault),
        Fault::Damaged(_) => Failure::fault(fault).mend(format_args!(
            "furikae node rebuild {folder}; if that refuses, delete {folder}/data: the others have it all"
        )),
        Fault::Chain(_) => Failure::fault(fault)
            .mend(format_args!("furikae node verify {folder} names what is damaged, if anything is")),
    }
}
