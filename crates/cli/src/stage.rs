//! What has to stand on a market before something is shown or measured on it: parties, accounts, instruments, cover.
//!
//! What is there already is left as it is, so that all of it can be asked again.

pub mod sealed;

use std::collections::BTreeMap;

use crypto::Amount;
use ledger::{
    Instruction, Signed,
    book::Account,
    governance::{Party, Roles},
    issuance::{Instrument, Kind},
};
use types::{AccountId, Cfi, InstrumentId, Isin, Lei, PartyId, PublicKey, Text};

use crate::{
    desk::Desk,
    facts::holder_number,
    failure::{Failure, Result},
};

/// The word of the settlement bank, which issues money.
pub const BANK: &str = "kinjo";
/// Who issues the securities.
pub const ISSUER: PartyId = PartyId(901);
/// Instructions that are asked together.
const TOGETHER: usize = 500;

/// What is listed.
pub struct Listed<'a> {
    /// Its ISIN, or its currency.
    pub instrument: InstrumentId,
    /// Decimal places of its quantities.
    pub scale: u8,
    /// What it is called.
    pub name: &'a str,
}

/// The word of a party that is in no table.
pub fn word(party: PartyId) -> String {
    format!("party-{}", party.0)
}

/// The security whose ISIN begins with these eleven characters.
///
/// # Errors
/// A fault, when it is none.
pub fn security(isin: &str) -> Result<InstrumentId> {
    let isin = Isin::complete(isin).map_err(Failure::fault)?;
    InstrumentId::parse(isin.as_str()).ok_or_else(|| Failure::fault("an instrument's number"))
}

/// Admits the bank, the issuer, and participants of these numbers.
///
/// # Errors
/// Those of the desk.
pub async fn admit(desk: &mut Desk, members: impl IntoIterator<Item = PartyId>) -> Result<()> {
    let bank = desk.facts.party(BANK).clone();
    let wanted = [
        (bank.party, BANK.to_owned(), bank.name, bank.roles),
        (ISSUER, word(ISSUER), "Issuer of securities".to_owned(), Roles::ISSUER),
    ];
    let members = members
        .into_iter()
        .map(|it| (it, word(it), format!("Member {}", it.0), Roles::PARTICIPANT));
    let mut asked = Vec::new();
    for (party, word, name, roles) in wanted.into_iter().chain(members) {
        if desk.view().row::<Party>(&party).is_some() {
            continue;
        }
        let lei = format!("353800FURIKAE{:05}", party.0);
        asked.push(Instruction::AdmitParty {
            party,
            lei: Lei::complete(&lei).map_err(Failure::fault)?,
            name: Text::new(&name).map_err(Failure::fault)?,
            roles,
            key: desk.public_key(&word)?,
        });
    }
    must(desk, "furikae", asked).await.map(drop)
}

/// Opens accounts, each with the word of its manager and of its holder.
///
/// # Errors
/// Those of the desk.
pub async fn open_accounts(
    desk: &mut Desk,
    wanted: impl IntoIterator<Item = (AccountId, String, String)>,
) -> Result<()> {
    let mut asked: BTreeMap<String, Vec<Instruction>> = BTreeMap::new();
    for (account, manager, holder) in wanted {
        if desk.view().row::<Account>(&account).is_some() {
            continue;
        }
        let open = Instruction::OpenAccount {
            account,
            spend_key: PublicKey([0; 32]),
            view_key: PublicKey([0; 32]),
            envelope_key: PublicKey([0; 32]),
            class: 0,
            holder: desk.commitment(&manager, &holder)?,
            holder_number: holder_number(&holder),
        };
        asked.entry(manager).or_default().push(open);
    }
    let mut signed: Vec<Signed> = Vec::new();
    for (manager, asked) in asked {
        let who = desk.who(&manager)?;
        for together in asked.chunks(TOGETHER) {
            signed.push(desk.sign(&who, together.to_vec())?);
        }
    }
    desk.settle(&signed).await?;
    for id in signed.iter().flat_map(Signed::ids) {
        if let Some(reject) = desk.refused(&id) {
            return Err(Failure::no(format_args!("{id} was refused: {}", reject.code())));
        }
    }
    Ok(())
}

/// Lists an open instrument: a security of the issuer's, money of the bank's.
///
/// # Errors
/// Those of the desk; malformed, when the market has it with another scale.
pub async fn list(desk: &mut Desk, wanted: &Listed<'_>) -> Result<()> {
    list_as(desk, wanted, [Kind::OpenMoney, Kind::OpenSecurity]).await
}

/// Lists an instrument as the first of these kinds if it is money, as the second if it is a security.
async fn list_as(desk: &mut Desk, wanted: &Listed<'_>, [money, security]: [Kind; 2]) -> Result<()> {
    let Listed { instrument, scale, name } = *wanted;
    if let Some(row) = desk.view().row::<Instrument>(&instrument) {
        if row.scale == scale {
            return Ok(());
        }
        let what = format_args!("{instrument} has {} places here, {scale} are needed", row.scale);
        return Err(Failure::malformed(what).mend("name another market, or none"));
    }
    let (kind, issuer, cfi) = if instrument.is_currency() {
        (money, desk.facts.party(BANK).party, "TCNXXX")
    } else {
        (security, ISSUER, "ESXXXX")
    };
    let asked = Instruction::List {
        instrument,
        kind,
        scale,
        issuer,
        name: Text::new(name).map_err(Failure::fault)?,
        cfi: Cfi::parse(cfi).map_err(Failure::fault)?,
        sign_off: false,
    };
    desk.must("furikae", vec![asked]).await.map(drop)
}

/// Issues what accounts lack of what they need.
///
/// # Errors
/// Those of the desk.
pub async fn issue(
    desk: &mut Desk,
    needed: BTreeMap<(AccountId, InstrumentId), i64>,
) -> Result<()> {
    let (mut requests, mut money) = (Vec::new(), Vec::new());
    for ((account, instrument), units) in needed {
        let short = units - desk.view().available(account, instrument);
        if short <= 0 {
            continue;
        }
        let units = Amount::Open(short);
        if instrument.is_currency() {
            money.push(Instruction::IssueMoney { currency: instrument, account, amount: units });
        } else {
            requests.push(Instruction::RequestIssue { instrument, account, quantity: units });
        }
    }
    must(desk, BANK, money).await?;
    let requested = must(desk, &word(ISSUER), requests).await?;
    let decide = |request| Instruction::DecideRequest { request, approved: true };
    must(desk, "furikae", requested.into_iter().map(decide).collect()).await.map(drop)
}

/// Asks some at a time, and none may be refused.
async fn must(
    desk: &mut Desk,
    word: &str,
    asked: Vec<Instruction>,
) -> Result<Vec<types::InstructionId>> {
    let mut ids = Vec::new();
    for together in asked.chunks(TOGETHER) {
        ids.extend(desk.must(word, together.to_vec()).await?);
    }
    Ok(ids)
}
