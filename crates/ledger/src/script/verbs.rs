//! What parties ask: governance, accounts, instruments and their units. Deals are in [`super::deals`],
//! orders in [`super::orders`].

use alloc::{format, string::String, vec::Vec};

use types::{
    Cfi, Currency, Digest, InstrumentId, Isin, KeyId, PartyId, PublicKey, Text, Validator,
};

use super::{
    Flaw, Said,
    cast::{Cast, Named, lei, secret, written},
    deals,
    numbers::{duration, quantity, whole},
    orders,
    words::{Words, name},
};
use crate::{
    envelope::INSTRUCTIONS_MAX,
    governance::{ParameterName, Roles},
    instruction::Instruction,
    issuance::Kind,
};

/// The verbs that several administrators may have to ask, and their tags.
const VERBS: [(&str, u8); 13] = [
    ("admits", 0),
    ("suspends", 1),
    ("adds", 2),
    ("revokes", 3),
    ("sets", 4),
    ("validators", 5),
    ("opens-day", 6),
    ("lists", 8),
    ("approves", 11),
    ("imports", 15),
    ("closes", 16),
    ("signs-off", 26),
    ("opens-board", 29),
];

const ALL: &str = "one of admits, suspends, reinstates, adds, revokes, sets, opens, lists, requests, \
approves, refuses, issues, redeems, allocates, imports, closes, reports, affirms, rejects, delivers, \
receives, pays, holds, releases, cancels, prioritises, signs, attests, bids, offers, amends, withdraws";

/// One line being read.
pub(super) struct Asking<'a, 'w> {
    pub cast: &'a mut Cast,
    pub words: &'a mut Words<'w>,
    pub line: u32,
    pub sender: PartyId,
    /// What the line makes known, once it is known to be meant.
    pub known: Vec<MadeKnown>,
    /// What a name of the line stands for; an instruction, if nothing else.
    pub names: Option<Named>,
}

/// What a line makes known to those after it.
pub(super) enum MadeKnown {
    Party(String, PartyId),
    Account(String),
    Instrument(String, InstrumentId, u8),
    Today(types::BusinessDate),
    Named(String, alloc::boxed::Box<Named>),
}

type Asked = Result<Vec<Instruction>, Flaw>;

/// Reads what a party asks.
pub(super) fn read(cast: &mut Cast, line: u32, words: &mut Words<'_>) -> Result<Said, Flaw> {
    let first = words.next("who asks")?;
    let (word, key) = first.split_once('/').unwrap_or((first, "0"));
    let key = key.parse().map(KeyId).map_err(|_| {
        Flaw::new(format!("`{first}` names no key"), "write the party, or PARTY/NUMBER of its key")
    })?;
    let sender = cast.party(&mut Words::of(word)?)?;
    let verb = words.next(&format!("what {word} asks, {ALL}"))?;
    let mut it = Asking { cast, words, line, sender, known: Vec::new(), names: None };
    let instructions = it.verb(verb)?;
    if !u16::try_from(instructions.len()).is_ok_and(|it| it <= INSTRUCTIONS_MAX) {
        let what = format!("one line asks at most {INSTRUCTIONS_MAX} things");
        return Err(Flaw::new(what, "write the rest in a line of its own"));
    }
    let word = name(word.trim_start_matches('?'))?;
    let refused = it.tail()?;
    Ok(Said { line, word, sender, key, instructions, refused })
}

impl Asking<'_, '_> {
    fn verb(&mut self, verb: &str) -> Asked {
        match verb {
            "admits" => self.admits(),
            "suspends" | "reinstates" => {
                let suspended = verb == "suspends";
                Ok(alloc::vec![Instruction::SuspendParty { party: self.party()?, suspended }])
            }
            "adds" => self.adds(),
            "revokes" => self.revokes(),
            "sets" => self.sets(),
            "opens" => self.opens(),
            "lists" => self.lists(),
            "requests" => self.requests(),
            "approves" | "refuses" => self.decides(verb == "approves"),
            "issues" | "redeems" => self.money(verb == "issues"),
            "allocates" => self.allocates(),
            "attests" => self.attests(),
            other => deals::read(self, other).or_else(|| orders::read(self, other)).unwrap_or_else(
                || {
                    Err(Flaw::new(
                        format!("`{other}` is nothing that can be asked"),
                        format!("write {ALL}"),
                    ))
                },
            ),
        }
    }

    /// `as NAME`, then `refused CODE`; and what the line makes known.
    fn tail(&mut self) -> Result<Option<String>, Flaw> {
        if self.words.is("as") {
            let word = self.words.next("a name")?;
            let itself = Named::Instruction(written(self.line, 0));
            let named = self.names.take().unwrap_or(itself);
            self.cast.call(word, named)?;
        }
        let refused = self.words.is("refused");
        let code = refused.then(|| self.words.next("the code of a refusal").map(String::from));
        self.words.end()?;
        let made = core::mem::take(&mut self.known);
        for it in made.into_iter().filter(|_| !refused) {
            match it {
                MadeKnown::Party(word, number) => self.cast.add_party(&word, number),
                MadeKnown::Account(word) => self.cast.add_account(&word, self.sender),
                MadeKnown::Instrument(word, id, scale) => {
                    self.cast.add_instrument(&word, id, scale)
                }
                MadeKnown::Today(date) => self.cast.today = date,
                MadeKnown::Named(word, named) => self.cast.call(&word, *named)?,
            }
        }
        code.transpose()
    }

    pub fn party(&mut self) -> Result<PartyId, Flaw> {
        self.cast.party(self.words)
    }

    fn text<const MAX: u32>(&mut self, wanted: &str) -> Result<Text<MAX>, Flaw> {
        text(self.words.next(wanted)?)
    }

    fn admits(&mut self) -> Asked {
        let names = self.words.list(|it| Cast::new_party(it))?;
        self.words.must("as")?;
        let all = [("administrator", Roles::ADMINISTRATOR)].into_iter().chain(Roles::WORDS);
        let all: Vec<_> = all.collect();
        let roles = self.words.list(|it| it.choice("role", &all))?;
        let roles = roles.into_iter().fold(Roles(0), Roles::and);
        let called = self.words.is("called").then(|| self.text("a name")).transpose()?;
        let mut asked = Vec::new();
        for word in names {
            let party = super::cast::party(word);
            let name = called.clone().map_or_else(|| text(word), Ok)?;
            let key = secret(word, KeyId(0)).public();
            asked.push(Instruction::AdmitParty { party, lei: lei(word), name, roles, key });
            self.known.push(MadeKnown::Party(word.into(), party));
        }
        Ok(asked)
    }

    fn adds(&mut self) -> Asked {
        self.words.must("key")?;
        let key = KeyId(whole(self.words, "the number of a key")?);
        self.words.must("to")?;
        let word = self.words.peek().unwrap_or_default().trim_start_matches('?');
        let public = secret(word, key).public();
        let party = self.party()?;
        Ok(alloc::vec![Instruction::AddKey { party, key, public }])
    }

    fn revokes(&mut self) -> Asked {
        self.words.must("key")?;
        let key = KeyId(whole(self.words, "the number of a key")?);
        self.words.must("of")?;
        let party = self.party()?;
        Ok(alloc::vec![Instruction::RevokeKey { party, key }])
    }

    fn sets(&mut self) -> Asked {
        const WHAT: [(&str, u8); 5] = [
            ("threshold", 0),
            ("tolerance", 1),
            ("affirm-within", 2),
            ("match-within", 3),
            ("validators", 4),
        ];
        let name = match self.words.choice("parameter", &WHAT)? {
            0 => {
                self.words.must("of")?;
                ParameterName::Threshold { verb: self.words.choice("verb", &VERBS)? }
            }
            1 => {
                self.words.must("of")?;
                ParameterName::Tolerance { currency: self.cast.instrument(self.words)?.0 }
            }
            2 => ParameterName::AffirmWithin,
            3 => ParameterName::MatchWithin,
            _ => return self.validators(),
        };
        self.words.must("to")?;
        let value = match name {
            ParameterName::AffirmWithin | ParameterName::MatchWithin => {
                i64::try_from(duration(self.words)?).unwrap_or(i64::MAX)
            }
            _ => match quantity(self.words.next("a number")?, 0)? {
                crypto::Amount::Open(value) => value,
                crypto::Amount::Sealed { .. } => 0,
            },
        };
        Ok(alloc::vec![Instruction::SetParameter { name, value }])
    }

    fn validators(&mut self) -> Asked {
        self.words.must("to")?;
        let cast = &*self.cast;
        let validators = self.words.list(|words| {
            let word = words.peek().unwrap_or_default().trim_start_matches('?');
            let key = secret(word, KeyId(0)).public();
            let party = cast.party(words)?;
            words.must("at")?;
            Ok(Validator { key, party, address: text(words.next("host:port")?)? })
        })?;
        Ok(alloc::vec![Instruction::SetValidators { validators }])
    }

    fn opens(&mut self) -> Asked {
        let what = [("day", 0), ("account", 1), ("accounts", 1), ("board", 2)];
        match self.words.choice("thing to open", &what)? {
            0 => {
                let date = self.cast.date(self.words)?;
                self.known.push(MadeKnown::Today(date));
                return Ok(alloc::vec![Instruction::OpenDay { date }]);
            }
            2 => return orders::opens_board(self),
            _ => (),
        }
        let words = self.words.list(|it| {
            let word = it.next("the name of an account")?;
            name(word)
        })?;
        let holder = self.words.is("for").then(|| self.words.next("a holder")).transpose()?;
        let class = if self.words.is("class") { whole(self.words, "a class")? } else { 0 };
        let mut asked = Vec::new();
        for word in words {
            let number = super::cast::digest(b"furikae.script.holder.v1", holder.unwrap_or(&word));
            let [holder_number @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = number;
            asked.push(Instruction::OpenAccount {
                account: super::cast::account(&word),
                spend_key: PublicKey([0; 32]),
                view_key: PublicKey([0; 32]),
                envelope_key: PublicKey([0; 32]),
                class,
                holder: Digest(number),
                holder_number,
            });
            self.known.push(MadeKnown::Account(word));
        }
        Ok(asked)
    }

    fn lists(&mut self) -> Asked {
        let word = self.words.next("the name of an instrument")?;
        let given = self.words.peek().and_then(|it| Isin::parse(it).ok());
        if given.is_some() {
            self.words.skip();
        }
        let money = Currency::parse(word).is_ok();
        let instrument = match given {
            Some(isin) => InstrumentId::parse(isin.as_str()),
            None if money => InstrumentId::parse(word),
            None => isin_of(word).and_then(|it| InstrumentId::parse(it.as_str())),
        };
        let instrument = instrument.ok_or_else(|| {
            let what = format!("no ISIN can be made from `{word}`");
            Flaw::new(
                what,
                "write at most 9 capital letters and digits, or its ISIN after its name",
            )
        })?;
        self.words.must("issued by")?;
        let issuer = self.party()?;
        let scale = if self.words.is("scale") { whole(self.words, "decimals")? } else { 0 };
        let called = if self.words.is("called") { self.words.next("a name")? } else { word };
        let cfi = if money { "TCNXXX" } else { "ESVUFR" };
        let cfi = Cfi::parse(cfi).map_err(|_| Flaw::new("a classification", "write none"))?;
        let sign_off = self.words.is("sign-off");
        let kind = if money { Kind::OpenMoney } else { Kind::OpenSecurity };
        self.known.push(MadeKnown::Instrument(word.into(), instrument, scale));
        let name = text(called)?;
        Ok(alloc::vec![Instruction::List { instrument, kind, scale, issuer, name, cfi, sign_off }])
    }

    fn requests(&mut self) -> Asked {
        let redeems = self.words.choice("request", &[("issue", false), ("redemption", true)])?;
        self.words.must("of")?;
        let (quantity, instrument) = self.cast.quantity(self.words)?;
        self.words.must(if redeems { "from" } else { "to" })?;
        let account = self.cast.account(self.words)?.account;
        Ok(alloc::vec![match redeems {
            true => Instruction::RequestRedeem { instrument, account, quantity },
            false => Instruction::RequestIssue { instrument, account, quantity },
        }])
    }

    fn decides(&mut self, approved: bool) -> Asked {
        if !approved && self.words.is("sign-off") {
            self.words.must("of")?;
            let instruction = self.cast.instruction(self.words)?;
            return Ok(alloc::vec![Instruction::SignOff { instruction, approved }]);
        }
        let request = self.cast.instruction(self.words)?;
        Ok(alloc::vec![Instruction::DecideRequest { request, approved }])
    }

    fn money(&mut self, issues: bool) -> Asked {
        let (amount, currency) = self.cast.quantity(self.words)?;
        self.words.must(if issues { "to" } else { "from" })?;
        let account = self.cast.account(self.words)?.account;
        Ok(alloc::vec![match issues {
            true => Instruction::IssueMoney { currency, account, amount },
            false => Instruction::RedeemMoney { currency, account, amount },
        }])
    }

    fn allocates(&mut self) -> Asked {
        let (instrument, scale) = self.cast.instrument(self.words)?;
        self.words.must("from")?;
        let from = self.cast.account(self.words)?.account;
        self.words.must(":")?;
        let cast = &*self.cast;
        let to = self.words.list(|words| {
            let amount = quantity(words.next("a quantity")?, scale)?;
            words.must("to")?;
            Ok((cast.account(words)?.account, amount))
        })?;
        Ok(alloc::vec![Instruction::Allocate { instrument, from, to }])
    }

    fn attests(&mut self) -> Asked {
        let registry = self.words.choice("row", &[("registry", true), ("position", false)])?;
        self.words.must("of")?;
        let (instrument, _) = self.cast.instrument(self.words)?;
        if registry {
            return Ok(alloc::vec![Instruction::AttestInstrument { instrument }]);
        }
        self.words.must("in")?;
        let account = self.cast.account(self.words)?.account;
        Ok(alloc::vec![Instruction::AttestPosition { account, instrument }])
    }
}

/// A text of a record.
pub(super) fn text<const MAX: u32>(word: &str) -> Result<Text<MAX>, Flaw> {
    Text::new(word).map_err(|bad| Flaw::new(format!("`{word}` is too long"), format!("{bad}")))
}

/// `SAKURA` -> `JP000SAKURA` and the check digit.
fn isin_of(word: &str) -> Option<Isin> {
    let plain = word.bytes().all(|it| it.is_ascii_uppercase() || it.is_ascii_digit());
    plain.then(|| Isin::complete(&format!("JP{word:0>9}")).ok()).flatten()
}
