//! The demo day: what a market does from its first morning on, told in words, and checked as it is told.

mod failing;
mod opening;
mod tell;
mod trading;

use std::time::Instant;

use tokio::runtime::Runtime;
use types::InstructionId;

use self::tell::{Teller, line};
use crate::{
    arguments::{At, Up},
    desk::Desk,
    failure::{Failure, Result},
    market::{Folder, Plan, Running, Stops, write_whole},
    proof,
    validators::Believed,
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
        None => (Folder::temporary("demo")?, true),
    };
    let asked = Up { no_gateways: false, ..Up::of_its_own(folder.root(), None) };
    line(format_args!("a market of four validators starts in {}", folder.root().display()));
    let running = Running::start(runtime, &folder, &asked, &stops)?;
    let told = runtime.block_on(async {
        tokio::select! {
            told = tell(&running.folder, &running.plan, start) => told,
            () = stops.wait() => Err(Failure::no("stopped before the end of the day")),
        }
    });
    if told.is_ok() && !once {
        line("\nthe market goes on; look at it from another terminal:");
        line(format_args!("  furikae market status --dir {}", folder.root().display()));
        line("Ctrl-C stops it");
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

async fn tell(folder: &Folder, plan: &Plan, start: Instant) -> Result<()> {
    let mut desk = Desk::on(folder, plan).await?;
    let mut teller = Teller::new(start);
    market(&mut desk, &mut teller).await?;
    failing::kill_and_return(&mut desk, &mut teller, plan).await?;
    line(format_args!("\nall of it held, {:.1} s after the start", teller.seconds()));
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
    let first = trading::settle(desk, teller, reported).await?;
    trading::ring(desk, teller).await?;
    trading::registry(desk, teller)?;
    receipt(desk, teller, first).await
}

/// The receipt of an instruction is written, and checked with the set of validators alone.
async fn receipt(desk: &mut Desk, teller: &mut Teller, id: InstructionId) -> Result<()> {
    teller.act("A receipt, checked offline");
    let file = proof::receipt_of(desk.follower(), id).await?;
    let (path, validators) =
        (desk.folder().root().join("first-dvp.receipt"), desk.folder().validators());
    write_whole(&path, &file)?;
    let believed = Believed::read(&validators)?;
    let verdict = proof::verdict(believed.committees(), &path, &file);
    let says = verdict.says.filter(|_| verdict.valid);
    let says = says.ok_or_else(|| Failure::no(format_args!("the receipt: {:?}", verdict.error)))?;
    teller.say(format_args!("{} bytes, true by the validators' keys alone: {says}", file.len()));
    let mut bent = file;
    bent.iter_mut().rev().nth(100).into_iter().for_each(|it| *it ^= 1);
    if proof::verdict(believed.committees(), &path, &bent).valid {
        return Err(Failure::no("a receipt with a bit changed is still true"));
    }
    teller.say("with one bit changed it is nothing");
    let (path, validators) = (path.display(), validators.display());
    teller.say(format_args!("check it: furikae verify {path} --validators {validators}"));
    Ok(())
}

/// The day on a market without processes.
#[cfg(test)]
pub async fn for_tests(desk: &mut Desk) -> Result<()> {
    market(desk, &mut Teller::new(Instant::now())).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_holds_on_the_ledger() {
        crate::stand_in::with_desk("day", async |desk| {
            let mut teller = Teller::new(Instant::now());
            market(desk, &mut teller).await.unwrap();
            let sakura = desk.facts.instrument("SAKURA").instrument;
            let registry = crate::registry::registry_of(desk.view(), sakura, false).unwrap();
            assert_eq!(registry["total"], "10000");
            assert_eq!(registry["holders"].as_array().unwrap().len(), 3);
            let aoba = desk.facts.party("aoba").party;
            let held = crate::read::positions_of(desk.view(), Some(aoba), None, None);
            let held = held["positions"].as_array().unwrap().clone();
            assert!(
                held.iter().any(|it| it["instrument"] == "JPY" && it["available"] == "3750000")
            );
            let settled = crate::read::states(desk.view(), Some(aoba), Some("settled"));
            assert_eq!(settled.len(), 3, "one delivery of the venue's trade, two of the ring");
            let again = market(desk, &mut teller).await.unwrap_err();
            assert!(again.what.contains("has had its demo day"));
        });
    }
}
