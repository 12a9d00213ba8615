//! What the owner of a gateway may see. Until disclosure is cryptographic, this table says it:
//!
//! | the owner is | positions, movements | registry | instructions | trades |
//! |---|---|---|---|---|
//! | exchange, CCP, CSD, supervisor | all | of all instruments | all | all |
//! | issuer or settlement bank | of its own instruments or money, and of accounts that it manages | of its own | its own, and those that settled with them | its own |
//! | anybody else | of accounts that it manages | none | its own, and those that settled with them | its own |
//!
//! To explain an own instruction, two of others' are named beside: one that is not matched and names the owner as its
//! counterparty, and a payment that waits to be credited to an account that the owner manages. What the other side
//! lacks is said without how much, but to who may see its position. The board is public, but for accounts, references, and whether a fill has settled.
//! Parties, instruments and everything that administrators do are shown to all.

use ledger::governance::Roles;
use types::InstrumentId;

use crate::facts::Facts;

/// Whose positions may be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// Everybody's.
    All,
    /// Those of the accounts that this party manages.
    Managed(u32),
}

impl Sight {
    /// What the owner may see of positions in `instrument`, or in all of them.
    pub fn of_positions(facts: &Facts, instrument: Option<InstrumentId>) -> Self {
        let issues = instrument.is_some_and(|it| facts.issuer(it) == Some(facts.party));
        if sees_all(facts) || issues { Self::All } else { Self::Managed(facts.party.0) }
    }

    /// Whose instructions the owner may see.
    pub fn of_instructions(facts: &Facts) -> Self {
        if sees_all(facts) { Self::All } else { Self::Managed(facts.party.0) }
    }

    /// The one party whose things may be seen; none when all may.
    pub const fn only(self) -> Option<u32> {
        match self {
            Self::All => None,
            Self::Managed(party) => Some(party),
        }
    }
}

fn sees_all(facts: &Facts) -> bool {
    facts.roles.any_of(Roles::ADMINISTRATOR.and(Roles::SUPERVISOR))
}

#[cfg(test)]
mod tests {
    use ledger::{Genesis, governance::GenesisParty, governance::Party};
    use types::{BusinessDate, LedgerTime, Lei, PartyId, Text};

    use super::*;
    use crate::Followed;

    fn facts(roles: Roles) -> Facts {
        let lei = Lei::parse("5493001KJTIIGC8Y1R12").unwrap();
        let row = Party { lei, name: Text::new("someone").unwrap(), roles, suspended: false };
        let key = crypto::keys::SecretKey::from_seed([1; 32]).public();
        let genesis = Genesis {
            name: Text::new("market").unwrap(),
            time: LedgerTime(1),
            date: BusinessDate(20_000),
            epoch_blocks: 10,
            leader: 0,
            parties: vec![GenesisParty { party: PartyId(1), row, key }],
            validators: Vec::new(),
            parameters: Vec::new(),
        };
        Facts::of(Followed::from_genesis(&genesis).view(), PartyId(1))
    }

    #[test]
    fn each_role_sees_what_the_table_says() {
        let share = InstrumentId::parse("JP3999001005").unwrap();
        for (roles, only) in [
            (Roles::EXCHANGE, None),
            (Roles::CCP, None),
            (Roles::CSD, None),
            (Roles::SUPERVISOR, None),
            (Roles::ISSUER, Some(1)),
            (Roles::PARTICIPANT, Some(1)),
            (Roles::SETTLEMENT_BANK, Some(1)),
            (Roles::OBSERVER, Some(1)),
            (Roles::FEEDER, Some(1)),
            (Roles(0), Some(1)),
        ] {
            let facts = facts(roles);
            assert_eq!(Sight::of_positions(&facts, None).only(), only, "{roles:?}");
            assert_eq!(Sight::of_positions(&facts, Some(share)).only(), only, "{roles:?}");
            assert_eq!(Sight::of_instructions(&facts).only(), only, "{roles:?}");
        }
    }
}
