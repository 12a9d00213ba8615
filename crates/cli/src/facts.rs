//! Facts of the demo market: parties, instruments and accounts, from the tables in `markets/facts`.
//!
//! All of them are invented; their check digits are right.

use ledger::governance::Roles;
use serde::{Deserialize, de::DeserializeOwned};
use types::{AccountId, Bic, Cfi, InstrumentId, Isin, Lei, PartyId};

use crate::failure::{Failure, Result};

const PARTIES: &str = include_str!("../../../markets/facts/parties.csv");
const INSTRUMENTS: &str = include_str!("../../../markets/facts/instruments.csv");
const ACCOUNTS: &str = include_str!("../../../markets/facts/accounts.csv");

/// The administrator's number.
pub const ADMINISTRATOR: PartyId = PartyId(1);

/// A party.
#[derive(Clone, Debug)]
pub struct PartyFact {
    /// Its number.
    pub party: PartyId,
    /// What its key file and the demo call it.
    pub word: String,
    /// Its name.
    pub name: String,
    /// What it may do.
    pub roles: Roles,
    /// Its legal entity identifier.
    pub lei: Lei,
    /// Its business identifier code.
    pub bic: Option<Bic>,
}

/// An instrument.
#[derive(Clone, Debug)]
pub struct InstrumentFact {
    /// Its ISIN, or its currency.
    pub instrument: InstrumentId,
    /// What the demo calls it.
    pub word: String,
    /// Its name.
    pub name: String,
    /// The word of its issuer.
    pub issuer: String,
    /// Its classification.
    pub cfi: Cfi,
    /// Decimal places of its quantities.
    pub scale: u8,
}

/// An account.
#[derive(Clone, Debug, Deserialize)]
pub struct AccountFact {
    /// What the demo calls it.
    pub word: String,
    /// The word of its manager.
    pub manager: String,
    /// Whose it is.
    pub holder: String,
}

/// All facts.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The parties, by number.
    pub parties: Vec<PartyFact>,
    /// The instruments.
    pub instruments: Vec<InstrumentFact>,
    /// The accounts.
    pub accounts: Vec<AccountFact>,
}

impl Facts {
    /// Reads the tables.
    ///
    /// # Errors
    /// A fault that names the table and the row, should one of them be damaged.
    pub fn read() -> Result<Self> {
        let parties = rows::<PartyRow>("parties", PARTIES)?;
        let instruments = rows::<InstrumentRow>("instruments", INSTRUMENTS)?;
        Ok(Self {
            parties: parties.into_iter().map(party).collect::<Result<_>>()?,
            instruments: instruments.into_iter().map(instrument).collect::<Result<_>>()?,
            accounts: rows("accounts", ACCOUNTS)?,
        })
    }

    /// The party of this word.
    ///
    /// # Panics
    /// When the tables, which are part of this binary, do not have it.
    pub fn party(&self, word: &str) -> &PartyFact {
        let found = self.parties.iter().find(|it| it.word == word);
        found.unwrap_or_else(|| panic!("the table of parties has {word}"))
    }

    /// The instrument of this word.
    ///
    /// # Panics
    /// When the tables, which are part of this binary, do not have it.
    pub fn instrument(&self, word: &str) -> &InstrumentFact {
        let found = self.instruments.iter().find(|it| it.word == word);
        found.unwrap_or_else(|| panic!("the table of instruments has {word}"))
    }

    /// The account of this word.
    ///
    /// # Panics
    /// When the tables, which are part of this binary, do not have it.
    pub fn account(&self, word: &str) -> &AccountFact {
        let found = self.accounts.iter().find(|it| it.word == word);
        found.unwrap_or_else(|| panic!("the table of accounts has {word}"))
    }

    /// The party that runs validator number `number`: from the table, or another member.
    ///
    /// # Errors
    /// A fault, when no legal entity identifier can be made for it.
    pub fn founder(&self, number: u16) -> Result<PartyFact> {
        let party = PartyId(u32::from(number));
        if let Some(known) = self.parties.iter().find(|it| it.party == party) {
            return Ok(known.clone());
        }
        // Numbers of other members lie outside those of the table.
        let party = PartyId(1_000 + u32::from(number));
        let lei = Lei::complete(&format!("353800FURIKAE{:05}", party.0)).map_err(Failure::fault)?;
        let (word, name) = (format!("member-{number}"), format!("Member {number}"));
        Ok(PartyFact { party, word, name, roles: Roles::PARTICIPANT, lei, bic: None })
    }
}

impl AccountFact {
    /// Its number, made from its word.
    pub fn id(&self) -> AccountId {
        account(&self.word)
    }
}

/// The number of the demo account of this word.
pub fn account(word: &str) -> AccountId {
    AccountId(holder_number(word))
}

/// Sixteen bytes that stand for a name.
pub fn holder_number(name: &str) -> [u8; 16] {
    let digest = crypto::digest(b"furikae.demo.number.v1", name.as_bytes());
    let [front @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = digest.0;
    front
}

#[derive(Deserialize)]
struct PartyRow {
    number: u32,
    word: String,
    name: String,
    roles: String,
    lei: String,
    bic: String,
}

#[derive(Deserialize)]
struct InstrumentRow {
    isin: String,
    word: String,
    name: String,
    issuer: String,
    cfi: String,
    scale: u8,
}

fn rows<T: DeserializeOwned>(table: &str, text: &str) -> Result<Vec<T>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows = reader.deserialize().collect::<Result<_, _>>();
    rows.map_err(|error| Failure::fault(format_args!("the table of {table}: {error}")))
}

fn party(row: PartyRow) -> Result<PartyFact> {
    let PartyRow { number, word, name, roles, lei, bic } = row;
    let bad = |error: &dyn std::fmt::Display| Failure::fault(format_args!("party {word}: {error}"));
    let role = |text: &str| {
        let known = Roles::WORDS.iter().find(|it| it.0 == text);
        known.map(|it| it.1).ok_or_else(|| bad(&format_args!("no role {text}")))
    };
    let roles =
        roles.split(' ').try_fold(Roles(0), |all, it| Ok::<_, Failure>(all.and(role(it)?)))?;
    let lei = Lei::parse(&lei).map_err(|error| bad(&error))?;
    let bic = Some(Bic::parse(&bic).map_err(|error| bad(&error))?);
    Ok(PartyFact { party: PartyId(number), word, name, roles, lei, bic })
}

fn instrument(row: InstrumentRow) -> Result<InstrumentFact> {
    let InstrumentRow { isin, word, name, issuer, cfi, scale } = row;
    let bad = |error: &dyn std::fmt::Display| Failure::fault(format_args!("{word}: {error}"));
    let instrument = InstrumentId::parse(&isin).ok_or_else(|| bad(&"neither ISIN nor currency"))?;
    if !instrument.is_currency() {
        Isin::parse(&isin).map_err(|error| bad(&error))?;
    }
    let cfi = Cfi::parse(&cfi).map_err(|error| bad(&error))?;
    Ok(InstrumentFact { instrument, word, name, issuer, cfi, scale })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_identifier_of_the_tables_is_valid_and_every_name_is_known() {
        let facts = Facts::read().unwrap();
        assert!(facts.parties.iter().all(|it| it.bic.is_some()));
        facts.instruments.iter().for_each(|it| assert!(!facts.party(&it.issuer).word.is_empty()));
        facts.accounts.iter().for_each(|it| assert!(!facts.party(&it.manager).word.is_empty()));
        assert_eq!(facts.party("furikae").party, ADMINISTRATOR);
        let ids: std::collections::BTreeSet<_> =
            facts.accounts.iter().map(AccountFact::id).collect();
        assert_eq!(ids.len(), facts.accounts.len());
        assert!(!ids.iter().any(|it| ledger::book::is_issuance_account(*it)));
    }

    #[test]
    fn founders_beyond_the_table_have_valid_names_of_their_own() {
        let facts = Facts::read().unwrap();
        let founders: Vec<_> = (1..=31).map(|it| facts.founder(it).unwrap()).collect();
        let parties: std::collections::BTreeSet<_> = founders.iter().map(|it| it.party).collect();
        assert_eq!(parties.len(), 31);
        assert!(founders.iter().all(|it| Lei::parse(it.lei.as_str()).is_ok()));
    }
}
