//! Requests to a gateway, asked again until they are taken, and what came of them.

use std::time::{Duration, Instant};

use clap::Args;
use gateway::{Client, Fault, JSON};
use serde_json::{Value, json};

use crate::{
    failure::{Failure, Result},
    progress::Progress,
};

/// Between two questions.
const PACE: Duration = Duration::from_millis(200);

/// How a file is brought to a gateway.
#[derive(Clone, Debug, Args)]
pub struct Way {
    /// What this is: the same file has its effect again only under another reference
    #[arg(long, value_name = "TEXT", default_value = "")]
    reference: String,
    /// How many seconds a gateway may be away, and then how many its blocks may take
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    patience: u32,
}

impl Way {
    /// What names `bytes` under this reference: 40 hexadecimal digits.
    pub fn digest(&self, bytes: &[u8]) -> String {
        let reference = crypto::sha256(self.reference.as_bytes()).0;
        let digest = crypto::sha256(&[&reference[..], bytes].concat()).0;
        hex::encode(digest).chars().take(40).collect()
    }

    fn until(&self) -> Instant {
        Instant::now() + Duration::from_secs(self.patience.into())
    }
}

/// Why a request was not taken.
pub enum Refused {
    /// Something else was asked under its key before.
    Reused,
    /// The gateway is away, or refuses.
    Fault(Fault),
}

impl Refused {
    /// What it means of the lines `first` to `last` of a file.
    pub fn of_lines(self, first: u64, last: u64) -> Failure {
        match self {
            Self::Reused => Failure::malformed(format_args!(
                "lines {first} to {last} were sent before, with other lines of them left out"
            ))
            .mend("put what has not been sent into a file of its own"),
            Self::Fault(fault) => {
                let may_pass = fault.may_pass();
                let mut failure = Failure::from(fault);
                failure.what = format!("lines {first} to {last}: {}", failure.what);
                if !may_pass {
                    return failure;
                }
                failure.mend("say the same again: what was sent is not sent twice")
            }
        }
    }
}

/// Asks for `values` under `key`, again while the gateway is away: the submission.
///
/// # Errors
/// [`Refused`].
pub async fn post(client: &Client, way: &Way, key: &str, values: &Value) -> Result<Value, Refused> {
    let body = values.to_string().into_bytes();
    let kept = client.post_until_kept("/v1/instructions", key, (JSON, &body), way.until()).await;
    match kept {
        Ok((submission, _)) => Ok(submission),
        Err(Fault::Refused { problem, .. }) if problem.code == "idempotency-key-reused" => {
            Err(Refused::Reused)
        }
        Err(fault) => Err(Refused::Fault(fault)),
    }
}

/// What came of a line.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Which line.
    pub line: u64,
    /// The instruction that it became, if it was submitted.
    pub id: Option<String>,
    /// Where it stands; `submitted` while no block holds it, `malformed` when it was not sent.
    pub status: String,
    /// Why, where there is a reason.
    pub reason: Value,
}

impl Outcome {
    /// One without id and reason.
    pub fn new(line: u64, status: &str) -> Self {
        Self { line, id: None, status: status.into(), reason: Value::Null }
    }

    /// The row of an answer.
    pub fn row(&self) -> Value {
        let Self { line, id, status, reason } = self;
        json!({"line": line, "id": id, "status": status, "reason": reason})
    }
}

/// What came of submissions, each with the lines that it is of, in their order: waits until blocks hold them.
///
/// # Errors
/// As [`Client::get`].
pub async fn outcomes(
    client: &Client,
    way: &Way,
    sent: Vec<(Vec<u64>, Value)>,
) -> Result<Vec<Outcome>> {
    let total = sent.iter().map(|it| it.0.len()).sum();
    let progress = Progress::begin("settled or refused", total);
    let (mut all, until) = (Vec::new(), way.until());
    for (lines, mut submission) in sent {
        if submission["state"] == "awaiting-approval" || submission["state"] == "rejected" {
            let state = submission["state"].as_str().unwrap_or_default();
            all.extend(lines.into_iter().map(|it| Outcome::new(it, state)));
            continue;
        }
        let key = submission["key"].as_str().unwrap_or_default().to_owned();
        // However late it is, each is asked about once.
        while submission["in_blocks"] != true {
            let late = Instant::now() >= until;
            submission = get(client, &format!("/v1/submissions/{key}"), until).await?;
            if late {
                break;
            }
            if submission["in_blocks"] != true {
                tokio::time::sleep(PACE).await;
            }
        }
        let ids = submission["ids"].as_array().cloned().unwrap_or_default();
        if ids.len() != lines.len() {
            let what = format!("the gateway has {} ids for {} lines", ids.len(), lines.len());
            return Err(Failure::fault(what));
        }
        for (line, id) in lines.into_iter().zip(ids) {
            let id = id.as_str().unwrap_or_default();
            let held = submission["in_blocks"] == true;
            let outcome = if held {
                standing(client, (line, id), until).await?
            } else {
                Outcome::new(line, "submitted")
            };
            all.push(Outcome { id: Some(id.into()), ..outcome });
            progress.at(all.len());
        }
    }
    Ok(all)
}

/// What stands under a path, asked again while the gateway is away.
async fn get(client: &Client, path: &str, until: Instant) -> Result<Value, Fault> {
    loop {
        match client.get(path).await {
            Err(fault) if fault.may_pass() && Instant::now() < until => {
                tokio::time::sleep(PACE).await;
            }
            answer => return answer,
        }
    }
}

/// Where an instruction stands that a block holds: one of which nothing is told has had its effect at once.
async fn standing(client: &Client, (line, id): (u64, &str), until: Instant) -> Result<Outcome> {
    let told = match get(client, &format!("/v1/instructions/{id}"), until).await {
        Err(Fault::Refused { status: 404, .. }) => return Ok(Outcome::new(line, "done")),
        told => told?,
    };
    let last = told["states"].as_array().and_then(|it| it.last()).cloned().unwrap_or_default();
    let status = last["status"].as_str().unwrap_or_default();
    Ok(Outcome { reason: last["reason"].clone(), ..Outcome::new(line, status) })
}

/// Whether all went well.
///
/// # Errors
/// No, when some were refused or rejected. Unreachable, when some were not sent, or are in no block yet.
pub fn summary(outcomes: &[Outcome]) -> Result<()> {
    let count = |status: &str| outcomes.iter().filter(|it| it.status == status).count();
    let (refused, rejected) = (count("refused"), count("rejected"));
    let open = count("submitted") + count("not-sent");
    if refused + rejected > 0 {
        let what = format!("{refused} of {} refused, {rejected} rejected", outcomes.len());
        return Err(Failure::no(what));
    }
    if open > 0 {
        let what = format!("{open} of {} are not sent, or in no block yet", outcomes.len());
        return Err(Failure::unreachable(what).mend("say the same again: nothing is sent twice"));
    }
    Ok(())
}
