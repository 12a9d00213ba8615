//! The morning: parties, accounts, a share, money.

use ledger::{Instruction, governance::Roles, issuance::Kind};
use types::{PublicKey, Text};

use super::tell::{Teller, thousands};
use crate::{
    desk::Desk,
    facts::{ADMINISTRATOR, account, holder_number},
    failure::{Failure, Result},
};

/// Shares issued in each company.
pub const ISSUED: i64 = 10_000;
/// Units of `quantity` as open amounts.
pub const fn open(quantity: i64) -> crypto::Amount {
    crypto::Amount::Open(quantity)
}

fn text<const MAX: u32>(text: &str) -> Result<Text<MAX>> {
    Text::new(text).map_err(|error| Failure::fault(format_args!("{text:?}: {error}")))
}

/// The administrator admits parties; account managers open accounts.
///
/// # Errors
/// Those of the desk.
pub async fn admit(desk: &mut Desk, teller: &mut Teller) -> Result<()> {
    teller.act("Parties are admitted");
    let (known, strangers): (Vec<_>, Vec<_>) =
        desk.facts.parties.clone().into_iter().partition(|it| known(desk, it.party));
    for party in known {
        let bic = party.bic.map(|it| it.as_str().to_owned()).unwrap_or_default();
        teller.say(format_args!(
            "{} ({bic}, LEI {}) is here from the first block: {}",
            party.name,
            party.lei.as_str(),
            roles(party.roles)
        ));
    }
    let mut asked = Vec::new();
    for party in &strangers {
        asked.push(Instruction::AdmitParty {
            party: party.party,
            lei: party.lei,
            name: text(&party.name)?,
            roles: party.roles,
            key: desk.public_key(&party.word)?,
        });
    }
    desk.must("furikae", asked).await?;
    for party in strangers {
        let bic = party.bic.map(|it| it.as_str().to_owned()).unwrap_or_default();
        teller.say(format_args!(
            "{} ({bic}, LEI {}) is admitted: {}",
            party.name,
            party.lei.as_str(),
            roles(party.roles)
        ));
    }
    open_accounts(desk, teller).await
}

fn known(desk: &Desk, party: types::PartyId) -> bool {
    party == ADMINISTRATOR || desk.view().row::<ledger::governance::Party>(&party).is_some()
}

fn roles(roles: Roles) -> String {
    let held = Roles::WORDS.iter().filter(|it| roles.any_of(it.1)).map(|it| it.0);
    held.collect::<Vec<_>>().join(", ")
}

async fn open_accounts(desk: &mut Desk, teller: &Teller) -> Result<()> {
    let accounts = desk.facts.accounts.clone();
    let managers: std::collections::BTreeSet<_> = accounts.iter().map(|it| &it.manager).collect();
    for manager in managers {
        let own: Vec<_> = accounts.iter().filter(|it| it.manager == *manager).collect();
        let mut asked = Vec::new();
        for it in &own {
            asked.push(Instruction::OpenAccount {
                account: it.id(),
                spend_key: PublicKey([0; 32]),
                view_key: PublicKey([0; 32]),
                envelope_key: PublicKey([0; 32]),
                class: 0,
                holder: desk.commitment(manager, &it.holder)?,
                holder_number: holder_number(&it.holder),
            });
        }
        desk.must(manager, asked).await?;
        let holders: Vec<_> = own.iter().map(|it| it.holder.as_str()).collect();
        let name = &desk.facts.party(manager).name;
        teller.say(format_args!("{name} opens accounts for {}", holders.join(", ")));
    }
    Ok(())
}

/// Shares are listed, issued on their issuers' requests, and allocated to investors.
///
/// # Errors
/// Those of the desk.
pub async fn issue(desk: &mut Desk, teller: &mut Teller) -> Result<()> {
    teller.act("A share is issued on the issuer's request and allocated to investors");
    let today = desk.today();
    for word in ["SAKURA", "FUJI", "MINATO", "JPY"] {
        list(desk, word).await?;
    }
    teller.say(format_args!("business day {today}: three shares and the yen are listed"));
    let sakura = desk.facts.instrument("SAKURA").clone();
    let first = request(desk, "SAKURA", "sakura", "sakura-issue").await?;
    desk.holds(account("sakura-issue"), sakura.instrument, 0)?;
    teller.say(format_args!(
        "Sakura Motors requests {} of {} ({}): nothing moves yet",
        thousands(ISSUED),
        sakura.name,
        sakura.instrument
    ));
    let own = Instruction::DecideRequest { request: first, approved: true };
    desk.must_not("sakura", own, "role-missing").await?;
    teller.say("Sakura Motors cannot approve its own request: refused, role-missing");
    approve(desk, first).await?;
    desk.holds(account("sakura-issue"), sakura.instrument, ISSUED)?;
    teller.say("the depository approves: the shares exist, in Sakura Motors' account at Chidori Trust Bank");
    for (word, issuer, of) in [("FUJI", "fuji", "fuji-issue"), ("MINATO", "minato", "minato-issue")]
    {
        let request = request(desk, word, issuer, of).await?;
        approve(desk, request).await?;
    }
    let allocations = [
        ("SAKURA", "sakura-issue", vec![("emi", 4_000), ("yuki", 3_500), ("ken", 2_500)]),
        ("FUJI", "fuji-issue", vec![("yuki", 6_000), ("ken", 4_000)]),
        ("MINATO", "minato-issue", vec![("ken", 7_000), ("emi", 3_000)]),
    ];
    for (word, from, to) in allocations {
        allocate(desk, teller, word, from, &to).await?;
    }
    Ok(())
}

async fn list(desk: &mut Desk, word: &str) -> Result<()> {
    let fact = desk.facts.instrument(word).clone();
    let money = fact.instrument.is_currency();
    let asked = Instruction::List {
        instrument: fact.instrument,
        kind: if money { Kind::OpenMoney } else { Kind::OpenSecurity },
        scale: fact.scale,
        issuer: desk.facts.party(&fact.issuer).party,
        name: text(&fact.name)?,
        cfi: fact.cfi,
        sign_off: false,
    };
    desk.must("furikae", vec![asked]).await.map(drop)
}

async fn request(
    desk: &mut Desk,
    word: &str,
    issuer: &str,
    of: &str,
) -> Result<types::InstructionId> {
    let instrument = desk.facts.instrument(word).instrument;
    let quantity = open(ISSUED);
    let asked = Instruction::RequestIssue { instrument, account: account(of), quantity };
    let ids = desk.must(issuer, vec![asked]).await?;
    ids.first().copied().ok_or_else(|| Failure::fault("an envelope has an instruction"))
}

async fn approve(desk: &mut Desk, request: types::InstructionId) -> Result<()> {
    let asked = Instruction::DecideRequest { request, approved: true };
    desk.must("furikae", vec![asked]).await.map(drop)
}

async fn allocate(
    desk: &mut Desk,
    teller: &Teller,
    word: &str,
    from: &str,
    parts: &[(&str, i64)],
) -> Result<()> {
    let instrument = desk.facts.instrument(word).instrument;
    let to = parts.iter().map(|(to, quantity)| (account(to), open(*quantity))).collect();
    let asked = Instruction::Allocate { instrument, from: account(from), to };
    desk.must("chidori", vec![asked]).await?;
    let mut told = Vec::new();
    for (to, quantity) in parts {
        desk.holds(account(to), instrument, *quantity)?;
        told.push(format!("{} to {}", thousands(*quantity), desk.facts.account(to).holder));
    }
    let name = &desk.facts.instrument(word).name;
    teller.say(format_args!("{name} are allocated: {}", told.join(", ")));
    Ok(())
}

/// The settlement bank issues money tokens against deposits.
///
/// # Errors
/// Those of the desk.
pub async fn fund(desk: &mut Desk, teller: &mut Teller) -> Result<()> {
    teller.act("The settlement bank issues money tokens");
    let currency = desk.facts.instrument("JPY").instrument;
    let deposits =
        [("aoba-cash", 5_000_000), ("botan-cash", 2_000_000), ("daichi-house", 1_500_000)];
    let issue = |(to, yen): &(&str, i64)| Instruction::IssueMoney {
        currency,
        account: account(to),
        amount: open(*yen),
    };
    desk.must("kinjo", deposits.iter().map(issue).collect()).await?;
    for (to, yen) in deposits {
        desk.holds(account(to), currency, yen)?;
        let holder = &desk.facts.account(to).holder;
        teller.say(format_args!("Kinjo Settlement Bank issues {} JPY to {holder}", thousands(yen)));
    }
    Ok(())
}
