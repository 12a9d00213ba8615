//! Alarms: what falls due by itself, at an agreed time.

use alloc::vec::Vec;

use types::{InstructionId, LedgerTime, Wire};

use crate::{
    draft::{Draft, Missing},
    row::Entry,
    settlement, trade,
};

const ALARM: u8 = 3;
/// How many alarms go off in one block; the others wait for the next.
#[expect(clippy::disallowed_types, reason = "counts what is in memory, never stored")]
const ALARMS_A_BLOCK: usize = 512;

/// What falls due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// A reported trade was not affirmed.
    Affirmation,
    /// An instruction was not matched.
    Match,
}

/// The entry of an alarm.
pub(crate) fn entry(at: LedgerTime, due: Due, id: &InstructionId) -> Entry {
    let mut start = alloc::vec![ALARM];
    at.write(&mut start);
    start.push(match due {
        Due::Affirmation => 0,
        Due::Match => 1,
    });
    id.write(&mut start);
    Entry::from_start(&start)
}

/// Lets the alarms of this block go off, oldest first.
pub(crate) fn ring(draft: &mut Draft<'_>) -> Result<(), Missing> {
    let mut last = alloc::vec![ALARM];
    draft.at.time.write(&mut last);
    let range = draft.walk_between(Entry::from_start(&[ALARM]), Entry::to_end(&last));
    let due: Vec<Entry> = range.take(ALARMS_A_BLOCK).collect();
    for (due, id) in due.iter().filter_map(read) {
        match due {
            Due::Affirmation => trade::expire(draft, id)?,
            Due::Match => settlement::expire(draft, id)?,
        }
    }
    Ok(())
}

fn read(entry: &Entry) -> Option<(Due, InstructionId)> {
    let mut bytes = types::Reader::new(entry.0.get(9..)?);
    let due = match u8::read(&mut bytes).ok()? {
        0 => Due::Affirmation,
        _ => Due::Match,
    };
    InstructionId::read(&mut bytes).ok().map(|id| (due, id))
}
