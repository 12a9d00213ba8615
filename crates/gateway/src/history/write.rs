//! Blocks become rows of the tables, some blocks in one transaction.

use std::collections::BTreeMap;

use ledger::{
    Event, Key,
    book::{self, Account, Movement},
    row::Row as _,
    settlement::Status,
};
use sqlx::AnyConnection;
use types::{AccountId, InstructionId, InstrumentId, Reader, Sender, Wire as _};

use super::{
    History,
    board::Orders,
    cells::{Cell, insert, run},
    open::Open,
    schema::NEVER,
    trades::Trades,
};
use crate::{Fault, database::signed as number, follow::Final, view::open};

/// What some blocks leave in the tables.
#[derive(Default)]
struct Rows {
    blocks: Vec<Vec<Cell>>,
    committees: Vec<Vec<Cell>>,
    state: BTreeMap<Key, Option<(i64, Vec<u8>)>>,
    open: Open,
    orders: Orders,
    trades: Trades,
    accounts: Vec<Vec<Cell>>,
    /// Positions that stood before these blocks, and where they end.
    ended: Vec<Vec<Cell>>,
    begun: Vec<Begun>,
    /// The place in `begun` of the position that stands.
    stands: BTreeMap<(InstrumentId, AccountId), Option<usize>>,
    movements: Vec<Vec<Cell>>,
    fills: Vec<Vec<Cell>>,
    standings: Vec<Vec<Cell>>,
    events: Vec<Vec<Cell>>,
}

struct Begun {
    instrument: InstrumentId,
    account: AccountId,
    from: i64,
    to: i64,
    units: i64,
}

impl History {
    /// Adds blocks that are final and go on from those that are there: all of them, or none.
    ///
    /// # Errors
    /// [`Fault::Database`].
    pub async fn write(&self, blocks: &[Final]) -> Result<(), Fault> {
        let Some(newest) = blocks.last() else { return Ok(()) };
        let mut rows = Rows::default();
        rows.trades.today = self.business_date().await?;
        blocks.iter().for_each(|it| rows.add(it));
        let fault = |it: sqlx::Error| self.0.engine.fault(it);
        let mut all = self.0.pool.begin().await.map_err(fault)?;
        rows.write(&mut all).await.map_err(fault)?;
        let header = newest.block.header.to_bytes();
        let newest = "INSERT INTO newest (one, header) VALUES (1, $1) \
                      ON CONFLICT (one) DO UPDATE SET header = excluded.header";
        sqlx::query(newest).bind(header).execute(&mut *all).await.map_err(fault)?;
        all.commit().await.map_err(fault)
    }
}

impl Rows {
    fn add(&mut self, Final { block, events }: &Final) {
        let header = &block.header;
        let height = number(header.height);
        let (time, epoch) = (number(header.time.0), number(header.epoch));
        self.blocks.push(vec![Cell::Number(height), Cell::Number(time), Cell::Number(epoch)]);
        if let Some(named) = &block.committee {
            self.committees
                .push(vec![Cell::Number(epoch.saturating_add(1)), Cell::Bytes(named.0.clone())]);
        }
        let mut place = 0;
        for event in events {
            self.add_event(height, place, event);
            self.orders.tell(height, place, event);
            self.trades.tell(height, event);
            place = place.saturating_add(1);
        }
        for change in &block.changes {
            let (key, old) = (Key(change.key), change.old.as_ref().map(|it| it.0.as_slice()));
            let new = change.new.as_ref().map(|it| it.0.as_slice());
            self.state.insert(key, new.map(|it| (height, it.to_vec())));
            self.open.add(&key, new);
            self.orders.add(height, &key, old, new);
            self.trades.add(height, &key, old, new);
            self.add_row(height, &key, old, new);
        }
        self.trades.end(height);
    }

    fn add_row(&mut self, height: i64, key: &Key, old: Option<&[u8]>, new: Option<&[u8]>) {
        let mut name = Reader::new(key.name());
        if key.kind() == book::Position::KIND {
            let place = <book::Position as ledger::row::Row>::Name::read(&mut name);
            let units = |it: Option<&[u8]>| {
                let row = it.and_then(|it| book::Position::from_bytes(it).ok());
                row.map_or(0, |row| open(&row.available))
            };
            if let Ok((account, instrument)) = place {
                self.move_to(height, (instrument, account), units(old), units(new));
            }
        } else if key.kind() == Account::KIND
            && let (Ok(account), Some(Ok(row))) =
                (AccountId::read(&mut name), new.map(Account::from_bytes))
        {
            let manager = row.manager.map_or(0, |it| i64::from(it.0));
            self.accounts.push(vec![
                Cell::Text(account.to_string()),
                Cell::Number(manager),
                Cell::Text(hex::encode(row.holder_number)),
            ]);
        }
    }

    /// A position of `old` units has `new` ones from this height on. What is zero leaves no row.
    fn move_to(&mut self, height: i64, place: (InstrumentId, AccountId), old: i64, new: i64) {
        if old == new || book::is_issuance_account(place.1) {
            return;
        }
        let (instrument, account) = place;
        match self.stands.remove(&place) {
            Some(Some(stood)) => {
                if let Some(stood) = self.begun.get_mut(stood) {
                    stood.to = height;
                }
            }
            Some(None) => (),
            None if old == 0 => (),
            None => self.ended.push(vec![
                Cell::Text(instrument.to_string()),
                Cell::Text(account.to_string()),
                Cell::Number(height),
            ]),
        }
        let stands = (new != 0).then_some(self.begun.len());
        if stands.is_some() {
            let begun = Begun { instrument, account, from: height, to: NEVER, units: new };
            self.begun.push(begun);
        }
        self.stands.insert(place, stands);
    }

    fn add_event(&mut self, height: i64, place: i64, event: &Event) {
        let at = || [Cell::Number(height), Cell::Number(place)];
        self.events.push(at().into_iter().chain([Cell::Bytes(event.to_bytes())]).collect());
        let standing = match event {
            Event::Refused { instruction, reject } => {
                Some((*instruction, "refused", reject.iso(), Some(reject.code())))
            }
            Event::StatusChanged { instruction, status } => {
                Some((*instruction, status.name(), status.iso(), None))
            }
            Event::Settled { instruction, .. } => {
                Some((*instruction, Status::Settled.name(), None, None))
            }
            _ => None,
        };
        if let Some((instruction, status, code, reason)) = standing {
            let (party, text) = (party_of(&instruction), Cell::Text(instruction.to_string()));
            let rest = [text, Cell::Number(party), Cell::Text(status.into()), or(code), or(reason)];
            self.standings.push(at().into_iter().chain(rest).collect());
        }
        if let Event::Filled { buy, sell, deliver, receive, .. } = event {
            for (id, order) in [(deliver, sell), (receive, buy)] {
                self.fills.push(vec![Cell::Text(id.to_string()), Cell::Number(party_of(order))]);
            }
        }
        match event {
            Event::Moved { movement } => self.add_movement(height, None, None, movement),
            // Both sides of a pair are told the same movements.
            Event::Settled { instruction, counterpart, movements }
                if counterpart.is_none_or(|it| *instruction < it) =>
            {
                for movement in movements {
                    self.add_movement(height, Some(*instruction), *counterpart, movement);
                }
            }
            _ => (),
        }
    }

    fn add_movement(
        &mut self,
        height: i64,
        instruction: Option<InstructionId>,
        counterpart: Option<InstructionId>,
        movement: &Movement,
    ) {
        let last = self.movements.last().and_then(|it| match it.as_slice() {
            [Cell::Number(at), Cell::Number(place), ..] if *at == height => Some(*place),
            _ => None,
        });
        let id =
            |it: Option<InstructionId>| it.map_or(Cell::NoText, |it| Cell::Text(it.to_string()));
        self.movements.push(vec![
            Cell::Number(height),
            Cell::Number(last.map_or(0, |it| it.saturating_add(1))),
            id(instruction),
            id(counterpart),
            Cell::Text(movement.instrument.to_string()),
            Cell::Text(movement.from.to_string()),
            Cell::Text(movement.to.to_string()),
            Cell::Number(open(&movement.amount)),
        ]);
    }

    async fn write(self, on: &mut AnyConnection) -> Result<(), sqlx::Error> {
        insert(on, "block (height, time, epoch)", "", self.blocks).await?;
        insert(on, "committee (epoch, committee)", "", self.committees).await?;
        let (mut written, mut gone) = (Vec::new(), Vec::new());
        for (key, row) in self.state {
            let key = Cell::Bytes(key.0.to_vec());
            match row {
                Some((changed, value)) => {
                    written.push(vec![key, Cell::Number(changed), Cell::Bytes(value)]);
                }
                None => gone.push(vec![key]),
            }
        }
        let over =
            "ON CONFLICT (key) DO UPDATE SET changed = excluded.changed, value = excluded.value";
        insert(on, "state (key, changed, value)", over, written).await?;
        run(on, "DELETE FROM state WHERE key IN (VALUES {})", gone).await?;
        self.open.write(on).await?;
        self.orders.write(on).await?;
        self.trades.write(on).await?;
        let over = "ON CONFLICT (account) DO UPDATE SET manager = excluded.manager, holder = excluded.holder";
        insert(on, "account (account, manager, holder)", over, self.accounts).await?;
        let end = "UPDATE position SET to_height = ended.column3 FROM (VALUES {}) AS ended \
                   WHERE instrument = ended.column1 AND account = ended.column2 \
                   AND to_height = 9223372036854775807";
        run(on, end, self.ended).await?;
        let begun = self.begun.into_iter().filter(|it| it.from < it.to).map(Begun::cells);
        let columns = "position (instrument, account, from_height, to_height, units)";
        insert(on, columns, "", begun.collect()).await?;
        let columns =
            "movement (height, place, instruction, counterpart, instrument, source, target, units)";
        insert(on, columns, "", self.movements).await?;
        let columns = "standing (height, place, instruction, party, status, code, reason)";
        insert(on, columns, "", self.standings).await?;
        insert(on, "fill (instruction, party)", "", self.fills).await?;
        let own = "UPDATE standing SET party = fill.party FROM fill \
                   WHERE standing.party = 0 AND fill.instruction = standing.instruction";
        sqlx::query(own).execute(&mut *on).await?;
        insert(on, "event (height, place, told)", "", self.events).await
    }
}

impl Begun {
    fn cells(self) -> Vec<Cell> {
        let text = |it: &dyn ToString| Cell::Text(it.to_string());
        vec![
            text(&self.instrument),
            text(&self.account),
            Cell::Number(self.from),
            Cell::Number(self.to),
            Cell::Number(self.units),
        ]
    }
}

fn or(text: Option<&str>) -> Cell {
    text.map_or(Cell::NoText, |it| Cell::Text(it.into()))
}

/// Whose an instruction is; 0 is nobody.
fn party_of(id: &InstructionId) -> i64 {
    match id.sender {
        Sender::Party(party) => i64::from(party.0),
        Sender::Account(_) => 0,
    }
}
