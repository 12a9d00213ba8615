//! `approvals`: what a second person must approve at a gateway, and what that person decides.

use clap::{Args, Subcommand, builder::PossibleValuesParser};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::{failure::Result, output::Output, read::print, user::User};

/// `furikae approvals`
#[derive(Debug, Subcommand)]
pub enum Asked {
    /// What waits: who asked, when and what (with --json, all of it)
    List {
        /// Only what is in this state
        #[arg(long, default_value = "awaiting-approval",
            value_parser = PossibleValuesParser::new(["awaiting-approval", "approved", "rejected"]))]
        state: String,
        #[command(flatten)]
        user: User,
        #[command(flatten)]
        output: Output,
    },
    /// Approve a request: it is signed and submitted
    Approve(Decision),
    /// Reject a request: it is never submitted
    Reject(Decision),
}

/// A decision.
#[derive(Debug, Args)]
pub struct Decision {
    /// The number of the request, as the list shows it
    number: u64,
    /// The digest of what was asked, as the list shows it
    digest: String,
    #[command(flatten)]
    user: User,
    #[command(flatten)]
    output: Output,
}

const COLUMNS: [&str; 8] =
    ["number", "user", "key", "asked_at", "asks", "state", "decided_by", "digest"];

/// `furikae approvals ..`.
///
/// # Errors
/// Unreachable, when the gateway is. No, when it refuses: the user has not the right, or asked itself; what stands
/// under the number is something else, or was decided otherwise.
pub fn approvals(runtime: &Runtime, asked: &Asked) -> Result<()> {
    match asked {
        Asked::List { state, user, output } => {
            let path = format!("/v1/approvals?state={state}");
            let client = user.client()?;
            let mut all = runtime.block_on(client.get_all(&path, "approvals"))?;
            if let Some(rows) = all.get_mut("approvals").and_then(Value::as_array_mut) {
                rows.iter_mut().for_each(summarise);
            }
            print(*output, &all, "approvals", &COLUMNS)
        }
        Asked::Approve(it) => decide(runtime, it, true),
        Asked::Reject(it) => decide(runtime, it, false),
    }
}

fn decide(runtime: &Runtime, asked: &Decision, approved: bool) -> Result<()> {
    let client = asked.user.client()?;
    let path = format!("/v1/approvals/{}", asked.number);
    let decision = json!({"approved": approved, "digest": asked.digest});
    let mut decided = runtime.block_on(client.post(&path, &asked.digest, &decision))?;
    summarise(&mut decided);
    asked.output.print(&decided, &COLUMNS, std::slice::from_ref(&decided))
}

/// Adds what is asked in short, such as `3 pay, 1 settle`.
fn summarise(request: &mut Value) {
    let mut counts = std::collections::BTreeMap::<String, u64>::new();
    for word in gateway::ask::asked(&request["instructions"]) {
        *counts.entry(word.to_owned()).or_default() += 1;
    }
    let counts = counts.iter().map(|(word, count)| format!("{count} {word}"));
    request["asks"] = json!(counts.collect::<Vec<_>>().join(", "));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_is_said_in_short() {
        let pay = json!({"ask": "pay"});
        let mut request = json!({"instructions": [pay, {"ask": "hold"}, pay]});
        summarise(&mut request);
        assert_eq!(request["asks"], "1 hold, 2 pay");
        let mut request = json!({"instructions": pay});
        summarise(&mut request);
        assert_eq!(request["asks"], "1 pay");
    }
}
