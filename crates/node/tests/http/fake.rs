//! A chain that answers from memory: what a test says in a body is what it does.

use std::thread;

use chain::{
    door::{Ask, Door, Requests, Stands, Status, Unanswered, door},
    mempool::Refused,
};
use commonware_utils::channel::watch;
use crypto::{
    merkle::Path,
    proof::{AsOf, Moment, Placed, ShownChange, State},
};
use futures::StreamExt as _;
use node::http::{
    Limits, Server,
    disk::{Disk, Room},
};
use store::archive::{Proved, When};
use types::{Bytes, ChainId, ChangeLeaf, DecodeError, Digest, Header, LedgerTime, PublicKey};

/// The height that is final at first.
pub const HEIGHT: u64 = 5;
/// A height that is not kept.
pub const LOST: u64 = 3;
/// How rows stood after this block takes until somebody hands over "go on".
pub const SLOW: u64 = 10;

/// Every refusal of the mempool, by its place in the table, with the code and status that it becomes.
pub fn refusals() -> Vec<(Refused, &'static str, u16)> {
    vec![
        (Refused::TooLong { len: 9, max: 8 }, "envelope-too-large", 413),
        (Refused::Malformed(DecodeError::Truncated), "envelope-malformed", 400),
        (Refused::OtherChain(ChainId([1; 32])), "other-market", 400),
        (Refused::InstructionCount, "instruction-count", 400),
        (Refused::Via, "via", 400),
        (Refused::Witnesses, "witnesses", 400),
        (Refused::KeyUnknown, "key-unknown", 403),
        (Refused::Signature, "signature-false", 403),
        (Refused::Proof(3), "proof-false", 403),
        (Refused::Expired, "expired", 400),
        (Refused::NumberUsed { next: 4 }, "number-used", 409),
        (Refused::NumberTooHigh { next: 4, window: 8 }, "number-ahead", 429),
        (Refused::NumberTaken, "number-taken", 409),
        (Refused::ShareFull, "share-exceeded", 429),
        (Refused::PoolFull, "full", 503),
    ]
}

pub fn status(ready: bool) -> Status {
    Status {
        chain: ChainId([0xab; 32]),
        height: HEIGHT,
        time: LedgerTime(1_000),
        epoch: 2,
        view: 77,
        leader: PublicKey([2; 32]),
        root: Digest([3; 32]),
        voting: true,
        ready,
        waiting: 6,
    }
}

/// A server, and the chain behind it.
pub struct Node {
    pub server: Server,
    pub status: watch::Sender<Status>,
    pub door: Door,
}

/// Bytes of a block.
pub fn block(height: u64, len: usize) -> Vec<u8> {
    let mut bytes = vec![7; len.max(8)];
    bytes[..8].copy_from_slice(&height.to_be_bytes());
    bytes
}

pub fn start(limits: Limits) -> Node {
    with(limits, true, 100)
}

/// A node whose blocks have `block_len` bytes.
pub fn with(limits: Limits, ready: bool, block_len: usize) -> Node {
    on(roomy(), limits, ready, block_len)
}

/// A disk with much room.
pub fn roomy() -> Disk {
    Disk::seen_by(|| Ok(Room { free: 1 << 40, all: 1 << 40 }))
}

/// A node as [`with`], on this disk.
pub fn on(disk: Disk, limits: Limits, ready: bool, block_len: usize) -> Node {
    let (door, Requests { mut asked, status }) = door(self::status(ready));
    let serve = async move {
        let (mut never, mut slow) = (Vec::new(), Vec::new());
        while let Some(ask) = asked.next().await {
            match ask {
                Ask::Prove(key, When::Height(SLOW), answer) => slow.push((key, answer)),
                Ask::Submit(body, answer) if body == b"silent" => never.push(answer),
                Ask::Submit(body, _) if body == b"stop" => return,
                Ask::Submit(body, answer) if body == b"go on" => {
                    for (key, it) in slow.drain(..) {
                        drop(it.send(Ok(proved(key, When::Time(LedgerTime(SLOW * 10))))));
                    }
                    drop(answer.send(Ok(Ok(true))));
                }
                Ask::Submit(body, answer) => drop(answer.send(submitted(&body))),
                Ask::Block(LOST, answer) => drop(answer.send(Ok(None))),
                Ask::Block(height, answer) => {
                    drop(answer.send(Ok(Some(block(height, block_len)))));
                }
                Ask::Envelopes(LOST, answer) => drop(answer.send(Ok(None))),
                Ask::Envelopes(height, answer) => {
                    let envelope = vec![u8::try_from(height).unwrap(); 3];
                    drop(answer.send(Ok(Some(vec![Bytes(envelope)]))));
                }
                Ask::Rows(keys, answer) => {
                    let row = |key: &[u8; 48]| {
                        let row = Stands { changed: 4, value: key[..2].to_vec() };
                        (key[1] != 0).then_some(row)
                    };
                    drop(answer.send(Ok(keys.iter().map(row).collect())));
                }
                Ask::AtTime(time, answer) => {
                    drop(answer.send(Ok(time.0.checked_sub(10))));
                }
                Ask::Prove(key, when, answer) => drop(answer.send(Ok(proved(key, when)))),
            }
        }
    };
    thread::spawn(move || futures::executor::block_on(serve));
    let address = "127.0.0.1:0".parse().unwrap();
    let server = node::http::serve(address, door.clone(), limits, disk).expect("a free port");
    Node { server, status, door }
}

fn submitted(body: &[u8]) -> Result<Result<bool, Refused>, Unanswered> {
    let text = std::str::from_utf8(body).unwrap_or("new");
    if let Some(place) = text.strip_prefix("refused ") {
        return Ok(Err(refusals()[place.parse::<usize>().unwrap()].0));
    }
    match text {
        "known" => Ok(Ok(false)),
        "damaged" => Err(Unanswered::Damaged("changes: height 3".into())),
        _ => Ok(Ok(true)),
    }
}

/// What comes of the wish for a proof, by the height or the time.
fn proved(key: [u8; 48], when: When) -> Option<Proved> {
    let proved = match when {
        _ if key[1] == 0 => return None,
        When::Height(1) => Proved::Unchanged,
        When::Height(2) => Proved::NotYet,
        When::Height(3) => Proved::Further(7),
        When::Height(4) => Proved::NotKept(8),
        When::Height(height) => Proved::Shown(Box::new(as_of(key, height))),
        When::Time(time) => Proved::Shown(Box::new(as_of(key, time.0 / 10))),
    };
    Some(proved)
}

/// A proof as far as its bytes go: nothing in it is true.
pub fn as_of(key: [u8; 48], height: u64) -> AsOf {
    let newest = Header {
        time: LedgerTime(1_000),
        epoch: 2,
        view: 77,
        leader: PublicKey([2; 32]),
        parent_view: 76,
        ..Header::blank(ChainId([0xab; 32]), HEIGHT)
    };
    let path = Path { index: 0, count: 1, siblings: Vec::new() };
    let leaf =
        ChangeLeaf { key: Bytes(key.to_vec()), height: 1, previous: 0, value: Digest([0; 32]) };
    let change = ShownChange { leaf, path, block: Placed::Newest };
    let (moment, state) = (Moment::Height(height), State::HadEnded { change });
    AsOf { key, moment, state, newest, certificate: Bytes(Vec::new()) }
}
