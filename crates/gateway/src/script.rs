//! Market scripts on a market of nodes: each line waits for its finality.
//!
//! Parties of a script sign with the keys that everybody can make from their words; the founder signs with
//! the market's own.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use crypto::keys::SecretKey;
use ledger::{
    Envelope, Key, Signed, Value,
    governance::PartyKey,
    script::{self, Action, Ask, Report, Rows, Run, Script},
};
use types::{Bytes, Digest, InstructionId, Lane, LedgerTime, Sender, Witness};

use crate::{Fault, Follower, View};

/// Lines of a script have effect for so long.
const EXPIRY_MS: u64 = 10 * 60 * 1_000;
/// In which of a party's sequences a script asks.
const LANE: Lane = Lane(0);
/// Longest time that a script may wait on a market of nodes.
pub const WAIT_MS_MAX: u64 = 5 * 60 * 1_000;

impl Rows for View {
    fn row(&self, key: &Key) -> Option<Value> {
        self.stood(key).map(|it| it.value.clone())
    }
}

/// Plays a script on the market that `follower` follows, and says what held.
///
/// # Errors
/// Those of [`Follower::settle`]; [`Fault::TooLong`], before anything is asked, when the script lets
/// more time pass than [`WAIT_MS_MAX`].
pub async fn play(
    follower: &mut Follower,
    founder: &SecretKey,
    script: &Script,
) -> Result<Report, Fault> {
    for step in &script.steps {
        if let script::Doing::Wait { millis } = step.doing
            && millis > WAIT_MS_MAX
        {
            return Err(Fault::TooLong { line: step.line, seconds: millis / 1_000 });
        }
    }
    let mut run = Run::new(script);
    follower.listen();
    follower.catch_up().await?;
    while let Some(action) = run.next(follower.view()) {
        match action {
            Action::Ask(asks) => {
                let (signed, ids) = sign(follower, founder, &asks);
                follower.settle(&signed).await?;
                run.asked(&ids);
            }
            Action::Wait(millis) => pass(follower, millis).await?,
            Action::Blocks(blocks) => {
                for _ in 0..blocks {
                    follower.next().await?;
                }
            }
        }
        run.tell(&follower.heard());
    }
    Ok(run.finish())
}

/// Waits until ledger time has gone on by so much.
async fn pass(follower: &mut Follower, millis: u64) -> Result<(), Fault> {
    let until = LedgerTime(follower.view().time().0.saturating_add(millis));
    let began = Instant::now();
    while follower.view().time() < until {
        let left = Duration::from_millis(millis).saturating_sub(began.elapsed());
        tokio::time::sleep(left.min(Duration::from_millis(100))).await;
        follower.next().await?;
    }
    Ok(())
}

/// The envelopes of some lines, and the ids of what they ask. A line whose sender has no such key makes none.
fn sign(
    follower: &Follower,
    founder: &SecretKey,
    asks: &[Ask],
) -> (Vec<Signed>, Vec<Vec<InstructionId>>) {
    let view = follower.view();
    let (mut signed, mut ids) = (Vec::new(), Vec::new());
    let mut next: BTreeMap<Sender, u64> = BTreeMap::new();
    for Ask { word, sender: party, key, instructions, .. } in asks {
        let known = view.row::<PartyKey>(&(*party, *key)).is_some_and(|it| !it.revoked);
        if !known {
            ids.push(Vec::new());
            continue;
        }
        let sender = Sender::Party(*party);
        let sequence = next.entry(sender).or_insert_with(|| view.next_sequence(sender, LANE));
        let envelope = Envelope {
            chain: follower.chain(),
            sender,
            key: *key,
            lane: LANE,
            sequence: *sequence,
            expiry: LedgerTime(view.time().0.saturating_add(EXPIRY_MS)),
            via: None,
            sealed: Digest([0; 32]),
            instructions: instructions.clone(),
        };
        *sequence = sequence.saturating_add(1);
        let digest = envelope.digest();
        let signature = match (word.as_str(), key.0) {
            (script::FOUNDER, 0) => founder.sign(&digest.0),
            _ => script::secret(word, *key).sign(&digest.0),
        };
        ids.push(envelope.ids().collect());
        let bytes = Bytes(signature.to_vec());
        signed.push(Signed {
            envelope,
            witnesses: vec![Witness { class: Signed::SIGNATURE, bytes }],
        });
    }
    (signed, ids)
}
