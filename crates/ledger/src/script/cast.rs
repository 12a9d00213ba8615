//! Who and what a script speaks of: words, and the ids that they stand for on every run.

use alloc::{collections::BTreeMap, format, string::String, vec::Vec};

use types::{
    AccountId, BusinessDate, InstructionId, InstrumentId, KeyId, Lane, LedgerTime, Lei, PartyId,
    Sender, Text, Validator,
};

use super::{
    Flaw, Script,
    words::{Words, name},
};
use crate::{
    Genesis,
    governance::{GenesisParty, Party, Roles},
    trade::{ReportTrade, TradeId},
};

/// The word of the administrator of the first hour.
pub const FOUNDER: &str = "furikae";

/// The roles of the administrator of the first hour.
const FOUNDERS: Roles = Roles::ADMINISTRATOR.and(Roles::SETTLEMENT_AGENT);

/// The number of the party of this word: 1 of [`FOUNDER`], or a number of 32 bits made from it.
#[must_use]
pub fn party(word: &str) -> PartyId {
    if word == FOUNDER {
        return PartyId(1);
    }
    let [a, b, c, d, ..] = digest(b"furikae.script.party.v1", word);
    PartyId(u32::from_be_bytes([a | 0x80, b, c, d]))
}

/// The number of the account of this word.
#[must_use]
pub fn account(word: &str) -> AccountId {
    let number = digest(b"furikae.script.account.v1", word);
    let [a, rest @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = number;
    let [b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = rest;
    AccountId([a | 0x80, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p])
}

/// The key that the party of this word signs with in a script. Everybody can make it: it serves markets
/// of tests and demonstrations.
#[must_use]
pub fn secret(word: &str, key: KeyId) -> crypto::keys::SecretKey {
    let seed = digest(b"furikae.script.key.v1", &format!("{word}/{}", key.0));
    crypto::keys::SecretKey::from_seed(seed)
}

/// The party that a script's market begins with.
#[must_use]
pub fn founder() -> GenesisParty {
    let name = Text::new(FOUNDER).unwrap_or_default();
    let row = Party { lei: lei(FOUNDER), name, roles: FOUNDERS, suspended: false };
    GenesisParty { party: party(FOUNDER), row, key: secret(FOUNDER, KeyId(0)).public() }
}

impl Script {
    /// The first state of its market: the founder alone, on the script's first date. `validators` decide.
    #[must_use]
    pub fn genesis(
        &self,
        time: LedgerTime,
        epoch_blocks: u64,
        leader: u8,
        validators: Vec<Validator>,
    ) -> Genesis {
        Genesis {
            name: Text::new("script").unwrap_or_default(),
            time,
            date: self.date,
            epoch_blocks,
            leader,
            parties: alloc::vec![founder()],
            validators,
            parameters: Vec::new(),
        }
    }

    /// Whether a market that began so is one that it may run on.
    #[must_use]
    pub fn may_run_on(&self, genesis: &Genesis) -> bool {
        let same = self.genesis(genesis.time, 0, 0, Vec::new());
        genesis.parties == same.parties
            && genesis.parameters == same.parameters
            && genesis.date == same.date
    }
}

/// A legal entity identifier with right check digits, made from a word.
pub(super) fn lei(word: &str) -> Lei {
    let [a, b, c, d, ..] = digest(b"furikae.script.lei.v1", word);
    let number = u32::from_be_bytes([a, b, c, d]) % 100_000;
    let lei = Lei::complete(&format!("353800FURIKAE{number:05}"));
    assert!(lei.is_ok(), "eighteen letters and digits make an LEI");
    lei.unwrap_or_else(|_| unreachable!())
}

pub(super) fn digest(domain: &[u8], word: &str) -> [u8; 32] {
    crypto::digest(domain, word.as_bytes()).0
}

/// An id as written: a lane of nobody, so that no market gives it.
pub(super) fn written(line: u32, index: u16) -> InstructionId {
    let (sender, lane) = (Sender::Party(PartyId(0)), Lane(u16::MAX));
    InstructionId { sender, lane, sequence: u64::from(line), index }
}

/// What a name of a script stands for.
#[derive(Clone, Debug)]
pub(super) enum Named {
    /// Something that one line asks.
    Instruction(InstructionId),
    /// A trade, as one side would tell it.
    Trade {
        /// Its name.
        id: TradeId,
        /// Who the teller is.
        teller: PartyId,
        /// What it tells.
        told: ReportTrade,
    },
}

/// An account of a script.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub account: AccountId,
    pub manager: PartyId,
}

/// Everybody and everything that lines have made known so far.
pub(super) struct Cast {
    founding: BusinessDate,
    /// The market's date, as the lines before say.
    pub today: BusinessDate,
    parties: BTreeMap<String, PartyId>,
    accounts: BTreeMap<String, Known>,
    instruments: BTreeMap<String, (InstrumentId, u8)>,
    named: BTreeMap<String, Named>,
}

/// The date of a market whose script names none: Monday, 2026-01-05.
const MONDAY: BusinessDate = BusinessDate(20_458);

impl Cast {
    pub fn new() -> Self {
        Self {
            founding: MONDAY,
            today: MONDAY,
            parties: BTreeMap::from([(FOUNDER.into(), party(FOUNDER))]),
            accounts: BTreeMap::new(),
            instruments: BTreeMap::new(),
            named: BTreeMap::new(),
        }
    }

    pub const fn found(&mut self, date: BusinessDate) {
        (self.founding, self.today) = (date, date);
    }

    pub const fn date_of_founding(&self) -> BusinessDate {
        self.founding
    }

    /// A party that is known, or `?word` for one that nobody has admitted.
    pub fn party(&self, words: &mut Words<'_>) -> Result<PartyId, Flaw> {
        let word = words.next("a party")?;
        if let Some(stranger) = word.strip_prefix('?') {
            return name(stranger).map(|it| party(&it));
        }
        self.parties.get(word).copied().ok_or_else(|| {
            let instead = format!("admit it first: furikae admits {word} as participant");
            Flaw::new(format!("no party is called `{word}`"), instead)
        })
    }

    /// The word of a party that is made known, and its number.
    pub fn new_party<'w>(words: &mut Words<'w>) -> Result<&'w str, Flaw> {
        let word = words.next("the name of a party")?;
        name(word).map(|_| word)
    }

    pub fn add_party(&mut self, word: &str, number: PartyId) {
        self.parties.insert(word.into(), number);
    }

    /// An account that is known, or `?word` for one that nobody has opened.
    pub fn account(&self, words: &mut Words<'_>) -> Result<Known, Flaw> {
        let word = words.next("an account")?;
        if let Some(stranger) = word.strip_prefix('?') {
            let account = name(stranger).map(|it| account(&it))?;
            return Ok(Known { account, manager: PartyId(0) });
        }
        self.accounts.get(word).copied().ok_or_else(|| {
            let instead = format!("open it first: PARTY opens account {word}");
            Flaw::new(format!("no account is called `{word}`"), instead)
        })
    }

    pub fn add_account(&mut self, word: &str, manager: PartyId) {
        let known = Known { account: account(word), manager };
        self.accounts.entry(word.into()).or_insert(known);
    }

    /// An instrument that is known and its scale, or `?word` for one that nobody has listed.
    pub fn instrument(&self, words: &mut Words<'_>) -> Result<(InstrumentId, u8), Flaw> {
        let word = words.next("an instrument")?;
        if let Some(stranger) = word.strip_prefix('?') {
            return self.unlisted(stranger);
        }
        self.instruments.get(word).copied().ok_or_else(|| {
            let instead = format!("list it first: furikae lists {word} issued by PARTY");
            Flaw::new(format!("no instrument is called `{word}`"), instead)
        })
    }

    fn unlisted(&self, word: &str) -> Result<(InstrumentId, u8), Flaw> {
        let id = InstrumentId::parse(word).ok_or_else(|| {
            Flaw::new(format!("`?{word}` is no instrument"), "write `?` and an ISIN or a currency")
        })?;
        Ok((id, 0))
    }

    pub fn add_instrument(&mut self, word: &str, id: InstrumentId, scale: u8) {
        self.instruments.entry(word.into()).or_insert((id, scale));
    }

    /// A quantity and its instrument: `100 SAKURA`.
    pub fn quantity(&self, words: &mut Words<'_>) -> Result<(crypto::Amount, InstrumentId), Flaw> {
        let word = words.next("a quantity")?;
        let (instrument, scale) = self.instrument(words)?;
        super::numbers::quantity(word, scale).map(|amount| (amount, instrument))
    }

    /// A date: `2026-01-05`, `today`, or `today+2`.
    pub fn date(&self, words: &mut Words<'_>) -> Result<BusinessDate, Flaw> {
        let word = words.next("a date")?;
        let date = match word.strip_prefix("today") {
            Some("") => Some(self.today),
            Some(later) => {
                let days = later.strip_prefix('+').and_then(|it| it.parse().ok());
                days.and_then(|it| self.today.plus(it))
            }
            None => BusinessDate::parse(word).ok(),
        };
        date.ok_or_else(|| {
            let instead = "write a date as 2026-01-05, or `today`, or `today+2`";
            Flaw::new(format!("`{word}` is no date"), instead)
        })
    }

    /// What a name stands for; `?word` for something that nobody has asked.
    pub fn named(&self, words: &mut Words<'_>) -> Result<Named, Flaw> {
        let word = words.next("the name of a line")?;
        if let Some(stranger) = word.strip_prefix('?') {
            return name(stranger).map(|_| Named::Instruction(written(u32::MAX, 0)));
        }
        self.named.get(word).cloned().ok_or_else(|| {
            let instead = format!("name it where it is asked, at the end of its line: as {word}");
            Flaw::new(format!("nothing is called `{word}`"), instead)
        })
    }

    /// An instruction that has a name.
    pub fn instruction(&self, words: &mut Words<'_>) -> Result<InstructionId, Flaw> {
        let word = words.peek().unwrap_or_default();
        match self.named(words)? {
            Named::Instruction(id) => Ok(id),
            Named::Trade { .. } => Err(Flaw::new(
                format!("`{word}` is a trade"),
                "name an instruction: what delivers, receives, pays or requests",
            )),
        }
    }

    /// A trade that has a name.
    pub fn trade(
        &self,
        words: &mut Words<'_>,
    ) -> Result<(TradeId, Option<(PartyId, ReportTrade)>), Flaw> {
        match self.named(words)? {
            Named::Trade { id, teller, told } => Ok((id, Some((teller, told)))),
            Named::Instruction(report) => Ok((TradeId::Reported { report }, None)),
        }
    }

    /// Whether a word is an account's.
    pub fn is_account(&self, word: &str) -> bool {
        word.starts_with('?') || self.accounts.contains_key(word)
    }

    /// Whether a name stands for nothing yet.
    pub fn is_free(&self, word: &str) -> bool {
        !self.named.contains_key(word)
    }

    /// Gives a name, which must be new.
    pub fn call(&mut self, word: &str, named: Named) -> Result<(), Flaw> {
        if self.named.insert(name(word)?, named).is_some() {
            let what = format!("`{word}` stands for something else already");
            return Err(Flaw::new(what, "choose another name"));
        }
        Ok(())
    }
}
