//! A validator is killed; the market goes on without it; it comes back and has the same state.

use std::time::{Duration, Instant};

use super::{tell::Teller, trading::SECOND};
use crate::{
    desk::Desk,
    failure::{Failure, Result},
    market::{NodePlan, Part, Plan, ask, start, stop},
};

/// How long the one that returns may take to follow.
const PATIENCE: Duration = Duration::from_secs(60);

/// Kills the last validator, settles a trade without it, and starts it again.
///
/// # Errors
/// No, when the market does not go on, or the validator does not return to the same state.
pub async fn kill_and_return(desk: &mut Desk, teller: &mut Teller, plan: &Plan) -> Result<()> {
    teller.act("A validator is killed, and comes back");
    let validators: Vec<_> = plan.validators().collect();
    let (Some(first), Some(last)) = (validators.first(), validators.last()) else {
        return Err(Failure::fault("a market has validators"));
    };
    if validators.len() < 4 {
        let count = validators.len();
        teller.say(format_args!("left out: with {count} validators the market cannot lose one"));
        return Ok(());
    }
    let folder = desk.folder().clone();
    stop(&folder, &last.name, true)?;
    teller.say(format_args!("{} is killed (SIGKILL)", last.name));
    let delivery = SECOND.settle(desk).await?;
    let height = desk.settled(&delivery)?;
    teller.say(format_args!("the other three go on: trade T-0002 settles in block {height}"));
    start(&folder, plan, Part::Node(last), folder.launcher())?;
    let height = same_state(first, last, height).await?;
    teller.say(format_args!(
        "{} is back and follows: at block {height} it has the same state root as {}",
        last.name, first.name
    ));
    Ok(())
}

/// Waits until both say the same height beyond `after`; then their roots must be equal.
async fn same_state(one: &NodePlan, other: &NodePlan, after: u64) -> Result<u64> {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        if let (Some(a), Some(b)) = (ask(one).await, ask(other).await)
            && a.height == b.height
            && a.height >= after
        {
            if a.root == b.root {
                return Ok(a.height);
            }
            let what =
                format!("at block {} the states of {} and {}", a.height, one.name, other.name);
            return Err(Failure::no(format_args!("{what} differ")));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let (name, seconds) = (&other.name, PATIENCE.as_secs());
    Err(Failure::no(format_args!("{name} does not follow {seconds} s after its start")))
}
