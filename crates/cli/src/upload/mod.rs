//! `upload`: a file of instructions, brought to a gateway; each line has its effect once, whatever ends in between.
//!
//! ```text
//!   file --> lines --checked, all of them--> windows --posted, each under its key--> ids --> outcomes
//! ```
//!
//! A window is some lines that follow one another. It is cut by the text of the file alone, and its key is made of
//! the file's digest and its first line: who says the same again asks the same requests, and those that were taken
//! are known.

mod file;
mod send;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use gateway::Client;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::{
    failure::{Failure, Result},
    output::Output,
    progress::Progress,
    user::User,
};

pub use file::scales;
use file::{Line, windows};
pub use send::{Outcome, Way, outcomes, post, summary};

/// Bad lines that are told on standard error.
const TOLD: usize = 20;

/// `furikae upload`
#[derive(Debug, Args)]
pub struct Asked {
    /// The file: one instruction a line
    file: PathBuf,
    /// What it is [default: by its name, .csv, or .jsonl or .ndjson]
    #[arg(long, value_enum, value_name = "FORM")]
    format: Option<Form>,
    /// Leave out lines that make no sense, instead of sending nothing
    #[arg(long)]
    skip_bad: bool,
    #[command(flatten)]
    way: Way,
    #[command(flatten)]
    user: User,
    #[command(flatten)]
    output: Output,
}

/// The form of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// A header with the names of fields, then a line each.
    Csv,
    /// A JSON object a line.
    JsonLines,
}

/// `furikae upload`.
///
/// # Errors
/// Malformed, when the file cannot be read, or has bad lines that are not to be left out, and then nothing is sent;
/// or when it was sent before with other lines left out. Unreachable, when the gateway is, or no block holds all of it
/// yet: then the same may be said again. No, when the gateway refuses, or a line was refused.
pub fn upload(runtime: &Runtime, asked: &Asked) -> Result<()> {
    let (client, form) = (asked.user.client()?, form(asked)?);
    let path = &asked.file;
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::malformed(format_args!("cannot read {}: {error}", path.display()))
    })?;
    let outcomes = runtime.block_on(send_file(&client, asked, form, &text))?;
    let rows: Vec<_> = outcomes.iter().map(Outcome::row).collect();
    asked.output.print(&rows, &["line", "id", "status", "reason.code", "reason.text"], &rows)?;
    let bad = outcomes.iter().filter(|it| it.status == "malformed").count();
    if bad > 0 && !asked.skip_bad {
        return Err(Failure::malformed(format_args!(
            "{bad} lines make no sense; nothing was sent"
        ))
        .mend("mend them, or leave them out with --skip-bad"));
    }
    summary(&outcomes)
}

fn form(asked: &Asked) -> Result<Form> {
    let ending = asked.file.extension().and_then(|it| it.to_str()).unwrap_or_default();
    let by_name = match ending.to_ascii_lowercase().as_str() {
        "csv" => Some(Form::Csv),
        "jsonl" | "ndjson" => Some(Form::JsonLines),
        _ => None,
    };
    asked.format.or(by_name).ok_or_else(|| {
        let what = format!("{} does not say by its name what it is", asked.file.display());
        Failure::malformed(what).mend("say --format csv or --format json-lines")
    })
}

/// What came of each line; of the bad ones alone when they are not to be left out.
async fn send_file(client: &Client, asked: &Asked, form: Form, text: &str) -> Result<Vec<Outcome>> {
    let scales = scales(&client.get("/v1/instruments").await?);
    let read = file::read(text, form);
    let mut lines =
        read.map_err(|why| Failure::malformed(format_args!("{}: {why}", asked.file.display())))?;
    lines.iter_mut().for_each(|it| it.check(&|it| scales.get(&it).copied()));
    let bad: Vec<_> = lines.iter().filter_map(bad).collect();
    for it in bad.iter().take(TOLD) {
        eprintln!("line {}: {}", it.line, it.reason["text"].as_str().unwrap_or_default());
    }
    if bad.len() > TOLD {
        eprintln!("and {} lines more", bad.len() - TOLD);
    }
    if !bad.is_empty() && !asked.skip_bad {
        return Ok(bad);
    }
    let mut all = send_lines(client, &asked.way, (text, &lines)).await?;
    all.extend(bad);
    all.sort_by_key(|it| it.line);
    Ok(all)
}

fn bad(line: &Line) -> Option<Outcome> {
    let why = line.asked.as_ref().err()?;
    let reason = json!({"code": "instruction-malformed", "text": why.to_string()});
    Some(Outcome { reason, ..Outcome::new(line.number, "malformed") })
}

async fn send_lines(
    client: &Client,
    way: &Way,
    (text, lines): (&str, &[Line]),
) -> Result<Vec<Outcome>> {
    let digest = way.digest(text.as_bytes());
    let mut sent = Vec::new();
    let progress = Progress::begin("sent", lines.len());
    let mut done = 0;
    for window in windows(lines) {
        let good = window.iter().filter_map(|it| Some((it.number, it.asked.as_ref().ok()?)));
        let (numbers, values): (Vec<_>, Vec<&Value>) = good.unzip();
        let first = window.first().map_or(0, |it| it.number);
        if !values.is_empty() {
            let key = format!("u1-{digest}-{first}");
            let last = window.last().map_or(0, |it| it.number);
            let answer = post(client, way, &key, &json!(values)).await;
            let answer = answer.map_err(|it| it.of_lines(first, last))?;
            sent.push((numbers, answer));
        }
        done += window.len();
        progress.at(done);
    }
    drop(progress);
    outcomes(client, way, sent).await
}

#[cfg(test)]
mod tests;
