//! What waits to stand in a block: bounded, in order, with a share for each member.
//!
//! ```text
//!   member (who sends: a party, or an account)
//!     lane   next = 7:  [7] [8]  .  [10]        7 and 8 are ready, 10 waits for 9
//!     lane   ...
//! ```
//!
//! - A number is taken by the first envelope that comes with it; another one is refused.
//! - A member has at most its share. When all is full, the member that holds most gives way to one that
//!   holds less: its last envelope goes. So no member can keep another out.
//! - Envelopes are drawn one a member in turn; inside a lane in the order of their numbers.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, SystemTime},
};

use ledger::{Envelope, Signed};
use types::{Digest, Lane, LedgerTime, Sender, Wire as _};

use super::Refused;
use crate::{application::Lanes, block::Carried};

/// How much may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest envelope with its witnesses, in bytes.
    pub envelope_len: u32,
    /// Of all members together, in bytes.
    pub bytes: u64,
    /// Of all members together, in envelopes.
    pub count: u64,
    /// Of one member, in bytes.
    pub share_bytes: u64,
    /// Of one member, in envelopes.
    pub share_count: u64,
    /// How far above a lane's next number an envelope may be.
    pub window: u64,
    /// How long an envelope may wait for the ones before it.
    pub gap: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            envelope_len: 256 * 1024,
            bytes: 64 << 20,
            count: 1 << 16,
            share_bytes: 16 << 20,
            share_count: 1 << 14,
            window: 4_096,
            gap: Duration::from_secs(600),
        }
    }
}

/// What an envelope takes, and what a member or all hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Size {
    bytes: u64,
    count: u64,
}

impl Size {
    fn add(&mut self, bytes: u64) {
        self.bytes += bytes;
        self.count += 1;
    }

    fn sub(&mut self, bytes: u64) {
        self.bytes -= bytes;
        self.count -= 1;
    }
}

struct Item {
    signed: Signed,
    digest: Digest,
    bytes: u64,
    since: SystemTime,
}

#[derive(Default)]
struct LaneQueue {
    next: u64,
    items: BTreeMap<u64, Item>,
}

#[derive(Default)]
struct Member {
    lanes: BTreeMap<Lane, LaneQueue>,
    size: Size,
}

/// The waiting envelopes.
pub struct Pool {
    limits: Limits,
    members: BTreeMap<Sender, Member>,
    size: Size,
    turn: usize,
}

impl Pool {
    /// Nothing waits.
    #[must_use]
    pub const fn new(limits: Limits) -> Self {
        let size = Size { bytes: 0, count: 0 };
        Self { limits, members: BTreeMap::new(), size, turn: 0 }
    }

    /// How much may wait.
    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Takes an envelope that was checked otherwise, of a lane whose next number is `next`. Whether it
    /// is new: `false` if it waits here already.
    ///
    /// # Errors
    /// [`Refused::NumberUsed`], [`Refused::NumberTooHigh`],
    /// [`Refused::NumberTaken`], [`Refused::ShareFull`], [`Refused::PoolFull`].
    pub fn insert(&mut self, signed: Signed, next: u64, now: SystemTime) -> Result<bool, Refused> {
        let Envelope { sender, lane, sequence, .. } = signed.envelope;
        let queue = self.members.get(&sender).and_then(|it| it.lanes.get(&lane));
        let next = queue.map_or(next, |it| it.next.max(next));
        if sequence < next {
            return Err(Refused::NumberUsed { next });
        }
        if sequence - next >= self.limits.window {
            return Err(Refused::NumberTooHigh { next, window: self.limits.window });
        }
        let digest = signed.envelope.digest();
        if let Some(held) = queue.and_then(|it| it.items.get(&sequence)) {
            return if held.digest == digest { Ok(false) } else { Err(Refused::NumberTaken) };
        }
        self.raise(sender, lane, next);
        let bytes = u64::try_from(signed.to_bytes().len()).unwrap_or(u64::MAX);
        self.make_room(sender, bytes)?;
        let member = self.members.entry(sender).or_default();
        let queue = member.lanes.entry(lane).or_default();
        queue.next = queue.next.max(next);
        queue.items.insert(sequence, Item { signed, digest, bytes, since: now });
        member.size.add(bytes);
        self.size.add(bytes);
        Ok(true)
    }

    /// Makes room for an envelope of `sender`, at the cost of the member that holds most if need be.
    fn make_room(&mut self, sender: Sender, bytes: u64) -> Result<(), Refused> {
        let mut mine = self.members.get(&sender).map_or(Size::default(), |it| it.size);
        mine.add(bytes);
        if mine.bytes > self.limits.share_bytes || mine.count > self.limits.share_count {
            return Err(Refused::ShareFull);
        }
        loop {
            let full_bytes = self.size.bytes + bytes > self.limits.bytes;
            let full_count = self.size.count + 1 > self.limits.count;
            if !full_bytes && !full_count {
                return Ok(());
            }
            let held = |it: &Size| if full_bytes { it.bytes } else { it.count };
            let most = self.members.iter().max_by_key(|(_, it)| held(&it.size));
            let most = most.filter(|(_, it)| held(&it.size) > held(&mine));
            let (most, _) = most.ok_or(Refused::PoolFull)?;
            self.drop_last(*most);
        }
    }

    /// Drops the envelope of `sender` that would be drawn last.
    fn drop_last(&mut self, sender: Sender) {
        let member = self.members.get(&sender).expect("a member that holds something");
        let ahead =
            |it: &LaneQueue| it.items.keys().next_back().map(|last| last.saturating_sub(it.next));
        let lane = member.lanes.iter().max_by_key(|(_, it)| ahead(it));
        let (lane, last) = lane
            .and_then(|(lane, it)| Some((*lane, *it.items.keys().next_back()?)))
            .expect("a member that holds something has a lane with something");
        self.remove(sender, lane, last);
    }

    fn remove(&mut self, sender: Sender, lane: Lane, sequence: u64) {
        let Some(member) = self.members.get_mut(&sender) else { return };
        let Some(queue) = member.lanes.get_mut(&lane) else { return };
        if let Some(item) = queue.items.remove(&sequence) {
            member.size.sub(item.bytes);
            self.size.sub(item.bytes);
        }
        if queue.items.is_empty() {
            member.lanes.remove(&lane);
        }
        if member.lanes.is_empty() {
            self.members.remove(&sender);
        }
    }

    /// Removes exactly this envelope.
    pub fn discard(&mut self, envelope: &Envelope) {
        let Envelope { sender, lane, sequence, .. } = *envelope;
        let held =
            self.members.get(&sender).and_then(|it| it.lanes.get(&lane)?.items.get(&sequence));
        if held.is_some_and(|it| it.digest == envelope.digest()) {
            self.remove(sender, lane, sequence);
        }
    }

    /// The lane's next number is `next`, at least: what is below it goes.
    pub fn raise(&mut self, sender: Sender, lane: Lane, next: u64) {
        let queue = self.members.get_mut(&sender).and_then(|it| it.lanes.get_mut(&lane));
        let Some(queue) = queue else { return };
        queue.next = queue.next.max(next);
        let used: Vec<u64> = queue.items.range(..queue.next).map(|(it, _)| *it).collect();
        for sequence in used {
            self.remove(sender, lane, sequence);
        }
    }

    /// Another member is the first in turn.
    pub const fn turn(&mut self) {
        self.turn = self.turn.wrapping_add(1);
    }

    /// Whether something is ready in a state that has moved on these `lanes`.
    #[must_use]
    pub fn has_ready(&self, lanes: &Lanes) -> bool {
        let mut all = self.members.iter().flat_map(|(sender, member)| {
            member.lanes.iter().map(move |(lane, queue)| (*sender, *lane, queue))
        });
        all.any(|(sender, lane, queue)| {
            queue.items.contains_key(&start(sender, lane, queue, lanes))
        })
    }

    /// What is ready in a state that has moved on these `lanes`: one a member in turn, at most `room`
    /// bytes.
    #[must_use]
    pub fn draw(&self, lanes: &Lanes, mut room: u32) -> Vec<Carried> {
        let mut turns: Vec<Turn<'_>> =
            self.members.iter().map(|(sender, it)| Turn::of(*sender, it, lanes)).collect();
        let first = self.turn.checked_rem(turns.len()).unwrap_or(0);
        turns.rotate_left(first);
        let mut drawn = Vec::new();
        while !turns.is_empty() {
            turns.retain_mut(|turn| {
                let Some(item) = turn.next() else { return false };
                let Some(left) = u32::try_from(item.bytes).ok().and_then(|it| room.checked_sub(it))
                else {
                    return false;
                };
                // A carried witness has one byte more than a sent one.
                room = left.saturating_sub(1);
                drawn.push(Carried::from(item.signed.clone()));
                true
            });
        }
        drawn
    }

    /// Drops what has waited too long for the ones before it, and what expired doing so.
    pub fn forget(&mut self, now: SystemTime, time: LedgerTime) {
        let mut gone = Vec::new();
        for (sender, member) in &self.members {
            for (lane, queue) in &member.lanes {
                let ready = (queue.next..).zip(queue.items.keys()).take_while(|(a, b)| a == *b);
                let waiting = queue.items.iter().skip(ready.count());
                gone.extend(waiting.filter_map(|(sequence, item)| {
                    let old = now.duration_since(item.since).is_ok_and(|it| it > self.limits.gap);
                    let late = item.signed.envelope.expiry < time;
                    (old || late).then_some((*sender, *lane, *sequence))
                }));
            }
        }
        for (sender, lane, sequence) in gone {
            self.remove(sender, lane, sequence);
        }
    }

    /// Envelopes at the head of their lanes that have waited for `age`, at most `count` of them.
    #[must_use]
    pub fn waiting(&self, now: SystemTime, age: Duration, count: usize) -> Vec<&Signed> {
        let old = |it: &&Item| now.duration_since(it.since).is_ok_and(|waited| waited >= age);
        let lanes = self.members.values().flat_map(|it| it.lanes.values());
        let heads = lanes.filter_map(|it| it.items.values().next()).filter(old);
        heads.map(|it| &it.signed).take(count).collect()
    }

    /// How many envelopes wait, and their bytes.
    #[must_use]
    pub const fn size(&self) -> (u64, u64) {
        (self.size.count, self.size.bytes)
    }

    /// The members that have something waiting.
    #[must_use]
    pub fn members(&self) -> BTreeSet<Sender> {
        self.members.keys().copied().collect()
    }
}

/// From which number on a lane is drawn.
fn start(sender: Sender, lane: Lane, queue: &LaneQueue, lanes: &Lanes) -> u64 {
    let moved = lanes.get(&(sender, lane)).copied();
    moved.map_or(queue.next, |it| it.max(queue.next))
}

/// A member's envelopes in the order in which they are drawn: its lanes in turn.
struct Turn<'p> {
    lanes: std::collections::VecDeque<(u64, &'p LaneQueue)>,
}

impl<'p> Turn<'p> {
    fn of(sender: Sender, member: &'p Member, lanes: &Lanes) -> Self {
        let from =
            |(lane, queue): (&Lane, &'p LaneQueue)| (start(sender, *lane, queue, lanes), queue);
        Self { lanes: member.lanes.iter().map(from).collect() }
    }

    fn next(&mut self) -> Option<&'p Item> {
        while let Some((sequence, queue)) = self.lanes.pop_front() {
            if let Some(item) = queue.items.get(&sequence) {
                self.lanes.push_back((sequence.saturating_add(1), queue));
                return Some(item);
            }
        }
        None
    }
}
