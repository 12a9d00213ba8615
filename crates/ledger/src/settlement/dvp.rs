//! Delivery versus payment: both legs in one posting, or neither.
//!
//! [`advance`] asks of a pair (or a payment) whether it may settle now, and settles it, lets it wait in
//! the queue, or says what it waits for.

use alloc::vec::Vec;

use types::InstructionId;

use super::{Asked, Instructed, Side, Status, queue};
use crate::{
    Stop,
    book::{self, Movement},
    draft::{Draft, Missing},
    event::Event,
    governance, trade,
};

/// One side and its row.
pub(super) type Seen = (InstructionId, Instructed);

/// Moves a pair or a payment on, as far as it may go.
pub(super) fn advance(draft: &mut Draft<'_>, id: InstructionId) -> Result<(), Missing> {
    let sides = sides(draft, id)?;
    let Some((_, first)) = sides.first() else { return Ok(()) };
    queue::leave(draft, first)?;
    if sides.iter().any(|(_, side)| side.on_hold) {
        return wait(draft, sides, |side| match side.on_hold {
            true => Status::OnHold,
            false => Status::CounterpartyOnHold,
        });
    }
    if !sides.iter().all(|(_, side)| side.signed_off) {
        return wait(draft, sides, |_| Status::AwaitingSignOff);
    }
    if first.asked.intended_date() > governance::business_date(draft)? {
        return wait(draft, sides, |_| Status::AwaitingDate);
    }
    settle_or_queue(draft, sides)
}

fn settle_or_queue(draft: &mut Draft<'_>, sides: Vec<Seen>) -> Result<(), Missing> {
    let movements = movements(&sides);
    let item = queue::Waiting::of(&sides, movements.clone());
    let short = if queue::must_wait_behind(draft, &item) {
        movements.first().map(Movement::debit)
    } else {
        match book::posting(draft, &movements) {
            Ok(posting) => {
                posting.post(draft)?;
                return finish(draft, sides, &movements);
            }
            Err(Stop::Missing(missing)) => return Err(missing),
            Err(Stop::Reject(reject)) => reject.place(),
            Err(Stop::Unshown(_)) => unreachable!("of what is open, nothing has to be shown"),
        }
    };
    let number = queue::push(draft, &sides, &item)?;
    let sides = sides.into_iter();
    let sides = sides.map(|(id, row)| (id, Instructed { queued: Some(number), ..row })).collect();
    wait(draft, sides, |_| Status::Pending)?;
    for (id, place) in item.sides.iter().zip(core::iter::repeat(short)) {
        if let Some((account, instrument)) = place {
            draft.tell(Event::Short { instruction: *id, account, instrument });
        }
    }
    Ok(())
}

/// Tells that both sides are final, and lets them leave the state.
pub(super) fn finish(
    draft: &mut Draft<'_>,
    sides: Vec<Seen>,
    movements: &[Movement],
) -> Result<(), Missing> {
    for (instruction, row) in sides {
        queue::end(draft, &row)?;
        if let Some(trade) = row.trade() {
            trade::settled(draft, trade)?;
        }
        draft.end::<Instructed>(&instruction)?;
        let (counterpart, movements) = (row.counterpart, movements.to_vec());
        draft.tell(Event::Settled { instruction, counterpart, movements });
    }
    Ok(())
}

/// The instruction and, once matched, the other side's: the deliverer first.
pub(super) fn sides(draft: &Draft<'_>, id: InstructionId) -> Result<Vec<Seen>, Missing> {
    let Some(row) = draft.get::<Instructed>(&id)? else { return Ok(Vec::new()) };
    let delivers = matches!(&row.asked, Asked::Settle(terms) if terms.side == Side::Deliver);
    let mut sides = Vec::new();
    if let Some(other) = row.counterpart
        && let Some(theirs) = draft.get::<Instructed>(&other)?
    {
        sides.push((other, theirs));
    }
    let place = if delivers { 0 } else { sides.len() };
    sides.insert(place, (id, row));
    Ok(sides)
}

/// What the sides move: the delivery leg at the deliverer's terms, and the payment leg.
pub(super) fn movements(sides: &[Seen]) -> Vec<Movement> {
    match sides {
        [(_, Instructed { asked: Asked::Pay(payment), .. })] => alloc::vec![Movement {
            instrument: payment.currency,
            from: payment.from,
            to: payment.to,
            amount: payment.amount.clone(),
        }],
        [(_, seller), (_, buyer)] => legs(seller, buyer),
        _ => unreachable!("a pair has two sides, a payment one"),
    }
}

fn legs(seller: &Instructed, buyer: &Instructed) -> Vec<Movement> {
    let (Asked::Settle(sold), Asked::Settle(bought)) = (&seller.asked, &buyer.asked) else {
        unreachable!("both sides of a pair deliver or receive");
    };
    let delivery = Movement {
        instrument: sold.instrument,
        from: sold.account,
        to: bought.account,
        amount: sold.quantity.clone(),
    };
    let payment = sold.payment.iter().zip(&bought.payment).map(|(to, from)| Movement {
        instrument: to.currency,
        from: from.account,
        to: to.account,
        amount: to.amount.clone(),
    });
    core::iter::once(delivery).chain(payment).collect()
}

/// Writes where each side stands, and tells what has changed.
fn wait(
    draft: &mut Draft<'_>,
    sides: Vec<Seen>,
    status: impl Fn(&Instructed) -> Status,
) -> Result<(), Missing> {
    for (instruction, row) in sides {
        let row = Instructed { status: status(&row), ..row };
        draft.put(&instruction, &row)?;
        draft.tell(Event::StatusChanged { instruction, status: row.status });
    }
    Ok(())
}
