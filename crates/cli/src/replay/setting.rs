//! What a replay needs on the market before it begins: members, accounts, an instrument, cover.
//!
//! Everything that is there already is left as it is, so that a replay can be repeated.

use std::collections::BTreeMap;

use crypto::Amount;
use ledger::{
    Instruction,
    book::Account,
    governance::{Party, Roles},
    issuance::{Instrument, Kind},
};
use types::{AccountId, Cfi, InstrumentId, Isin, Lei, PartyId, PublicKey, Text};

use super::recorded::{MONEY_SCALE, QUANTITY_SCALE, Recorded};
use crate::{
    desk::Desk,
    facts::{account, holder_number},
    failure::{Failure, Result},
};

const BANK: &str = "kinjo";
const ISSUER: PartyId = PartyId(901);
/// The number of the first member.
const FIRST_MEMBER: u32 = 2_000;

/// What is traded for what, and among whom.
pub struct Setting {
    /// The security.
    pub security: InstrumentId,
    /// The money.
    pub money: InstrumentId,
    members: u32,
}

impl Setting {
    /// Makes sure of members, accounts and instruments.
    ///
    /// # Errors
    /// Those of the desk; malformed, when the market has the instruments with other scales.
    pub async fn make(desk: &mut Desk, members: u32) -> Result<Self> {
        let isin = Isin::complete("XTFURIKBTC0").map_err(Failure::fault)?;
        let instrument = |text| {
            InstrumentId::parse(text).ok_or_else(|| Failure::fault("an instrument's number"))
        };
        let (security, money) = (instrument(isin.as_str())?, instrument("USD")?);
        let setting = Self { security, money, members };
        setting.admit(desk).await?;
        setting.open_accounts(desk).await?;
        setting.list(desk).await?;
        Ok(setting)
    }

    /// The party of a member.
    pub const fn party(&self, member: u32) -> PartyId {
        PartyId(FIRST_MEMBER + member)
    }

    /// The account of a member, for securities and money.
    pub fn account(&self, member: u32) -> AccountId {
        account(&format!("replay-{member}"))
    }

    /// What a member's key file is called.
    pub fn word(&self, member: u32) -> String {
        word(self.party(member))
    }

    async fn admit(&self, desk: &mut Desk) -> Result<()> {
        let bank = desk.facts.party(BANK).clone();
        let mut asked = Vec::new();
        let wanted = [(bank.party, BANK.to_owned(), bank.name, bank.roles)].into_iter();
        let issuer = (ISSUER, word(ISSUER), "Issuer of a replay".to_owned(), Roles::ISSUER);
        let members = (0..self.members).map(|it| {
            (self.party(it), self.word(it), format!("Replay member {it}"), Roles::PARTICIPANT)
        });
        for (party, word, name, roles) in wanted.chain([issuer]).chain(members) {
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
        for together in asked.chunks(500) {
            desk.must("furikae", together.to_vec()).await?;
        }
        Ok(())
    }

    async fn open_accounts(&self, desk: &mut Desk) -> Result<()> {
        let mut signed = Vec::new();
        for member in 0..self.members {
            let (account, word) = (self.account(member), self.word(member));
            if desk.view().row::<Account>(&account).is_some() {
                continue;
            }
            let asked = Instruction::OpenAccount {
                account,
                spend_key: PublicKey([0; 32]),
                view_key: PublicKey([0; 32]),
                class: 0,
                holder: desk.commitment(&word, &word)?,
                holder_number: holder_number(&word),
            };
            let who = desk.who(&word)?;
            signed.push(desk.sign(&who, vec![asked])?);
        }
        all(desk, &signed).await
    }

    async fn list(&self, desk: &mut Desk) -> Result<()> {
        let bank = desk.facts.party(BANK).party;
        let wanted = [
            (
                self.security,
                Kind::OpenSecurity,
                QUANTITY_SCALE,
                ISSUER,
                "Bitcoin claims of a replay",
                "ESXXXX",
            ),
            (self.money, Kind::OpenMoney, MONEY_SCALE, bank, "Dollar tokens of a replay", "TCNXXX"),
        ];
        for (instrument, kind, scale, issuer, name, cfi) in wanted {
            if let Some(row) = desk.view().row::<Instrument>(&instrument) {
                if row.scale != scale {
                    let what = format!(
                        "{instrument} has {} places here, the file needs {scale}",
                        row.scale
                    );
                    return Err(Failure::malformed(what).mend("replay on another market"));
                }
                continue;
            }
            let asked = Instruction::List {
                instrument,
                kind,
                scale,
                issuer,
                name: Text::new(name).map_err(Failure::fault)?,
                cfi: Cfi::parse(cfi).map_err(Failure::fault)?,
                sign_off: false,
            };
            desk.must("furikae", vec![asked]).await?;
        }
        Ok(())
    }

    /// Issues what sellers and buyers of `trades` lack, so that each of them can settle by itself.
    ///
    /// # Errors
    /// Those of the desk.
    pub async fn cover(&self, desk: &mut Desk, trades: &[Recorded]) -> Result<()> {
        let mut needed: BTreeMap<(AccountId, InstrumentId), i64> = BTreeMap::new();
        for trade in trades {
            let delivers = (self.account(trade.seller), self.security, trade.quantity);
            let pays = (self.account(trade.buyer), self.money, trade.value);
            for (account, instrument, units) in [delivers, pays] {
                let sum = needed.entry((account, instrument)).or_default();
                *sum = sum
                    .checked_add(units)
                    .ok_or_else(|| Failure::malformed("a sum is out of range"))?;
            }
        }
        let (mut requests, mut money) = (Vec::new(), Vec::new());
        for ((account, instrument), units) in needed {
            let short = units - desk.view().available(account, instrument);
            if short <= 0 {
                continue;
            }
            let units = Amount::Open(short);
            if instrument == self.money {
                money.push(Instruction::IssueMoney {
                    currency: instrument,
                    account,
                    amount: units,
                });
            } else {
                requests.push(Instruction::RequestIssue { instrument, account, quantity: units });
            }
        }
        desk.must(BANK, money).await?;
        let requested = desk.must(&word(ISSUER), requests).await?;
        let decide = |request| Instruction::DecideRequest { request, approved: true };
        desk.must("furikae", requested.into_iter().map(decide).collect()).await.map(drop)
    }
}

fn word(party: PartyId) -> String {
    format!("party-{}", party.0)
}

/// Hands over, waits, and lets none be refused.
async fn all(desk: &mut Desk, signed: &[ledger::Signed]) -> Result<()> {
    desk.settle(signed).await?;
    for id in signed.iter().flat_map(ledger::Signed::ids) {
        if let Some(reject) = desk.refused(&id) {
            return Err(Failure::no(format_args!("{id} was refused: {}", reject.code())));
        }
    }
    Ok(())
}
