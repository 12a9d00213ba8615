//! From what a user asks to a block that holds it: once, whatever happens in between.

use std::{sync::Mutex, time::Duration};

use ledger::{INSTRUCTIONS_MAX, Instruction, Signed};
use tokio::{
    sync::{Notify, watch},
    time::timeout,
};
use types::{InstructionId, Lane, LedgerTime, Wire as _};

use crate::{
    Doors, Fault, Signer,
    outbox::{Outbox, Submission},
};

/// Envelopes that are read at once to be handed over.
const AT_ONCE: u32 = 256;
/// After so long without effect, envelopes are handed over again.
const AGAIN_AFTER: Duration = Duration::from_secs(3);
/// How long to wait when no node takes an envelope.
const PAUSE: Duration = Duration::from_millis(200);

/// Takes what users ask.
pub struct Sending {
    outbox: Outbox,
    lane: Lane,
    /// One request after another gets its numbers.
    signer: tokio::sync::Mutex<Signer>,
    grown: Notify,
    /// Why the nodes refuse the next envelope, if they do.
    stuck: Mutex<Option<String>>,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is kept now.
    New(Submission),
    /// It was asked before, and is kept since.
    Known(Submission),
    /// Something else was asked under its key before.
    Other,
}

/// What is asked, by whom, under which key.
pub struct Request {
    /// The idempotency key.
    pub key: String,
    /// Digest of the request.
    pub digest: String,
    /// Who asks.
    pub user: String,
    /// What is asked.
    pub instructions: Vec<Instruction>,
}

impl Sending {
    /// Speaks with `signer` in `lane`, whose next number in the newest block is `next`.
    ///
    /// # Errors
    /// [`Fault::Database`].
    pub async fn new(
        outbox: Outbox,
        mut signer: Signer,
        lane: Lane,
        next: u64,
    ) -> Result<Self, Fault> {
        signer.learn(lane, outbox.next(lane).await?.max(next));
        let (signer, stuck) = (tokio::sync::Mutex::new(signer), Mutex::new(None));
        Ok(Self { outbox, lane, signer, grown: Notify::new(), stuck })
    }

    /// Keeps a request: when this returns it will have its effect, or be refused by the rules, once.
    ///
    /// # Errors
    /// [`Fault::Database`]; nothing is kept then.
    pub async fn take(&self, request: Request) -> Result<Taken, Fault> {
        let Request { key, digest, user, instructions } = request;
        let mut signer = self.signer.lock().await;
        if let Some(known) = self.outbox.find(&key).await? {
            return Ok(if known.digest == digest { Taken::Known(known) } else { Taken::Other });
        }
        let first = signer.next(self.lane);
        let mut envelopes = Vec::new();
        for together in instructions.chunks(usize::from(INSTRUCTIONS_MAX)) {
            envelopes.push(signer.sign(self.lane, together.to_vec(), LedgerTime(u64::MAX)));
        }
        let ids = envelopes.iter().flat_map(ids).collect();
        let submission = Submission { key, digest, user, ids };
        if let Err(fault) = self.outbox.keep(&submission, &envelopes).await {
            signer.learn(self.lane, first);
            return Err(fault);
        }
        self.grown.notify_one();
        Ok(Taken::New(submission))
    }

    /// What was asked under `key`.
    ///
    /// # Errors
    /// [`Fault::Database`].
    pub async fn find(&self, key: &str) -> Result<Option<Submission>, Fault> {
        self.outbox.find(key).await
    }

    /// Why the nodes refuse the next envelope, if they do.
    pub fn stuck(&self) -> Option<String> {
        self.stuck.lock().ok().and_then(|it| it.clone())
    }

    /// Says whether envelope `sequence` is taken; a reason is logged once.
    fn says_stuck(&self, sequence: u64, why: Option<String>) {
        let Ok(mut stuck) = self.stuck.lock() else { return };
        if let Some(why) = why.as_ref().filter(|it| stuck.as_ref() != Some(it)) {
            tracing::warn!(sequence, why, "no node takes the next envelope");
        }
        *stuck = why;
    }

    /// Hands envelopes over, in their order, until blocks hold them. `next` is the lane's next number in the newest
    /// block. Without end.
    ///
    /// # Errors
    /// [`Fault::Database`].
    pub async fn hand_over(
        &self,
        doors: &Doors,
        mut next: watch::Receiver<u64>,
    ) -> Result<(), Fault> {
        let mut handed = 0;
        loop {
            let held = *next.borrow_and_update();
            self.outbox.let_go(self.lane, held).await?;
            handed = held.max(handed);
            let waiting = self.outbox.waiting(self.lane, handed, AT_ONCE).await?;
            let mut taken = true;
            for it in &waiting {
                taken = self.post(doors, it).await;
                if !taken {
                    break;
                }
                handed = it.envelope.sequence.saturating_add(1);
            }
            if !taken {
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            if !waiting.is_empty() {
                continue;
            }
            let moves = async {
                tokio::select! {
                    () = self.grown.notified() => (),
                    changed = next.changed() => if changed.is_err() { std::future::pending().await },
                }
            };
            if timeout(AGAIN_AFTER, moves).await.is_err() {
                // What was handed over and is not held may be lost.
                handed = *next.borrow();
            }
        }
    }

    /// Whether a node has taken the envelope, or knows it.
    async fn post(&self, doors: &Doors, it: &Signed) -> bool {
        let why = match doors.post("/v1/envelopes", it.to_bytes()).await {
            Ok(_) | Err(Fault::Refused { status: 409, .. }) => None,
            Err(fault) => Some(fault.to_string()),
        };
        let taken = why.is_none();
        self.says_stuck(it.envelope.sequence, why);
        taken
    }
}

/// The instructions of an envelope.
fn ids(signed: &Signed) -> impl Iterator<Item = InstructionId> {
    let it = &signed.envelope;
    let (sender, lane, sequence) = (it.sender, it.lane, it.sequence);
    let count = u16::try_from(it.instructions.len()).unwrap_or(u16::MAX);
    (0..count).map(move |index| InstructionId { sender, lane, sequence, index })
}

#[cfg(test)]
mod tests {
    use crypto::keys::SecretKey;
    use types::{BusinessDate, ChainId, KeyId, PartyId};

    use super::*;
    use crate::testing::Folder;

    const CHAIN: ChainId = ChainId([7; 32]);
    const LANE: Lane = Lane(1);

    async fn sending(url: &str, next: u64) -> Sending {
        let outbox = Outbox::open(url, CHAIN).await.unwrap();
        let signer = Signer::new(CHAIN, PartyId(3), KeyId(0), SecretKey::from_seed([1; 32]));
        Sending::new(outbox, signer, LANE, next).await.unwrap()
    }

    fn request(key: &str, digest: &str, count: usize) -> Request {
        let open = Instruction::OpenDay { date: BusinessDate(1) };
        let (key, digest, user) = (key.into(), digest.into(), "somebody".into());
        Request { key, digest, user, instructions: vec![open; count] }
    }

    #[tokio::test]
    async fn a_key_is_used_once_also_after_a_new_start() {
        let folder = Folder::new();
        let url = folder.sqlite("outbox.sqlite");
        let first = sending(&url, 5).await;
        let Taken::New(kept) = first.take(request("a", "x", 1)).await.unwrap() else { panic!() };
        assert_eq!(kept.ids[0].to_string(), "3-1-5-0");
        assert_eq!(first.take(request("a", "x", 1)).await.unwrap(), Taken::Known(kept.clone()));
        assert_eq!(first.take(request("a", "y", 1)).await.unwrap(), Taken::Other);
        drop(first);
        // No block holds it yet: its number is not given again.
        let again = sending(&url, 5).await;
        assert_eq!(again.take(request("a", "x", 1)).await.unwrap(), Taken::Known(kept));
        let many = usize::from(INSTRUCTIONS_MAX) + 1;
        let Taken::New(next) = again.take(request("b", "x", many)).await.unwrap() else { panic!() };
        assert_eq!(next.ids.len(), many, "in two envelopes");
        let (one, last) = (next.ids[0].to_string(), next.ids[many - 1].to_string());
        assert_eq!((one.as_str(), last.as_str()), ("3-1-6-0", "3-1-7-0"));
        let outbox = Outbox::open(&url, CHAIN).await.unwrap();
        assert_eq!(outbox.waiting(LANE, 0, 10).await.unwrap().len(), 3);
        outbox.let_go(LANE, 7).await.unwrap();
        let left = outbox.waiting(LANE, 0, 10).await.unwrap();
        assert_eq!(left.iter().map(|it| it.envelope.sequence).collect::<Vec<_>>(), [7]);
        assert_eq!(
            outbox.find("b").await.unwrap().unwrap().ids,
            next.ids,
            "what became of it is kept"
        );
    }

    #[tokio::test]
    async fn when_the_outbox_was_lost_the_ledger_says_the_next_number() {
        let folder = Folder::new();
        let sending = sending(&folder.sqlite("outbox.sqlite"), 9).await;
        let Taken::New(kept) = sending.take(request("a", "x", 1)).await.unwrap() else { panic!() };
        assert_eq!(kept.ids[0].sequence, 9);
    }
}
