//! Order flow through the board: members sign, the venue's gateway forwards in the file's order, blocks tell.
//!
//! ```text
//!   steps --members sign, via the venue--> POST /v1/forwarded --> the venue's gateway --> validators
//!   tape  <--------------------------- certified blocks <--------------------------------'
//! ```

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    time::{Duration, Instant},
};

use gateway::{Client, Follower, Signer};
use ledger::{Instruction, Signed, order::PlaceOrder};
use serde_json::Value;
use tokio::sync::watch;
use types::{InstructionId, LedgerTime, PartyId, Text, Wire as _};

use super::{
    flow::{Flow, Step, What},
    recorded::member,
    setting::{LANE, Setting},
    tape::Tape,
};
use crate::{
    desk::Desk,
    failure::{Failure, Result},
};

/// Steps that are brought at once.
const TOGETHER: usize = 512;
/// Steps that are on their way at most.
const AHEAD: usize = 3_072;
/// So many blocks may settle nothing before what waits is left to wait.
const QUIET_BLOCKS: u32 = 100;
/// How long blocks may hold none of what was brought.
const PATIENCE: Duration = Duration::from_secs(60);

/// What came of a flow.
pub struct Played {
    /// What blocks told.
    pub tape: Tape,
    /// From the first order brought to the last in a final block.
    pub seconds: f64,
    /// How long each part took from when it was brought to its final block, in ms.
    pub took: Vec<f64>,
}

/// Brings all steps of a flow to the venue, whose gateway it is, and follows until all of them are final and what was
/// filled has settled, or waits for good.
///
/// # Errors
/// Unreachable, when the gateway or the nodes do not answer. No, when the venue refuses. A fault of a key file.
pub async fn play(
    desk: &mut Desk,
    setting: &Setting,
    flow: &Flow,
    (venue, gateway): (PartyId, &Client),
) -> Result<Played> {
    let mut members = Vec::new();
    for it in 0..setting.members {
        let mut signer = desk.signer(&setting.word(it))?;
        signer.learn(LANE, desk.view().next_sequence(signer.sender(), LANE));
        members.push(signer);
    }
    let (tells, done) = watch::channel(0);
    let play = Play {
        setting,
        flow,
        venue,
        gateway,
        tape: RefCell::new(Tape::new(flow, members.iter().map(Signer::sender).collect())),
        brought: RefCell::default(),
        all: Cell::new(None),
        tells,
    };
    let began = Instant::now();
    let bring = play.bring(members, done);
    let ((), (seconds, took)) = tokio::try_join!(bring, play.hear(desk.follower(), began))?;
    Ok(Played { tape: play.tape.into_inner(), seconds, took })
}

/// One flow on its way.
struct Play<'p> {
    setting: &'p Setting,
    flow: &'p Flow,
    venue: PartyId,
    gateway: &'p Client,
    tape: RefCell<Tape>,
    /// Parts on their way: up to which step, and since when.
    brought: RefCell<VecDeque<(usize, Instant)>>,
    /// How many steps there are, once all are brought.
    all: Cell<Option<usize>>,
    /// How many of them blocks hold.
    tells: watch::Sender<usize>,
}

impl Play<'_> {
    /// Signs and brings the steps in their order; `done` tells how many of them blocks hold.
    async fn bring(
        &self,
        mut members: Vec<Signer>,
        mut done: watch::Receiver<usize>,
    ) -> Result<()> {
        let (mut part, mut count) = (Vec::new(), 0_usize);
        for step in &self.flow.steps {
            let comes = matches!(step.what, What::Place { .. });
            if comes && self.tape.borrow().knows(step.order) {
                // Whether it stands yet is known when all before it are final.
                self.post(&mut part, count).await?;
                wait(&mut done, count).await?;
                if self.tape.borrow_mut().refuses_again(step.order) {
                    count += 1;
                    self.tells.send_replace(count);
                    continue;
                }
            }
            part.push(self.sign(step, &mut members)?);
            count += 1;
            if part.len() >= TOGETHER {
                self.post(&mut part, count).await?;
                wait(&mut done, count.saturating_sub(AHEAD)).await?;
            }
        }
        self.post(&mut part, count).await?;
        self.all.set(Some(count));
        Ok(())
    }

    /// What a step asks, signed for the venue by the member whose order it is.
    fn sign(&self, step: &Step, members: &mut [Signer]) -> Result<Signed> {
        let place = member(&step.order.to_string(), self.setting.members);
        let own = usize::try_from(place).ok().and_then(|it| members.get_mut(it));
        let own = own.ok_or_else(|| Failure::fault("a member that is not there"))?;
        let (sender, sequence) = (own.sender(), own.next(LANE));
        let id = InstructionId { sender, lane: LANE, sequence, index: 0 };
        let asked = self.asked(step, place, id)?;
        Ok(own.sign_via(LANE, vec![asked], LedgerTime(u64::MAX), Some(self.venue)))
    }

    fn asked(&self, step: &Step, place: u32, id: InstructionId) -> Result<Instruction> {
        let mut tape = self.tape.borrow_mut();
        tape.asked(step, id);
        // One that never came is asked for all the same, and refused.
        let order = tape.order(step.order).unwrap_or(id);
        let units = |it: i64| {
            let price = it.checked_mul(self.flow.traded.price);
            price.ok_or_else(|| Failure::malformed(format_args!("a price of {it} is out of range")))
        };
        Ok(match step.what {
            What::Place { buys, price, quantity } => {
                let account = self.setting.account(place);
                Instruction::PlaceOrder(PlaceOrder {
                    instrument: self.setting.security,
                    currency: self.setting.money,
                    buys,
                    price: units(price)?,
                    quantity,
                    account,
                    cash: account,
                    reference: Text::new(&step.order.to_string()).map_err(Failure::fault)?,
                })
            }
            What::Amend { price, quantity } => {
                Instruction::AmendOrder { order, price: units(price)?, quantity }
            }
            What::Cancel => Instruction::CancelOrder { order },
        })
    }

    /// Brings a part; `count` steps are on their way then.
    async fn post(&self, part: &mut Vec<Signed>, count: usize) -> Result<()> {
        if part.is_empty() {
            return Ok(());
        }
        let bytes = std::mem::take(part).to_bytes();
        let key = hex::encode(crypto::sha256(&bytes).0);
        self.brought.borrow_mut().push_back((count, Instant::now()));
        let (body, late) = (("application/octet-stream", &*bytes), Instant::now() + PATIENCE);
        let (kept, _) = self.gateway.post_until_kept("/v1/forwarded", &key, body, late).await?;
        let ids = kept.get("ids").and_then(Value::as_array).into_iter().flatten();
        let ids = ids.filter_map(|it| InstructionId::parse(it.as_str()?));
        self.tape.borrow_mut().forwards.extend(ids);
        Ok(())
    }

    /// Follows until all steps are final; how many seconds that took since `began`, and each part in ms.
    async fn hear(&self, follower: &mut Follower, began: Instant) -> Result<(f64, Vec<f64>)> {
        let (mut took, mut seconds, mut quiet, mut moved) = (Vec::new(), 0.0, 0, Instant::now());
        loop {
            let block = follower.next_final().await?;
            follower.forget_told();
            let before = self.tape.borrow().settled();
            let done = self.tape.borrow_mut().hear(&block.events)?;
            if self.tells.send_replace(done) != done {
                (seconds, moved) = (began.elapsed().as_secs_f64(), Instant::now());
            }
            let mut brought = self.brought.borrow_mut();
            while let Some((_, since)) = brought.pop_front_if(|it| it.0 <= done) {
                took.push(since.elapsed().as_secs_f64() * 1_000.0);
            }
            let waits = !brought.is_empty();
            if waits && moved.elapsed() > PATIENCE {
                return Err(Failure::unreachable("no block holds what the venue was brought")
                    .mend("see what its gateway's /v1/status says is stuck"));
            }
            let tape = self.tape.borrow();
            quiet = if tape.settled() == before { quiet + 1 } else { 0 };
            let settled = tape.unsettled() == 0 || quiet > QUIET_BLOCKS;
            if self.all.get() == Some(done) && settled {
                return Ok((seconds, took));
            }
        }
    }
}

/// Waits until blocks hold so many steps.
async fn wait(done: &mut watch::Receiver<usize>, steps: usize) -> Result<()> {
    done.wait_for(|it| *it >= steps).await.map(drop).map_err(Failure::fault)
}
