//! `submit`: instructions as JSON, signed by one party, until they are final.

use std::{io::Read, path::Path};

use serde_json::Value;
use tokio::runtime::Runtime;

use crate::{
    arguments::Submit,
    desk::Desk,
    failure::{Failure, Result},
    market::Folder,
    read::{self, State},
};

/// `furikae submit`.
///
/// # Errors
/// Malformed, when the file says no instructions. Unreachable, when the market is. No, when one of them
/// was refused.
pub fn submit(runtime: &Runtime, asked: &Submit) -> Result<()> {
    let value = read_json(&asked.file)?;
    let folder = Folder::chosen(asked.at.dir.as_deref())?;
    let plan = folder.plan()?;
    let states = runtime.block_on(async {
        let mut desk = Desk::on(&folder, &plan).await?;
        send(&mut desk, &asked.party, &value).await
    })?;
    let rows: Vec<_> = states.iter().filter_map(|it| serde_json::to_value(it).ok()).collect();
    asked.output.print(
        &states,
        &["id", "status", "reason.code", "reason.text", "height"],
        &rows,
    )?;
    let refused = states.iter().filter(|it| it.status == "refused").count();
    if refused == 0 { Ok(()) } else { Err(Failure::no(format_args!("{refused} of them refused"))) }
}

fn read_json(path: &Path) -> Result<Value> {
    let malformed =
        |why: &dyn std::fmt::Display| Failure::malformed(format_args!("{}: {why}", path.display()));
    let mut text = String::new();
    let read = if path == Path::new("-") {
        std::io::stdin().read_to_string(&mut text).map(drop)
    } else {
        std::fs::read_to_string(path).map(|it| text = it)
    };
    read.map_err(|error| malformed(&error))?;
    serde_json::from_str(&text).map_err(|error| malformed(&error))
}

async fn send(desk: &mut Desk, party: &str, value: &Value) -> Result<Vec<State>> {
    desk.must_have_key(party)?;
    let instructions = {
        let view = desk.view();
        gateway::ask::instructions(value, &|it| view.scale(it))
    };
    let instructions = instructions.map_err(Failure::malformed)?;
    let most = usize::from(ledger::INSTRUCTIONS_MAX);
    let mut ids = Vec::new();
    for together in instructions.chunks(most) {
        ids.extend(desk.ask(party, together.to_vec()).await?);
    }
    Ok(ids.into_iter().map(|id| read::state(desk.view(), id)).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_asked_as_json_has_its_effect_or_is_refused_by_reason() {
        crate::stand_in::with_desk("submit", async |desk| {
            let list = json!({"ask": "list", "instrument": "JPY", "scale": 0, "issuer": 1, "name": "Yen", "cfi": "TCNXXX"});
            let open = json!({"ask": "open-day", "date": "2099-12-31"});
            let states = send(desk, "furikae", &json!([list, open])).await.unwrap();
            let status: Vec<_> = states.iter().map(|it| it.status.as_str()).collect();
            assert_eq!(status, ["refused", "done"], "no settlement bank issues that money");
            let states = send(desk, "aoba", &open).await.unwrap();
            assert_eq!(states[0].status, "refused");
            let failure = send(desk, "aoba", &json!({"ask": "dance"})).await.unwrap_err();
            assert!(failure.what.contains("nothing that can be asked"), "{}", failure.what);
            let failure = send(desk, "kinjo", &open).await.unwrap_err();
            assert!(failure.what.contains("key"), "{}", failure.what);
        });
    }
}
