//! Which market a command speaks to: that of a folder, or whoever answers at an address.

use std::time::{Duration, Instant};

pub use gateway::moment::shown;
use gateway::{
    Answer, Doors, Follower, Last, View,
    moment::{self, NoMoment},
};
use serde_json::Value;
use types::{ChainId, LedgerTime};

use crate::{
    arguments::Door,
    failure::{Failure, Result},
    market::{Folder, Plan},
};

/// A time that is this close to the newest block is waited for.
const SOON_MS: u64 = 5_000;
/// For so long.
const PATIENCE: Duration = Duration::from_secs(6);
/// How long to wait between two looks.
const PAUSE: Duration = Duration::from_millis(100);

/// Follows the market of a folder, from its first state.
///
/// # Errors
/// A fault, when the folder's files are damaged.
pub fn of_folder(folder: &Folder, plan: &Plan) -> Result<Follower> {
    Ok(Follower::from_genesis(Doors::new(plan.doors())?, &folder.read_genesis()?))
}

/// The nodes that the flags name.
///
/// # Errors
/// Unreachable, when there is no market in the folder. A fault, when the folder's files are damaged.
pub fn doors(door: &Door) -> Result<Doors> {
    let urls = if door.gateway.is_empty() {
        Folder::chosen(door.at.dir.as_deref())?.plan()?.doors()
    } else {
        door.gateway.clone()
    };
    Ok(Doors::new(urls)?)
}

/// Follows the market that the flags name, from its first block.
///
/// # Errors
/// Unreachable, when there is none.
pub async fn follow(door: &Door) -> Result<Follower> {
    if door.gateway.is_empty() {
        let folder = Folder::chosen(door.at.dir.as_deref())?;
        return of_folder(&folder, &folder.plan()?);
    }
    let doors = doors(door)?;
    let answer = doors.get("/v1/status").await?;
    let chain = serde_json::from_slice::<Value>(&answer.body).ok().and_then(|it| {
        let mut chain = [0; 32];
        hex::decode_to_slice(it.get("chain")?.as_str()?, &mut chain).ok()?;
        Some(ChainId(chain))
    });
    let chain = chain
        .ok_or_else(|| Failure::fault(format_args!("{} does not name its market", answer.url)))?;
    Ok(Follower::new(doors, chain))
}

/// Follows to the newest block, or to that of `--as-of`.
///
/// # Errors
/// Malformed, when `as_of` is neither a height nor a time. Unreachable, when no node answers. No, when the
/// moment is not yet, or the market had not begun.
pub async fn look(door: &Door, as_of: Option<&str>) -> Result<Follower> {
    let last = as_of.map(last).transpose()?;
    let mut follower = follow(door).await?;
    go_on(&mut follower, last).await?;
    Ok(follower)
}

/// Goes on to the newest block, or to `last`.
///
/// # Errors
/// Unreachable, when no node answers. No, when the moment is not yet, or the market had not begun.
pub async fn go_on(follower: &mut Follower, last: Option<Last>) -> Result<()> {
    let Some(last) = last else { return Ok(follower.catch_up().await?) };
    must_be_past(follower.doors(), last).await?;
    follower.catch_up_to(last).await?;
    must_have_begun(follower.view(), last)
}

/// A view that holds no block shows the first state, if that is known: who follows from the first block on does
/// not know it.
fn must_have_begun(view: &View, last: Last) -> Result<()> {
    let Last::Time(asked) = last else { return Ok(()) };
    match view.time() {
        _ if view.height() > 0 => Ok(()),
        LedgerTime(0) => Err(Failure::no(format_args!("no block is as early as {}", shown(asked)))),
        began if began > asked => {
            let (asked, began) = (shown(asked), shown(began));
            Err(Failure::no(format_args!(
                "at {asked} the market had not begun: it began at {began}"
            )))
        }
        _ => Ok(()),
    }
}

/// Waits a little until a block shows that the moment is over. A block may still come that is not later
/// than a time of just now.
async fn must_be_past(doors: &Doors, last: Last) -> Result<()> {
    let began = Instant::now();
    loop {
        let (height, time) = newest(doors).await?;
        let what = match last {
            Last::Height(it) if it <= height => return Ok(()),
            Last::Time(it) if it < time => return Ok(()),
            Last::Height(it) => format!("block {it} is not yet; the newest is {height}"),
            Last::Time(it) => {
                let (it, time) = (shown(it), shown(time));
                format!("no block is later than {it} yet; the newest is of {time}")
            }
        };
        let soon = matches!(last, Last::Time(it) if it.0.saturating_sub(time.0) < SOON_MS);
        if !soon || began.elapsed() > PATIENCE {
            return Err(Failure::no(what));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Height and time of the newest block that some node has.
async fn newest(doors: &Doors) -> Result<(u64, LedgerTime)> {
    let answers = doors.get_all("/v1/status").await?;
    let newest = |answer: &Answer| {
        let status: Value = serde_json::from_slice(&answer.body).ok()?;
        let number = |name| status.get(name).and_then(Value::as_u64);
        Some((number("height")?, LedgerTime(number("time")?)))
    };
    let newest = answers.iter().filter_map(newest).max();
    newest.ok_or_else(|| Failure::fault("no node says which its newest block is"))
}

/// The moment that a text names.
///
/// # Errors
/// Malformed, when it is neither a height nor a time since 1970.
pub fn last(text: &str) -> Result<Last> {
    moment::read(text).map_err(|why| {
        let failure = Failure::malformed(format_args!("--as-of {text}: {why}"));
        match why {
            NoMoment::Malformed(_) => {
                failure.mend("say a height, or a time such as 2026-11-24T09:00:00+09:00")
            }
            NoMoment::Before1970 => failure,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_height_or_a_time() {
        assert_eq!(last("12").unwrap(), Last::Height(12));
        assert_eq!(last("1970-01-01T09:00:01+09:00").unwrap(), Last::Time(LedgerTime(1_000)));
        assert!(last("yesterday").is_err());
        assert!(last("1969-12-31T00:00:00Z").is_err());
    }
}
