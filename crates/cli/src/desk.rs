//! The back offices of the demo market: each party asks with its own key and sees what blocks say.

use std::collections::BTreeMap;

use gateway::{Follower, Signer, Standing, View};
use ledger::{
    Instruction, Signed,
    governance::{Parameter, ParameterName},
    reject::Reject,
    settlement::Status,
};
use types::{
    AccountId, BusinessDate, InstructionId, InstrumentId, KeyId, Lane, LedgerTime, PartyId,
};

use crate::{
    door,
    facts::Facts,
    failure::{Failure, Result},
    market::{Folder, Plan},
};

/// Envelopes of the day have effect for so long.
const EXPIRY_MS: u64 = 10 * 60 * 1_000;
const LANE: Lane = Lane(0);

/// A party and the name of its key file.
#[derive(Clone, Debug)]
pub struct Who {
    /// Its number.
    pub party: PartyId,
    /// What its key file is called.
    pub word: String,
}

/// All desks of the market, on one machine because this is a demo.
pub struct Desk {
    /// Who and what there is.
    pub facts: Facts,
    follower: Follower,
    folder: Folder,
    signers: BTreeMap<PartyId, Signer>,
}

impl Desk {
    /// Opens the desks of a market that runs, as of its newest block.
    ///
    /// # Errors
    /// Unreachable, when no node answers. A fault, when the market's files are damaged.
    pub async fn on(folder: &Folder, plan: &Plan) -> Result<Self> {
        let mut follower = door::of_folder(folder, plan)?;
        follower.catch_up().await?;
        Self::open(folder, follower)
    }

    /// Opens the desks of the market in `folder`, whose blocks `follower` follows.
    ///
    /// # Errors
    /// A fault, when the tables are damaged.
    pub fn open(folder: &Folder, follower: Follower) -> Result<Self> {
        let (facts, signers) = (Facts::read()?, BTreeMap::new());
        Ok(Self { facts, follower, folder: folder.clone(), signers })
    }

    /// The market's folder.
    pub const fn folder(&self) -> &Folder {
        &self.folder
    }

    /// What certified blocks say so far.
    pub const fn view(&self) -> &View {
        self.follower.view()
    }

    /// The market's date.
    pub fn today(&self) -> BusinessDate {
        let row = self.view().row::<Parameter>(&ParameterName::BusinessDate);
        BusinessDate(row.and_then(|row| u32::try_from(row.value).ok()).unwrap_or_default())
    }

    /// The public key of a party of the table. Its key file is made if there is none.
    ///
    /// # Errors
    /// A fault of the key file.
    pub fn public_key(&self, word: &str) -> Result<types::PublicKey> {
        Ok(self.secret(word)?.public())
    }

    /// A commitment to a holder's name, salted with what only the account's manager can make.
    ///
    /// # Errors
    /// A fault of the key file.
    pub fn commitment(&self, manager: &str, holder: &str) -> Result<types::Digest> {
        let mut bytes = self.secret(manager)?.sign(holder.as_bytes()).to_vec();
        bytes.extend_from_slice(holder.as_bytes());
        Ok(crypto::digest(b"furikae.holder.v1", &bytes))
    }

    /// Makes sure that a party's key lies here.
    ///
    /// # Errors
    /// Malformed, when it does not.
    pub fn must_have_key(&self, word: &str) -> Result<()> {
        let path = self.folder.key(&self.who(word)?.word);
        if path.exists() {
            return Ok(());
        }
        Err(Failure::malformed(format_args!("no key of {word} lies at {}", path.display())))
    }

    fn secret(&self, word: &str) -> Result<crypto::keys::SecretKey> {
        gateway::keys::read_or_create(&self.folder.key(word)).map_err(Failure::from)
    }

    /// The party of this word: of the table, or `party-N` by its number.
    ///
    /// # Errors
    /// Malformed, when it is neither.
    pub fn who(&self, word: &str) -> Result<Who> {
        let known = self.facts.parties.iter().find(|it| it.word == word).map(|it| it.party);
        let number = || word.strip_prefix("party-")?.parse().ok().map(PartyId);
        let party = known.or_else(number).ok_or_else(|| {
            let words: Vec<_> = self.facts.parties.iter().map(|it| it.word.as_str()).collect();
            Failure::malformed(format_args!("no party is called {word:?}"))
                .mend(format_args!("name one of {}, or party-NUMBER", words.join(", ")))
        })?;
        Ok(Who { party, word: word.into() })
    }

    /// What signs for the party of this word with its first key.
    ///
    /// # Errors
    /// Malformed, when there is no such party. A fault of the key file.
    pub fn signer(&self, word: &str) -> Result<Signer> {
        let Who { party, word } = self.who(word)?;
        Ok(Signer::new(self.follower.chain(), party, KeyId(0), self.secret(&word)?))
    }

    /// Signs what a party asks as the next envelope of its lane.
    ///
    /// # Errors
    /// A fault of the key file.
    pub fn sign(&mut self, who: &Who, asked: Vec<Instruction>) -> Result<Signed> {
        if !self.signers.contains_key(&who.party) {
            self.signers.insert(who.party, self.signer(&who.word)?);
        }
        let expiry = LedgerTime(self.view().time().0.saturating_add(EXPIRY_MS));
        let Some(signer) = self.signers.get_mut(&who.party) else {
            return Err(Failure::fault("a signer that was just made is gone"));
        };
        if !signer.knows(LANE) {
            signer.learn(LANE, self.follower.view().next_sequence(signer.sender(), LANE));
        }
        Ok(signer.sign(LANE, asked, expiry))
    }

    /// Hands envelopes over and waits until all of them are final.
    ///
    /// # Errors
    /// Unreachable, when no node answers.
    pub async fn settle(&mut self, signed: &[Signed]) -> Result<()> {
        Ok(self.follower.settle(signed).await?)
    }

    /// What follows the blocks.
    pub const fn follower(&mut self) -> &mut Follower {
        &mut self.follower
    }

    /// The party of this word asks, and waits until what it asked is final.
    ///
    /// # Errors
    /// Malformed, when there is no such party. Unreachable, when no node answers. A fault of the key file.
    pub async fn ask(&mut self, word: &str, asked: Vec<Instruction>) -> Result<Vec<InstructionId>> {
        if asked.is_empty() {
            return Ok(Vec::new());
        }
        let who = self.who(word)?;
        let signed = self.sign(&who, asked)?;
        let ids = signed.ids().collect();
        self.settle(&[signed]).await?;
        Ok(ids)
    }

    /// Why an instruction has no effect; `None` when it has.
    pub fn refused(&self, id: &InstructionId) -> Option<&Reject> {
        match &self.view().told(id)?.standing {
            Standing::Refused(reject) => Some(reject),
            Standing::Is(_) => None,
        }
    }

    /// As [`Self::ask`], and none of it may be refused.
    ///
    /// # Errors
    /// As [`Self::ask`]; no, when one of the instructions was refused.
    pub async fn must(
        &mut self,
        word: &str,
        asked: Vec<Instruction>,
    ) -> Result<Vec<InstructionId>> {
        let ids = self.ask(word, asked).await?;
        for id in &ids {
            if let Some(reject) = self.refused(id) {
                let what = format!("{word}'s instruction {id} was refused: {}", reject.code());
                return Err(Failure::no(what));
            }
        }
        Ok(ids)
    }

    /// One instruction that must be refused for the reason with this code.
    ///
    /// # Errors
    /// As [`Self::ask`]; no, when it was not refused so.
    pub async fn must_not(&mut self, word: &str, asked: Instruction, code: &str) -> Result<()> {
        let ids = self.ask(word, vec![asked]).await?;
        let told = ids.first().and_then(|id| self.view().told(id));
        match told.map(|it| &it.standing) {
            Some(Standing::Refused(reject)) if reject.code() == code => Ok(()),
            other => {
                Err(Failure::no(format_args!("{word} should be refused ({code}), but: {other:?}")))
            }
        }
    }

    /// Checks where an instruction stands; the height at which that was told.
    ///
    /// # Errors
    /// No, when it stands elsewhere.
    pub fn stands(&self, id: &InstructionId, status: &str) -> Result<u64> {
        match self.view().told(id) {
            Some(told) if matches!(&told.standing, Standing::Is(it) if it.name() == status) => {
                Ok(told.height)
            }
            other => Err(Failure::no(format_args!("{id} should be {status}, but: {other:?}"))),
        }
    }

    /// Checks that an instruction is final; the height of its block.
    ///
    /// # Errors
    /// No, when it is not.
    pub fn settled(&self, id: &InstructionId) -> Result<u64> {
        self.stands(id, Status::Settled.name())
    }

    /// Checks how much of an instrument an account may use.
    ///
    /// # Errors
    /// No, when it is another quantity.
    pub fn holds(&self, account: AccountId, instrument: InstrumentId, units: i64) -> Result<()> {
        let held = self.view().available(account, instrument);
        if held == units {
            return Ok(());
        }
        Err(Failure::no(format_args!(
            "{account} should hold {units} {instrument}, but holds {held}"
        )))
    }
}
