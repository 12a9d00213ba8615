//! From what a user asks to a block that holds it: once, whatever happens in between.

mod approving;

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use ledger::{INSTRUCTIONS_MAX, Instruction, Signed, forward::FORWARDED_MAX};
use tokio::{
    sync::{Notify, watch},
    time::timeout,
};
use types::{InstructionId, Lane, LedgerTime, Wire as _};

pub use approving::Ruling;

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

/// Longest instructions of one envelope, in bytes: a node takes 256 KiB with what is around them.
const BYTES_MAX: usize = 240 << 10;

/// Takes what users ask.
pub struct Sending {
    outbox: Outbox,
    lane: Lane,
    /// The lane's next number in the newest block.
    held: watch::Receiver<u64>,
    /// One request after another gets its numbers.
    signer: tokio::sync::Mutex<Signer>,
    grown: Notify,
    /// Why the nodes refuse the next envelope, if they do.
    stuck: Mutex<Option<String>>,
}

/// How far envelopes are on their way.
struct Handing {
    /// The lane's next number in the newest block; changed until what it holds was let go.
    held: watch::Receiver<u64>,
    /// Below this all were handed over.
    handed: u64,
    /// When a block last held one, or all were held.
    moved: Instant,
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
    /// One of its instructions is longer than an envelope may be.
    TooLong,
}

/// What is asked.
pub enum Asked {
    /// Instructions of the owner.
    Instructions(Vec<Instruction>),
    /// Orders that members have signed for the owner, a venue, to be forwarded in this order. Each was checked.
    Orders(Vec<Signed>),
}

/// What is asked, by whom, under which key.
pub struct Request {
    /// Who asks.
    pub user: String,
    /// The idempotency key.
    pub key: String,
    /// Digest of the request.
    pub digest: String,
    /// What is asked.
    pub asked: Asked,
}

impl Sending {
    /// Speaks with `signer` in `lane`, whose next number in the newest block `held` tells.
    pub fn new(outbox: Outbox, signer: Signer, lane: Lane, held: watch::Receiver<u64>) -> Self {
        let (signer, stuck) = (tokio::sync::Mutex::new(signer), Mutex::new(None));
        Self { outbox, lane, held, signer, grown: Notify::new(), stuck }
    }

    /// Keeps a request: when this returns it will have its effect, or be refused by the rules, once. Must not be
    /// asked before the newest block is known.
    ///
    /// # Errors
    /// [`Fault::Database`]. Asked again under its key, it is kept once.
    pub async fn take(&self, request: Request) -> Result<Taken, Fault> {
        let Request { user, key, digest, asked } = request;
        let mut signer = self.signer.lock().await;
        if let Some(known) = self.outbox.find(&user, &key).await? {
            return Ok(if known.digest == digest { Taken::Known(known) } else { Taken::Other });
        }
        let Some(envelopes) = self.sign(&mut signer, asked).await? else {
            return Ok(Taken::TooLong);
        };
        let ids = envelopes.iter().flat_map(ids).collect();
        let submission = Submission { user, key, digest, ids, approval: None };
        self.outbox.keep(&submission, &envelopes).await?;
        self.grown.notify_one();
        Ok(Taken::New(submission))
    }

    /// The envelopes that what is asked becomes, with the next numbers of the lane, which are given once these are
    /// kept; `None` if some of it is too long for any.
    async fn sign(&self, signer: &mut Signer, asked: Asked) -> Result<Option<Vec<Signed>>, Fault> {
        // Read anew each time: the database alone knows which numbers were given.
        let first = self.outbox.next().await?.max(*self.held.borrow());
        signer.learn(self.lane, first);
        let never = LedgerTime(u64::MAX);
        Ok(match asked {
            Asked::Instructions(all) => envelopes_of(all).map(|parts| {
                parts.into_iter().map(|it| signer.sign(self.lane, it, never)).collect()
            }),
            Asked::Orders(all) => {
                let size = |it: &Signed| (it.to_bytes().len(), it.envelope.instructions.len());
                parts(all, size, FORWARDED_MAX).and_then(|parts| {
                    parts.iter().map(|it| signer.forward(self.lane, it, never)).collect()
                })
            }
        })
    }

    /// What a user asked under `key`.
    ///
    /// # Errors
    /// [`Fault::Database`].
    pub async fn find(&self, user: &str, key: &str) -> Result<Option<Submission>, Fault> {
        self.outbox.find(user, key).await
    }

    /// Whether blocks hold all of these instructions, which have become envelopes of this lane; the history has come
    /// as far.
    pub fn is_held(&self, ids: &[InstructionId]) -> bool {
        let held = *self.held.borrow();
        !ids.is_empty() && ids.iter().all(|it| it.lane == self.lane && it.sequence < held)
    }

    /// Why the nodes refuse the next envelope, if they do.
    pub fn stuck(&self) -> Option<String> {
        self.stuck.lock().ok().and_then(|it| it.clone())
    }

    /// Says whether envelope `sequence` is taken; a reason is logged once.
    fn says_stuck(&self, sequence: u64, why: Option<String>) {
        let Ok(mut stuck) = self.stuck.lock() else { return };
        if let Some(why) = why.as_ref().filter(|it| stuck.as_ref() != Some(it)) {
            tracing::warn!(sequence, why, "the next envelope is not taken");
        }
        *stuck = why;
    }

    /// Hands envelopes over, in their order, until blocks hold them. Without end.
    pub async fn hand_over(&self, doors: &Doors) {
        let mut held = self.held.clone();
        held.mark_changed();
        let mut handing = Handing { held, handed: 0, moved: Instant::now() };
        loop {
            match self.hand_over_some(doors, &mut handing).await {
                Ok(true) => (),
                Ok(false) => tokio::time::sleep(PAUSE).await,
                Err(fault) => {
                    tracing::warn!(%fault, "the outbox cannot be read");
                    tokio::time::sleep(AGAIN_AFTER).await;
                }
            }
        }
    }

    /// Hands some over, or waits until there are some; `false` when no node takes the next.
    async fn hand_over_some(&self, doors: &Doors, on: &mut Handing) -> Result<bool, Fault> {
        if on.held.has_changed().unwrap_or(false) {
            let next = *on.held.borrow();
            self.outbox.let_go(next).await?;
            on.held.mark_unchanged();
            (on.handed, on.moved) = (next.max(on.handed), Instant::now());
        }
        let next = *on.held.borrow();
        if on.handed <= next {
            on.moved = Instant::now();
        } else if on.moved.elapsed() > AGAIN_AFTER {
            // What was handed over and is not held may be lost; another node may do better.
            self.says_stuck(next, Some("it was handed over, and no block holds it yet".into()));
            doors.prefer_next();
            (on.handed, on.moved) = (next, Instant::now());
        }
        let waiting = self.outbox.waiting(on.handed, AT_ONCE).await?;
        for it in &waiting {
            if !self.post(doors, it).await {
                doors.prefer_next();
                return Ok(false);
            }
            on.handed = it.envelope.sequence.saturating_add(1);
        }
        if waiting.is_empty() {
            let moves = async {
                tokio::select! {
                    () = self.grown.notified() => (),
                    changed = on.held.changed() => match changed {
                        Ok(()) => on.held.mark_changed(),
                        Err(_) => std::future::pending().await,
                    },
                }
            };
            let _ = timeout(AGAIN_AFTER, moves).await;
        }
        Ok(true)
    }

    /// Whether a node has taken the envelope, or knows it, or has it in a block.
    async fn post(&self, doors: &Doors, it: &Signed) -> bool {
        let known = |code: &str| ["envelope-known", "number-used"].contains(&code);
        let renewed = self.signer.lock().await.renewed(it);
        let why = match doors.post("/v1/envelopes", renewed.to_bytes()).await {
            Ok(_) => None,
            Err(Fault::Refused { problem, .. }) if known(&problem.code) => None,
            Err(fault) => Some(fault.to_string()),
        };
        let taken = why.is_none();
        if !taken {
            self.says_stuck(it.envelope.sequence, why);
        } else if *self.held.borrow() >= it.envelope.sequence {
            self.says_stuck(it.envelope.sequence, None);
        }
        taken
    }
}

/// The instructions of one envelope after another; `None` if one of them is too long for any.
fn envelopes_of(all: Vec<Instruction>) -> Option<Vec<Vec<Instruction>>> {
    parts(all, |it| (it.to_bytes().len(), 1), INSTRUCTIONS_MAX)
}

/// What one envelope after another carries, at most `most` things each, of which `size` tells the bytes and the
/// instructions; `None` if one of them is too long for any.
fn parts<T>(all: Vec<T>, size: impl Fn(&T) -> (usize, usize), most: u16) -> Option<Vec<Vec<T>>> {
    let (mut parts, mut part, mut bytes, mut count) = (Vec::new(), Vec::new(), 0_usize, 0_usize);
    for it in all {
        let (length, instructions) = size(&it);
        if length > BYTES_MAX || instructions > usize::from(INSTRUCTIONS_MAX) {
            return None;
        }
        bytes = bytes.saturating_add(length);
        count = count.saturating_add(instructions);
        let full = part.len() >= usize::from(most);
        if full || bytes > BYTES_MAX || count > usize::from(INSTRUCTIONS_MAX) {
            parts.push(std::mem::take(&mut part));
            (bytes, count) = (length, instructions);
        }
        part.push(it);
    }
    parts.push(part);
    Some(parts)
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
    use crypto::{Amount, keys::SecretKey};
    use types::{AccountId, BusinessDate, ChainId, InstrumentId, KeyId, PartyId};

    use super::*;
    use crate::testing::Folder;

    const CHAIN: ChainId = ChainId([7; 32]);
    const LANE: Lane = Lane(1);

    async fn outbox(url: &str, party: u32) -> Outbox {
        Outbox::open(url, CHAIN, PartyId(party), LANE).await.unwrap()
    }

    /// Party 3's, whose lane's next number is `held` in the newest block.
    pub async fn sending(url: &str, held: u64) -> Sending {
        let signer = Signer::new(CHAIN, PartyId(3), KeyId(0), SecretKey::from_seed([1; 32]));
        let (says, held) = watch::channel(held);
        std::mem::forget(says);
        Sending::new(outbox(url, 3).await, signer, LANE, held)
    }

    pub fn request(key: &str, digest: &str, count: usize) -> Request {
        let open = Instruction::OpenDay { date: BusinessDate(1) };
        let (user, key, digest) = ("somebody".into(), key.into(), digest.into());
        Request { user, key, digest, asked: Asked::Instructions(vec![open; count]) }
    }

    pub async fn kept(sending: &Sending, request: Request) -> Submission {
        match sending.take(request).await.unwrap() {
            Taken::New(it) => it,
            other => panic!("{other:?}"),
        }
    }

    fn sequences(ids: &[InstructionId]) -> Vec<u64> {
        let mut all: Vec<_> = ids.iter().map(|it| it.sequence).collect();
        all.dedup();
        all
    }

    #[tokio::test]
    async fn a_key_is_used_once_also_after_a_new_start() {
        let folder = Folder::new();
        let url = folder.sqlite("outbox.sqlite");
        let first = sending(&url, 5).await;
        let one = kept(&first, request("a", "x", 1)).await;
        assert_eq!(one.ids[0].to_string(), "3-1-5-0");
        assert_eq!(first.take(request("a", "x", 1)).await.unwrap(), Taken::Known(one.clone()));
        assert_eq!(first.take(request("a", "y", 1)).await.unwrap(), Taken::Other);
        let other = Request { user: "another".into(), ..request("a", "x", 1) };
        assert_eq!(sequences(&kept(&first, other).await.ids), [6], "its key is its own");
        drop(first);
        // No block holds it yet: its number is not given again.
        let again = sending(&url, 5).await;
        assert_eq!(again.take(request("a", "x", 1)).await.unwrap(), Taken::Known(one));
        let many = usize::from(INSTRUCTIONS_MAX) + 1;
        let two = kept(&again, request("b", "x", many)).await;
        assert_eq!((two.ids.len(), sequences(&two.ids)), (many, vec![7, 8]));
        let outbox = outbox(&url, 3).await;
        assert_eq!(outbox.waiting(0, 10).await.unwrap().len(), 4);
        outbox.let_go(8).await.unwrap();
        let left = outbox.waiting(0, 10).await.unwrap();
        assert_eq!(left.iter().map(|it| it.envelope.sequence).collect::<Vec<_>>(), [8]);
        assert_eq!(outbox.find("somebody", "b").await.unwrap().unwrap().ids, two.ids);
    }

    #[tokio::test]
    async fn a_number_is_given_once_whatever_was_lost() {
        let folder = Folder::new();
        let (url, lost) = (folder.sqlite("outbox.sqlite"), folder.sqlite("new.sqlite"));
        let ids = kept(&sending(&lost, 9).await, request("a", "x", 1)).await.ids;
        assert_eq!(sequences(&ids), [9], "the outbox was lost: the newest block knows");
        kept(&sending(&url, 9).await, request("a", "x", 1)).await;
        outbox(&url, 3).await.let_go(10).await.unwrap();
        let ids = kept(&sending(&url, 0).await, request("b", "x", 1)).await.ids;
        assert_eq!(sequences(&ids), [10], "the history was lost: the outbox knows");
        assert_eq!(outbox(&url, 4).await.next().await.unwrap(), 0, "another party's is its own");
        assert!(outbox(&url, 4).await.waiting(0, 9).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn who_goes_while_it_is_kept_leaves_no_hole() {
        let folder = Folder::new();
        let sending = sending(&folder.sqlite("outbox.sqlite"), 0).await;
        for turn in 0..20_u64 {
            let mut gone = Box::pin(sending.take(request(&format!("gone {turn}"), "x", 1)));
            for _ in 0..turn {
                if futures::poll!(&mut gone).is_ready() {
                    break;
                }
                tokio::task::yield_now().await;
            }
            drop(gone);
            // The database may still be at what was left alone: asked again, it is kept.
            let mut stays = sending.take(request(&format!("stays {turn}"), "x", 1)).await;
            for _ in 0..100 {
                if stays.is_ok() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
                stays = sending.take(request(&format!("stays {turn}"), "x", 1)).await;
            }
            assert!(matches!(stays, Ok(Taken::New(_))), "{stays:?}");
        }
        let all = sending.outbox.waiting(0, 100).await.unwrap();
        let all: Vec<_> = all.iter().map(|it| it.envelope.sequence).collect();
        assert!(all.len() >= 20);
        assert_eq!(all, (0..u64::try_from(all.len()).unwrap()).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn what_no_node_would_take_is_not_kept() {
        let folder = Folder::new();
        let sending = sending(&folder.sqlite("outbox.sqlite"), 0).await;
        let allocate = |count: usize| Instruction::Allocate {
            instrument: InstrumentId::parse("JP3999001005").unwrap(),
            from: AccountId([1; 16]),
            to: vec![(AccountId([2; 16]), Amount::Open(1)); count],
        };
        let ask = |key: &str, all: Vec<Instruction>| Request {
            asked: Asked::Instructions(all),
            ..request(key, "x", 0)
        };
        let taken = sending.take(ask("a", vec![allocate(20_000)])).await.unwrap();
        assert_eq!(taken, Taken::TooLong);
        let ids = kept(&sending, ask("b", vec![allocate(4_000); 5])).await.ids;
        assert_eq!(sequences(&ids), [0, 1, 2], "two of them are as long as an envelope may be");
    }

    #[tokio::test]
    async fn orders_of_members_are_forwarded_in_their_order_and_as_many_as_fit() {
        let folder = Folder::new();
        let sending = sending(&folder.sqlite("outbox.sqlite"), 0).await;
        let mut member = Signer::new(CHAIN, PartyId(9), KeyId(0), SecretKey::from_seed([2; 32]));
        let mut order = |count: usize| {
            let order = InstructionId::parse("9-2-0-0").unwrap();
            let cancels = vec![Instruction::CancelOrder { order }; count];
            member.sign_via(Lane(2), cancels, LedgerTime(u64::MAX), Some(PartyId(3)))
        };
        let most = usize::from(INSTRUCTIONS_MAX);
        let orders: Vec<_> = (0..300).map(|it| order(if it < 2 { most } else { 1 })).collect();
        let ask = |key: &str, all: &[Signed]| Request {
            asked: Asked::Orders(all.to_vec()),
            ..request(key, "x", 0)
        };
        let ids = kept(&sending, ask("a", &orders)).await.ids;
        assert_eq!(sequences(&ids), [0, 1, 2, 3], "two are as much as one may forward each");
        let all = sending.outbox.waiting(0, 9).await.unwrap();
        let forwarded = all.iter().flat_map(|it| match it.envelope.instructions.as_slice() {
            [Instruction::Forward { envelopes }] => {
                assert_eq!(it.witnesses.len(), 1 + envelopes.len());
                assert!(envelopes.len() <= usize::from(FORWARDED_MAX));
                envelopes.iter().map(|it| it.sequence).collect::<Vec<_>>()
            }
            other => panic!("{other:?}"),
        });
        assert_eq!(forwarded.collect::<Vec<_>>(), (0..300).collect::<Vec<_>>());
        let taken = sending.take(ask("b", &[order(most + 1)])).await.unwrap();
        assert_eq!(taken, Taken::TooLong);
    }
}
