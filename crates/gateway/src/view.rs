//! What a participant knows of the market: the rows and the outcomes that certified blocks have left.
//!
//! A view is made of blocks alone, in their order, and can be dropped and made again. It says up to
//! which height it is true.

use std::collections::BTreeMap;

use crypto::Amount;
use ledger::{
    Event, Key, Value,
    book::{self, Account, Position},
    governance::{LaneRow, Party, Roles, Validators},
    issuance::{Instrument, Listing},
    reject::Reject,
    row::Row,
    script::Rows,
    settlement::{Instructed, Status},
};
use types::{
    AccountId, Digest, InstructionId, InstrumentId, Lane, LedgerTime, PartyId, Reader, Sender,
    Validator, Wire,
};

/// A row of the state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stood {
    /// The height of its last change.
    pub changed: u64,
    /// Its value.
    pub value: Value,
}

/// Where an instruction stands, or how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A settlement instruction or a payment, as it was told last.
    Is(Status),
    /// It had no effect.
    Refused(Reject),
}

/// What was told last of one instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Where it stands.
    pub standing: Standing,
    /// In which block that was told.
    pub height: u64,
}

/// One holder of an instrument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The account.
    pub account: AccountId,
    /// The number of its holder, the same for one person everywhere.
    pub holder: [u8; 16],
    /// How many units.
    pub quantity: i64,
}

/// The rows and outcomes up to a height.
#[derive(Clone, Debug)]
pub struct View {
    height: u64,
    time: LedgerTime,
    rows: BTreeMap<Key, Stood>,
    told: BTreeMap<InstructionId, Told>,
}

impl View {
    /// A view of nothing, as of height 0.
    #[must_use]
    pub fn new(time: LedgerTime) -> Self {
        Self { height: 0, time, rows: BTreeMap::new(), told: BTreeMap::new() }
    }

    /// A view of these rows, each with the height of its last change, as of a height. What was told up to there is
    /// not in it.
    pub(crate) fn resume(
        height: u64,
        time: LedgerTime,
        rows: impl IntoIterator<Item = (Key, u64, Value)>,
    ) -> Self {
        let stood = |(key, changed, value)| (key, Stood { changed, value });
        Self { height, time, rows: rows.into_iter().map(stood).collect(), told: BTreeMap::new() }
    }

    /// Forgets what was told: who keeps a history reads it there.
    pub(crate) fn forget_told(&mut self) {
        self.told.clear();
    }

    /// The height up to which this is true.
    #[must_use]
    pub const fn height(&self) -> u64 {
        self.height
    }

    /// That block's time.
    #[must_use]
    pub const fn time(&self) -> LedgerTime {
        self.time
    }

    /// The height of the last change of the row under `key`; 0 when there is none. A row that has ended never comes
    /// again.
    #[must_use]
    pub fn changed(&self, key: &Key) -> u64 {
        self.rows.get(key).map_or(0, |it| it.changed)
    }

    /// Moves on by one block: rows that came, changed or ended, and what was told.
    pub(crate) fn advance(
        &mut self,
        height: u64,
        time: LedgerTime,
        changes: impl IntoIterator<Item = (Key, Option<Value>)>,
        events: &[Event],
    ) {
        (self.height, self.time) = (height, time);
        for (key, value) in changes {
            match value {
                Some(value) => {
                    self.rows.insert(key, Stood { changed: height, value });
                }
                None => {
                    self.rows.remove(&key);
                }
            }
        }
        for event in events {
            self.note(height, event);
        }
    }

    fn note(&mut self, height: u64, event: &Event) {
        let (instruction, standing) = match event {
            Event::Refused { instruction, reject } => {
                (*instruction, Standing::Refused(reject.clone()))
            }
            Event::StatusChanged { instruction, status } => (*instruction, Standing::Is(*status)),
            Event::Settled { instruction, .. } => (*instruction, Standing::Is(Status::Settled)),
            _ => return,
        };
        self.told.insert(instruction, Told { standing, height });
    }

    /// The row with this name.
    #[must_use]
    pub fn row<R: Row>(&self, name: &R::Name) -> Option<R> {
        R::from_bytes(&self.rows.get(&R::key(name))?.value).ok()
    }

    /// All rows of a kind with their names, in the order of their keys.
    pub fn rows<R: Row>(&self) -> impl Iterator<Item = (R::Name, R)> {
        let mut first = [0; 48];
        first[0] = R::KIND;
        let rows = self.rows.range(Key(first)..).take_while(|(key, _)| key.kind() == R::KIND);
        rows.filter_map(|(key, stood)| {
            let name = R::Name::read(&mut Reader::new(key.name())).ok()?;
            Some((name, R::from_bytes(&stood.value).ok()?))
        })
    }

    /// What was told last of an instruction; `None` of one that has effect without a state of its own.
    #[must_use]
    pub fn told(&self, id: &InstructionId) -> Option<&Told> {
        self.told.get(id)
    }

    /// Everything told last of each instruction.
    pub fn all_told(&self) -> impl Iterator<Item = (&InstructionId, &Told)> {
        self.told.iter()
    }

    /// The number that the next envelope of a lane must carry.
    #[must_use]
    pub fn next_sequence(&self, sender: Sender, lane: Lane) -> u64 {
        self.row::<LaneRow>(&(sender, lane)).map_or(0, |row| row.next)
    }

    /// The validators of the next epoch, in the order of their keys.
    #[must_use]
    pub fn validators(&self) -> Vec<Validator> {
        self.rows::<Validators>().flat_map(|(_, row)| row.validators).collect()
    }

    /// Decimal places of an instrument's quantities.
    #[must_use]
    pub fn scale(&self, instrument: InstrumentId) -> Option<u8> {
        self.row::<Instrument>(&instrument).map(|row| row.scale)
    }

    /// A quantity of an instrument as people write it.
    #[must_use]
    pub fn decimal(&self, instrument: InstrumentId, units: i64) -> String {
        crate::fields::decimal(units, self.scale(instrument).unwrap_or_default())
    }

    /// A party's name, or its number where it has none.
    #[must_use]
    pub fn party_name(&self, party: PartyId) -> String {
        let row = self.row::<Party>(&party);
        row.map_or_else(|| format!("party {}", party.0), |row| row.name.as_str().into())
    }

    /// The first party that has one of these roles.
    #[must_use]
    pub fn party_with(&self, roles: Roles) -> Option<PartyId> {
        self.rows::<Party>().find(|(_, row)| row.roles.any_of(roles)).map(|(id, _)| id)
    }

    /// How much of an instrument an account may use.
    #[must_use]
    pub fn available(&self, account: AccountId, instrument: InstrumentId) -> i64 {
        self.row::<Position>(&(account, instrument)).map_or(0, |row| open(&row.available))
    }

    /// Every position, those of issuance accounts left out, in the order of their keys.
    pub fn positions(&self) -> impl Iterator<Item = (AccountId, InstrumentId, i64)> {
        let held = self.rows::<Position>().filter(|((id, _), _)| !book::is_issuance_account(*id));
        held.map(|((account, instrument), row)| (account, instrument, open(&row.available)))
    }

    /// The owners of an instrument, in the order of their accounts, without those who hold nothing.
    #[must_use]
    pub fn registry(&self, instrument: InstrumentId) -> Vec<Holder> {
        let held = self.positions().filter(|it| it.1 == instrument && it.2 != 0);
        let holder = |account| self.row::<Account>(&account).map_or([0; 16], |it| it.holder_number);
        held.map(|(account, _, quantity)| Holder { account, holder: holder(account), quantity })
            .collect()
    }

    /// Whether the owners of an instrument, as this view has them, are those whose digest stands in its row.
    #[must_use]
    pub fn registry_is_confirmed(&self, instrument: InstrumentId) -> bool {
        let holders = self.registry(instrument);
        let digest = ledger::registry::digest(holders.iter().map(|it| (it.account, it.quantity)));
        self.row::<Instrument>(&instrument).is_some_and(|row| {
            let supply: i64 = holders.iter().map(|it| it.quantity).sum();
            row.registry_digest == digest && open(&row.supply) == supply
        })
    }

    /// Whether all positions in an instrument together are what was issued of it.
    #[must_use]
    pub fn supply_is_exact(&self, instrument: InstrumentId) -> bool {
        let held = self.positions().filter(|it| it.1 == instrument);
        let held: i128 = held.map(|it| i128::from(it.2)).sum();
        let row = self.row::<Instrument>(&instrument);
        row.is_some_and(|row| i128::from(open(&row.supply)) == held)
    }

    /// Who manages an account.
    #[must_use]
    pub fn manager(&self, account: AccountId) -> Option<PartyId> {
        self.row::<Account>(&account)?.manager
    }

    /// What an instrument is called.
    #[must_use]
    pub fn listing(&self, instrument: InstrumentId) -> Option<Listing> {
        self.row(&instrument)
    }

    /// The instructions that have not ended.
    pub fn instructions(&self) -> impl Iterator<Item = (InstructionId, Instructed)> {
        self.rows::<Instructed>()
    }

    /// The digest of each security's owners, as its row has it.
    pub fn registry_digests(&self) -> impl Iterator<Item = (InstrumentId, Digest)> {
        let securities = self.rows::<Instrument>().filter(|(id, _)| !id.is_currency());
        securities.map(|(id, row)| (id, row.registry_digest))
    }

    /// A digest over all positions that are not zero: equal when the books are.
    #[must_use]
    pub fn positions_digest(&self) -> Digest {
        book::digest(self.rows::<Position>().map(|(place, row)| (place, open(&row.available))))
    }
}

impl Rows for View {
    fn row(&self, key: &Key) -> Option<Value> {
        self.rows.get(key).map(|it| it.value.clone())
    }
}

/// The units of an open amount; nothing is known of a sealed one.
pub(crate) fn open(amount: &Amount) -> i64 {
    match amount {
        Amount::Open(units) => *units,
        Amount::Sealed { .. } => 0,
    }
}
