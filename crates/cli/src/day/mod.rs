//! The demo day: what a market does from its first morning on, told in words, and checked as it is told.

mod desk;
mod failing;
mod opening;
mod tell;
mod trading;

use std::time::Instant;

use gateway::{Doors, Follower};
use tokio::runtime::Runtime;

use self::{desk::Desk, tell::Teller};
use crate::{
    arguments::{At, Up},
    failure::{Failure, Result},
    market::{Folder, Plan, Running, Stops},
    output::Output,
};

/// `market day`: the day on a market that runs already.
///
/// # Errors
/// Unreachable, when there is no market or none of its nodes answers. No, when something of the day does
/// not hold. Malformed, when the market has had its day.
pub fn on(runtime: &Runtime, at: &At) -> Result<()> {
    let folder = Folder::chosen(at.dir.as_deref())?;
    let plan = folder.plan()?;
    runtime.block_on(tell(&folder, &plan, Instant::now()))
}

/// `market demo`: a market of its own, its day, then until Ctrl-C or, with `once`, no longer.
///
/// # Errors
/// As [`on`], and those of starting a market. Nothing is left running.
pub fn demo(runtime: &Runtime, dir: Option<std::path::PathBuf>, once: bool) -> Result<()> {
    let start = Instant::now();
    let stops = Stops::listen()?;
    let (folder, passing) = match dir {
        Some(dir) => (Folder::at(&dir)?, false),
        None => (Folder::at(&temporary())?, true),
    };
    let asked = up(&folder);
    println!("a market of four validators starts in {}", folder.root().display());
    let running = Running::start(runtime, &folder, &asked, &stops)?;
    let told = runtime.block_on(async {
        tokio::select! {
            told = tell(&running.folder, &running.plan, start) => told,
            () = stops.wait() => Err(Failure::no("stopped before the end of the day")),
        }
    });
    if told.is_ok() && !once {
        println!("\nthe market goes on; look at it from another terminal:");
        println!("  furikae market status --dir {}", folder.root().display());
        println!("Ctrl-C stops it");
        runtime.block_on(stops.wait());
    }
    eprintln!("stopping");
    running.stop()?;
    if passing && told.is_ok() {
        crate::market::purge(&folder)?;
    } else if told.is_err() {
        eprintln!("what the nodes said stands in {}", folder.root().join("run").display());
    }
    told
}

fn temporary() -> std::path::PathBuf {
    std::env::temp_dir().join(format!("furikae-demo-{}", std::process::id()))
}

/// What the demo asks for: everything as it is by default.
fn up(folder: &Folder) -> Up {
    Up {
        at: At { dir: Some(folder.root().into()) },
        validators: None,
        observers: None,
        detach: false,
        open: true,
        epoch_blocks: None,
        leader: None,
        output: Output::default(),
    }
}

async fn tell(folder: &Folder, plan: &Plan, start: Instant) -> Result<()> {
    let genesis = folder.read_genesis()?;
    let mut follower = Follower::from_genesis(Doors::new(plan.doors())?, &genesis);
    follower.catch_up().await?;
    let mut desk = Desk::open(folder, follower)?;
    let mut teller = Teller::new(start);
    market(&mut desk, &mut teller).await?;
    failing::kill_and_return(&mut desk, &mut teller, plan).await?;
    println!("\nall of it held, {:.1} s after the start", teller.seconds());
    Ok(())
}

/// What the market itself does, whatever machines it runs on.
async fn market(desk: &mut Desk, teller: &mut Teller) -> Result<()> {
    let sakura = desk.facts.instrument("SAKURA").instrument;
    if desk.view().listing(sakura).is_some() {
        return Err(Failure::malformed("this market has had its demo day")
            .mend("furikae market demo makes a market of its own"));
    }
    opening::admit(desk, teller).await?;
    opening::issue(desk, teller).await?;
    opening::fund(desk, teller).await?;
    let reported = trading::agree(desk, teller).await?;
    trading::settle(desk, teller, reported).await?;
    trading::ring(desk, teller).await?;
    trading::registry(desk, teller)?;
    teller.act("A receipt");
    teller.say("not yet: this version cannot make one");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stand_in::StandIn;

    #[test]
    fn the_day_holds_on_the_ledger() {
        let runtime = crate::runtime().unwrap();
        let root = std::env::temp_dir().join(format!("furikae-day-{}", std::process::id()));
        let folder = Folder::at(&root).unwrap();
        let genesis = crate::market::genesis_for_tests(&folder).unwrap();
        runtime.block_on(async {
            let stand_in = StandIn::start(&genesis).await;
            let doors = Doors::new(vec![stand_in.url()]).unwrap();
            let follower = Follower::from_genesis(doors, &genesis);
            let mut desk = Desk::open(&folder, follower).unwrap();
            let mut teller = Teller::new(Instant::now());
            market(&mut desk, &mut teller).await.unwrap();
            let again = market(&mut desk, &mut teller).await.unwrap_err();
            assert!(again.what.contains("has had its demo day"));
        });
        std::fs::remove_dir_all(root).unwrap();
    }
}
