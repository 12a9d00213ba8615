//! Sealed instruments, and accounts with keys of their own, on a market whose keys all lie here.

use std::collections::BTreeMap;

use crypto::{Amount, keys::SecretKey};
use gateway::{
    opening::Parts,
    spending::{self, Known, Place, Stands},
};
use ledger::{
    Instruction, Signed,
    book::sealed::SealedPosition,
    issuance::Kind,
    view_key::{Reader, ViewKey},
};
use proof::{Proof, Secret, view_key};
use types::{AccountId, Bytes, Digest, InstrumentId, Lane, LedgerTime, PublicKey, Witness};

use super::{BANK, ISSUER, Listed, word};
use crate::{
    desk::Desk,
    failure::{Failure, Result},
};

/// What is asked together, each with its proof.
const TOGETHER: usize = 100;

/// An account with keys of its own.
pub struct Keyed {
    /// Its number.
    pub account: AccountId,
    spend: SecretKey,
    view: Secret,
    sequence: u64,
}

impl Keyed {
    /// An account whose keys are made by chance.
    #[must_use]
    pub fn random() -> Self {
        let mut number = [0; 16];
        let mut seed = [0; 32];
        rand::fill(&mut number);
        rand::fill(&mut seed);
        // A number that begins with zeros is one that only the rules give.
        number[0] |= 1;
        let view = Secret::random(&mut rand::rng());
        Self { account: AccountId(number), spend: SecretKey::from_seed(seed), view, sequence: 0 }
    }

    /// Signs the next instruction of this account, and proves what it has to show.
    ///
    /// # Errors
    /// A fault, when it cannot be proved.
    pub fn sign(
        &mut self,
        desk: &Desk,
        (chain, expiry): (types::ChainId, LedgerTime),
        asked: Instruction,
        known: Known,
    ) -> Result<Signed> {
        let place = Place { lane: Lane(0), sequence: self.sequence, expiry, sealed: None };
        self.sequence += 1;
        let keys = (&self.spend, &self.view);
        let signed =
            spending::sign(desk.view(), chain, self.account, keys, place, vec![asked], vec![known]);
        signed.map_err(Failure::fault)
    }

    /// What this account may spend of what was issued to it, and nothing else has come or gone.
    ///
    /// # Errors
    /// A fault, when there is no such position.
    pub fn issued(&self, desk: &Desk, instrument: InstrumentId, units: i64) -> Result<Stands> {
        let row = desk.view().row::<SealedPosition>(&(self.account, instrument));
        let row = row.ok_or_else(|| Failure::fault("no position in what was issued"))?;
        let parts = Parts { open: units.into(), ..Parts::default() };
        Stands::of(&row, &parts, desk.view().height()).map_err(Failure::fault)
    }

    fn opens(&self) -> Instruction {
        Instruction::OpenAccount {
            account: self.account,
            spend_key: self.spend.public(),
            view_key: PublicKey(view_key(&self.view)),
            envelope_key: PublicKey([1; 32]),
            class: 0,
            holder: Digest([0; 32]),
            holder_number: [0; 16],
        }
    }
}

/// Registers the administrators' key, lists a sealed security and sealed money, and registers the issuer's key.
///
/// # Errors
/// Those of the desk.
pub async fn list(desk: &mut Desk, security: &Listed<'_>, money: &Listed<'_>) -> Result<()> {
    for wanted in [security, money] {
        super::list_as(desk, wanted, [Kind::SealedMoney, Kind::SealedSecurity]).await?;
    }
    let readers =
        [Reader::Administrators { key: 1 }, Reader::Issuer { instrument: security.instrument }];
    let mut asked = Vec::new();
    for reader in readers {
        if desk.view().row::<ViewKey>(&reader).is_none() {
            let secret = Secret::random(&mut rand::rng());
            let (view, envelope) = (PublicKey(view_key(&secret)), PublicKey([1; 32]));
            asked.push((Instruction::SetViewKey { reader, view, envelope }, secret));
        }
    }
    register(desk, asked).await
}

/// Admits accounts with keys of their own.
///
/// # Errors
/// Those of the desk.
pub async fn open(desk: &mut Desk, accounts: &[Keyed]) -> Result<()> {
    register(desk, accounts.iter().map(|it| (it.opens(), it.view.clone())).collect()).await
}

/// Asks as the administrators, each with the proof that its key's secret is known.
async fn register(desk: &mut Desk, asked: Vec<(Instruction, Secret)>) -> Result<()> {
    let chain = desk.follower().chain();
    let who = desk.who("furikae")?;
    for together in asked.chunks(TOGETHER) {
        let mut proofs = Vec::new();
        for (asked, secret) in together {
            proofs.push(spending::registration(chain, asked, secret).map_err(Failure::fault)?);
        }
        let instructions = together.iter().map(|it| it.0.clone()).collect();
        let mut signed = desk.sign(&who, instructions)?;
        let witness = |Proof(it)| Witness { class: Signed::PROOF, bytes: Bytes(it) };
        signed.witnesses.extend(proofs.into_iter().map(witness));
        desk.settle(std::slice::from_ref(&signed)).await?;
        if let Some(reject) = signed.ids().find_map(|id| desk.refused(&id)) {
            return Err(Failure::no(format_args!("a key was refused: {}", reject.code())));
        }
    }
    Ok(())
}

/// Issues so much to each.
///
/// # Errors
/// Those of the desk.
pub async fn issue(
    desk: &mut Desk,
    needed: &BTreeMap<(AccountId, InstrumentId), i64>,
) -> Result<()> {
    let (mut requests, mut money) = (Vec::new(), Vec::new());
    for ((account, instrument), units) in needed {
        let (account, units) = (*account, Amount::Open(*units));
        if instrument.is_currency() {
            money.push(Instruction::IssueMoney { currency: *instrument, account, amount: units });
        } else {
            let instrument = *instrument;
            requests.push(Instruction::RequestIssue { instrument, account, quantity: units });
        }
    }
    super::must(desk, BANK, money).await?;
    let requested = super::must(desk, &word(ISSUER), requests).await?;
    let decide = |request| Instruction::DecideRequest { request, approved: true };
    super::must(desk, "furikae", requested.into_iter().map(decide).collect()).await.map(drop)
}
