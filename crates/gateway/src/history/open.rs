//! What is open in the newest block, as tables that are asked by account, by counterparty, and in the queue's order.
//!
//! ```text
//!   row Instructed --> instructed   whose, with whom, what it would bring to which account
//!   row Waiting    --> queued       what each position has to pay, in the order in which it is paid
//! ```

use std::collections::BTreeMap;

use ledger::{
    Key,
    book::Movement,
    row::Row as _,
    settlement::{Asked, Instructed, Priority, Side, Status, queue::Waiting},
};
use sqlx::AnyConnection;
use types::{InstructionId, Reader, Wire as _};

use super::cells::{Cell, insert, run};
use crate::{database::signed, view::open};

/// A payment, where a side is wanted: neither delivers nor receives.
const PAYS: i64 = 2;

/// What some blocks leave open.
#[derive(Default)]
pub struct Open {
    instructed: BTreeMap<InstructionId, Option<Instructed>>,
    queued: BTreeMap<u64, Option<Waiting>>,
}

impl Open {
    /// Takes what a block has left under `key`.
    pub fn add(&mut self, key: &Key, new: Option<&[u8]>) {
        let mut name = Reader::new(key.name());
        if key.kind() == Instructed::KIND
            && let Ok(id) = InstructionId::read(&mut name)
        {
            self.instructed.insert(id, new.and_then(|it| Instructed::from_bytes(it).ok()));
        } else if key.kind() == Waiting::KIND
            && let Ok(number) = u64::read(&mut name)
        {
            self.queued.insert(number, new.and_then(|it| Waiting::from_bytes(it).ok()));
        }
    }

    /// Writes it in the place of what stood there.
    pub async fn write(self, on: &mut AnyConnection) -> Result<(), sqlx::Error> {
        let gone = self.instructed.keys().map(|id| vec![Cell::Text(id.to_string())]);
        let gone = gone.collect();
        run(on, "DELETE FROM instructed WHERE instruction IN (VALUES {})", gone).await?;
        let stand = self.instructed.iter().filter_map(|(id, row)| Some((id, row.as_ref()?)));
        let columns = "instructed (instruction, party, counterparty, side, status, instrument, units, reference, \
                       credit_account, credit_instrument, credit_units)";
        insert(on, columns, "", stand.map(|(id, row)| instructed(id, row)).collect()).await?;
        let gone = self.queued.keys().map(|it| vec![Cell::Number(signed(*it))]).collect();
        run(on, "DELETE FROM queued WHERE number IN (VALUES {})", gone).await?;
        let columns = "queued (number, leg, account, instrument, units, priority, date)";
        let stand = self.queued.values().flatten();
        insert(on, columns, "", stand.flat_map(queued).collect()).await
    }
}

fn instructed(id: &InstructionId, row: &Instructed) -> Vec<Cell> {
    let text = |it: &dyn ToString| Cell::Text(it.to_string());
    let (counterparty, side, instrument, quantity, reference) = match &row.asked {
        Asked::Settle(terms) => (
            i64::from(terms.counterparty.0),
            side(terms.side),
            terms.instrument,
            &terms.quantity,
            terms.common_reference.as_str(),
        ),
        Asked::Pay(payment) => (0, PAYS, payment.currency, &payment.amount, ""),
    };
    let credit = credit(row);
    vec![
        text(id),
        Cell::Number(i64::from(row.party.0)),
        Cell::Number(counterparty),
        Cell::Number(side),
        Cell::Text(row.status.name().into()),
        text(&instrument),
        Cell::Number(open(quantity)),
        Cell::Text(reference.into()),
        credit.as_ref().map_or(Cell::NoText, |it| text(&it.to)),
        credit.as_ref().map_or(Cell::NoText, |it| text(&it.instrument)),
        Cell::Number(credit.map_or(0, |it| open(&it.amount))),
    ]
}

/// What an instruction would bring, and to which account: to its own side's; of a payment, to the payee's.
fn credit(row: &Instructed) -> Option<Movement> {
    match &row.asked {
        Asked::Pay(it) => Some(Movement {
            instrument: it.currency,
            from: it.from,
            to: it.to,
            amount: it.amount.clone(),
        }),
        Asked::Settle(it) if it.side == Side::Receive => Some(Movement {
            instrument: it.instrument,
            from: it.counterparty_account,
            to: it.account,
            amount: it.quantity.clone(),
        }),
        Asked::Settle(it) => it.payment.as_ref().map(|payment| Movement {
            instrument: payment.currency,
            from: it.counterparty_account,
            to: payment.account,
            amount: payment.amount.clone(),
        }),
    }
}

fn queued(item: &Waiting) -> Vec<Vec<Cell>> {
    let (priority, date, number) = item.order();
    let leg = |(leg, it): (i64, &Movement)| {
        vec![
            Cell::Number(signed(number)),
            Cell::Number(leg),
            Cell::Text(it.from.to_string()),
            Cell::Text(it.instrument.to_string()),
            Cell::Number(open(&it.amount)),
            Cell::Number(urgency(priority)),
            Cell::Number(i64::from(date.0)),
        ]
    };
    (0..).zip(&item.movements).map(leg).collect()
}

/// A side as the tables have it.
pub const fn side(it: Side) -> i64 {
    match it {
        Side::Deliver => 0,
        Side::Receive => 1,
    }
}

/// A priority as the tables have it: the most urgent is the smallest.
pub const fn urgency(it: Priority) -> i64 {
    match it {
        Priority::High => 0,
        Priority::Normal => 1,
        Priority::Low => 2,
    }
}

/// The name of what has found no match, as the tables have it.
pub const UNMATCHED: &str = Status::ALL[0].name();
