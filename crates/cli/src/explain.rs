//! `explain`: why an instruction stands where it stands, and what would move it on, as a party's gateway says.

use clap::Args;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use types::InstructionId;

use crate::{
    failure::{Failure, Result},
    output::Output,
    user::User,
};

/// `furikae explain`
#[derive(Debug, Args)]
pub struct Asked {
    /// The instruction, as sender-lane-sequence-index
    id: String,
    #[command(flatten)]
    user: User,
    #[command(flatten)]
    output: Output,
}

/// `furikae explain`.
///
/// # Errors
/// Malformed, when it is no id. Otherwise as [`User::client`] and the gateway: no, when its owner may not see such an
/// instruction.
pub fn explain(runtime: &Runtime, asked: &Asked) -> Result<()> {
    if InstructionId::parse(&asked.id).is_none() {
        let what = format!("{:?} is no instruction", asked.id);
        return Err(Failure::malformed(what).mend("say sender-lane-sequence-index, as submit does"));
    }
    let client = asked.user.client()?;
    let path = format!("/v1/instructions/{}/explain", asked.id);
    let said = runtime.block_on(client.get(&path))?;
    asked.output.print(&said, &["what", "id", "text"], &lines(&said))
}

/// An explanation as lines for people: what it is, what is short, what would cure it, what can be done.
fn lines(said: &Value) -> Vec<Value> {
    let line = |what: &str, id: &Value, text: &Value| json!({"what": what, "id": id, "text": text});
    let list = |name: &str| said[name].as_array().cloned().unwrap_or_default();
    let mut lines = vec![line("status", &said["id"], &said["status"])];
    lines.push(line("says", &Value::Null, &said["says"]));
    if !said["reason"].is_null() {
        lines.push(line("reason", &said["reason"]["code"], &said["reason"]["text"]));
    }
    for it in list("short") {
        let word = |name: &str| it[name].as_str().unwrap_or_default().to_owned();
        let text = format!("{} {}", word("by"), word("instrument"));
        lines.push(line("short", &it["account"], &text.into()));
    }
    lines.extend(list("cures").iter().map(|it| line("cure", &it["id"], &it["text"])));
    lines.extend(list("can").iter().map(|it| line("can", &it["ask"], &it["text"])));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_explanation_is_told_line_by_line() {
        let said = json!({
            "id": "2-0-1-0", "status": "pending", "says": "it is short", "height": 7,
            "reason": {"code": "LACK", "text": "lack-of-securities"},
            "short": [{"account": "aa", "instrument": "JP3999001005", "by": "300", "needed": "1000"}],
            "cures": [{"kind": "delivery", "id": "3-0-1-0", "text": "it brings 300"},
                {"kind": "cover", "id": null, "text": "300 more"}],
            "can": [{"ask": "hold", "text": "not yet"}],
        });
        let text = |it: &Value| {
            let words =
                ["what", "id", "text"].map(|name| it[name].as_str().unwrap_or("-").to_owned());
            words.join(" ")
        };
        let told: Vec<_> = lines(&said).iter().map(text).collect();
        let wanted = [
            "status 2-0-1-0 pending",
            "says - it is short",
            "reason LACK lack-of-securities",
            "short aa 300 JP3999001005",
            "cure 3-0-1-0 it brings 300",
            "cure - 300 more",
            "can hold not yet",
        ];
        assert_eq!(told, wanted);
        let settled =
            json!({"id": "2-0-1-0", "status": "settled", "says": "it settled", "reason": null});
        assert_eq!(lines(&settled).len(), 2);
    }
}
