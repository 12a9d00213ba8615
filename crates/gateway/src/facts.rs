//! What a gateway has at hand of the newest block, for every request: who its owner is, what instruments are.

use std::collections::BTreeMap;

use ledger::{
    governance::{Party, Roles},
    issuance::Instrument,
};
use types::{InstrumentId, LedgerTime, PartyId};

use crate::{View, fields::decimal};

/// The owner and the instruments, as of a block.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The height of the newest block in the history.
    pub height: u64,
    /// Its time.
    pub time: LedgerTime,
    /// Whose gateway it is.
    pub party: PartyId,
    /// What the owner is called; empty while it is not admitted.
    pub name: String,
    /// What the owner may do.
    pub roles: Roles,
    /// Whether the owner is suspended.
    pub suspended: bool,
    instruments: BTreeMap<InstrumentId, (u8, PartyId)>,
}

impl Facts {
    /// Those of `party` in the newest block of `view`.
    #[must_use]
    pub fn of(view: &View, party: PartyId) -> Self {
        let row = view.row::<Party>(&party);
        let instruments = view.rows::<Instrument>();
        let issuer = |id| view.listing(id).map_or(PartyId(0), |it| it.issuer);
        Self {
            height: view.height(),
            time: view.time(),
            party,
            name: row.as_ref().map(|it| it.name.as_str().to_owned()).unwrap_or_default(),
            roles: row.as_ref().map_or(Roles(0), |it| it.roles),
            suspended: row.is_some_and(|it| it.suspended),
            instruments: instruments.map(|(id, row)| (id, (row.scale, issuer(id)))).collect(),
        }
    }

    /// The same facts in a later block that changed neither party nor instruments.
    #[must_use]
    pub fn at(self, height: u64, time: LedgerTime) -> Self {
        Self { height, time, ..self }
    }

    /// Decimal places of an instrument's quantities.
    #[must_use]
    pub fn scale(&self, instrument: InstrumentId) -> Option<u8> {
        self.instruments.get(&instrument).map(|it| it.0)
    }

    /// Who issues it.
    #[must_use]
    pub fn issuer(&self, instrument: InstrumentId) -> Option<PartyId> {
        self.instruments.get(&instrument).map(|it| it.1)
    }

    /// All instruments: decimal places and issuer of each.
    pub fn instruments(&self) -> impl Iterator<Item = (InstrumentId, u8, PartyId)> {
        self.instruments.iter().map(|(id, (scale, issuer))| (*id, *scale, *issuer))
    }

    /// A quantity of the instrument with this name, as people write it.
    #[must_use]
    pub fn decimal(&self, instrument: &str, units: i64) -> String {
        let scale = InstrumentId::parse(instrument).and_then(|it| self.scale(it));
        decimal(units, scale.unwrap_or_default())
    }
}
