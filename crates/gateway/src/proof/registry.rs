//! Registries of the past: all owners of an instrument, and that nobody is left out.
//!
//! ```text
//!   owners of a view --digest--> registry digest of the instrument's row <-- as-of proof
//! ```

use crypto::proof::{AsOf, Owners, Registry, State};
use ledger::{Key, issuance::Instrument, row::Row as _};
use types::{InstrumentId, Reader, Wire as _};

use super::{Nothing, Said, said_of};
use crate::{View, view::open};

/// The owners of an instrument, as a view has them; `None` if they are more than a file holds.
#[must_use]
pub fn owners(view: &View, instrument: InstrumentId) -> Option<Owners> {
    Owners::new(view.registry(instrument).iter().map(|it| (it.account, it.quantity)).collect())
}

/// The registry of these owners, by a proof of the instrument's row that is true and about this height.
///
/// # Errors
/// [`Nothing::NoRegistry`], [`Nothing::OtherOwners`], in this order.
pub fn registry(row: AsOf, height: u64, owners: Owners) -> Result<(Registry, Said), Nothing> {
    let registry = Registry { row, owners };
    let said = whole(&registry, height)?;
    Ok((registry, said))
}

/// What a registry says whose row stood so after the block of this height.
///
/// # Errors
/// As [`registry`].
pub(super) fn whole(registry: &Registry, height: u64) -> Result<Said, Nothing> {
    let Registry { row, owners } = registry;
    let (instrument, stood) = instrument(row).ok_or(Nothing::NoRegistry)?;
    let of_the_row = ledger::registry::digest(owners.iter()) == stood.registry_digest;
    let supply = open(&stood.supply);
    if !of_the_row || owners.total() != i128::from(supply) {
        return Err(Nothing::OtherOwners);
    }
    let count = match owners.iter().len() {
        1 => "1 owner".into(),
        count => format!("{count} owners"),
    };
    let total = crate::fields::decimal(supply, stood.scale);
    let says = format!("{instrument} had {count} and no other: {total} units in all");
    Ok(said_of(row, height, says))
}

/// The security whose row it is, and the row, if it stood then.
fn instrument(row: &AsOf) -> Option<(InstrumentId, Instrument)> {
    let State::Had { value, .. } = &row.state else { return None };
    let id = InstrumentId::read(&mut Reader::new(Key(row.key).name())).ok()?;
    let is_so = Instrument::key(&id).0 == row.key && !id.is_currency();
    let stood = Instrument::from_bytes(&value.0).ok()?;
    is_so.then_some((id, stood))
}
