//! Bounds, shares, order, fairness; the ladder of refusals; and nodes that tell each other.

use std::{
    collections::{BTreeMap, HashMap},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use commonware_p2p::simulated::{self, Link, Oracle};
use commonware_runtime::{Clock as _, Quota, Supervisor as _};
use commonware_utils::{NZU32, NZUsize, probability};
use types::{KeyId, Lane, LedgerTime, PartyId, Sender};

use super::*;
use crate::testing::{self, Node, first, pay, run, secret, sign, signed, validator};

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(5)
}

fn small(count: u64, share_count: u64) -> Limits {
    Limits { count, share_count, window: 8, ..Limits::default() }
}

fn envelope(party: u32, lane: u16, sequence: u64) -> Signed {
    signed(party, lane, sequence, vec![pay(party, 2, 1)])
}

/// Party, lane and number of what is drawn.
fn names(drawn: &[Carried]) -> Vec<(u32, u16, u64)> {
    let name = |it: &Carried| match it.envelope.sender {
        Sender::Party(PartyId(party)) => (party, it.envelope.lane.0, it.envelope.sequence),
        Sender::Account(_) => panic!("an account's envelope entered"),
    };
    drawn.iter().map(name).collect()
}

fn draw(pool: &Pool) -> Vec<(u32, u16, u64)> {
    names(&pool.draw(&Lanes::new(), 1 << 20))
}

#[test]
fn a_lane_keeps_its_order_and_waits_for_what_is_missing() {
    let mut pool = Pool::new(small(100, 100));
    for sequence in [9, 7, 10, 12] {
        assert_eq!(pool.insert(envelope(2, 0, sequence), 7, now()), Ok(true));
    }
    assert_eq!(draw(&pool), [(2, 0, 7)]);
    assert_eq!(pool.insert(envelope(2, 0, 8), 7, now()), Ok(true));
    assert_eq!(draw(&pool), [(2, 0, 7), (2, 0, 8), (2, 0, 9), (2, 0, 10)]);
    // In a state that has moved the lane on, it begins there.
    let lanes = HashMap::from([((Sender::Party(PartyId(2)), Lane(0)), 9)]);
    assert_eq!(names(&pool.draw(&lanes, 1 << 20)), [(2, 0, 9), (2, 0, 10)]);
    assert!(pool.has_ready(&lanes));
    let lanes = HashMap::from([((Sender::Party(PartyId(2)), Lane(0)), 11)]);
    assert!(pool.draw(&lanes, 1 << 20).is_empty() && !pool.has_ready(&lanes));
    // What is final goes, and what is below it.
    pool.raise(Sender::Party(PartyId(2)), Lane(0), 9);
    assert_eq!(draw(&pool), [(2, 0, 9), (2, 0, 10)]);
    assert_eq!(pool.size().0, 3);
    assert_eq!(pool.insert(envelope(2, 0, 8), 7, now()), Err(Refused::NumberUsed { next: 9 }));
}

#[test]
fn what_a_lane_has_passed_goes_when_the_next_envelope_tells_of_it() {
    let mut pool = Pool::new(small(4, 4));
    for sequence in 0..4 {
        assert_eq!(pool.insert(envelope(2, 0, sequence), 0, now()), Ok(true));
    }
    assert_eq!(pool.insert(envelope(2, 0, 4), 3, now()), Ok(true), "three gave way");
    assert_eq!(draw(&pool), [(2, 0, 3), (2, 0, 4)]);
    assert_eq!(pool.size().0, 2);
}

#[test]
fn what_is_to_be_told_is_bounded() {
    let mut outbox = Outbox::default();
    for _ in 0..100 {
        outbox.put(&[0; 256 << 10]);
    }
    assert_eq!((outbox.envelopes.len(), outbox.bytes), (64, OUTBOX_BYTES_MAX));
}

#[test]
fn a_number_is_taken_by_the_first_that_comes_with_it() {
    let mut pool = Pool::new(small(100, 100));
    assert_eq!(pool.insert(envelope(2, 0, 0), 0, now()), Ok(true));
    assert_eq!(pool.insert(envelope(2, 0, 0), 0, now()), Ok(false));
    let other = signed(2, 0, 0, vec![pay(2, 3, 99)]);
    assert_eq!(pool.insert(other.clone(), 0, now()), Err(Refused::NumberTaken));
    pool.discard(&other.envelope);
    assert_eq!(pool.size().0, 1);
    pool.discard(&envelope(2, 0, 0).envelope);
    assert_eq!(pool.size(), (0, 0));
    let high = Err(Refused::NumberTooHigh { next: 3, window: 8 });
    assert_eq!(pool.insert(envelope(2, 0, 11), 3, now()), high);
    assert_eq!(pool.insert(envelope(2, 0, 10), 3, now()), Ok(true));
}

#[test]
fn members_are_drawn_in_turn_and_lanes_of_a_member_too() {
    let mut pool = Pool::new(small(100, 100));
    for sequence in 0..4 {
        pool.insert(envelope(2, 0, sequence), 0, now()).unwrap();
        pool.insert(envelope(2, 1, sequence), 0, now()).unwrap();
    }
    pool.insert(envelope(3, 0, 0), 0, now()).unwrap();
    pool.insert(envelope(4, 0, 0), 0, now()).unwrap();
    let drawn = draw(&pool);
    assert_eq!(drawn[..5], [(2, 0, 0), (3, 0, 0), (4, 0, 0), (2, 1, 0), (2, 0, 1)]);
    assert_eq!(drawn.len(), 10);
    pool.turn();
    assert_eq!(draw(&pool)[..3], [(3, 0, 0), (4, 0, 0), (2, 0, 0)]);
    // With room for two, two members are served.
    let room = u32::try_from(envelope(2, 0, 0).to_bytes().len() * 2 + 8).unwrap();
    assert_eq!(names(&pool.draw(&Lanes::new(), room)), [(3, 0, 0), (4, 0, 0)]);
}

#[test]
fn a_member_has_its_share_and_cannot_keep_others_out() {
    let mut pool = Pool::new(small(10, 8));
    let mut fill = |party, lane, count| {
        (0..count).map(|it| pool.insert(envelope(party, lane, it), 0, now())).collect::<Vec<_>>()
    };
    assert!(fill(2, 0, 8).iter().all(Result::is_ok));
    assert_eq!(fill(2, 1, 1), [Err(Refused::ShareFull)]);
    assert_eq!(fill(3, 0, 2), [Ok(true); 2]);
    // All is full: who holds most gives way, until the newcomer would hold as much.
    assert_eq!(fill(4, 0, 4), [Ok(true), Ok(true), Ok(true), Ok(true)]);
    assert_eq!(fill(4, 1, 1), [Err(Refused::PoolFull)]);
    assert_eq!(pool.size().0, 10);
    let drawn = draw(&pool);
    let count = |party| drawn.iter().filter(|it| it.0 == party).count();
    assert_eq!([count(2), count(3), count(4)], [4, 2, 4]);
    // What gave way was the last in its lane, so the rest is still in order.
    assert!(drawn.iter().filter(|it| it.0 == 2).map(|it| it.2).eq(0..4));
}

#[test]
fn what_waits_too_long_for_what_is_missing_goes() {
    let limits = Limits { gap: Duration::from_secs(10), ..small(100, 100) };
    let mut pool = Pool::new(limits);
    let expiring = |sequence, expiry| {
        let mut envelope = envelope(2, 0, sequence).envelope;
        envelope.expiry = LedgerTime(expiry);
        sign(envelope, &secret(2))
    };
    pool.insert(expiring(0, 6_000), 0, now()).unwrap();
    pool.insert(expiring(2, 6_000), 0, now()).unwrap();
    pool.insert(expiring(3, 90_000), 0, now()).unwrap();
    pool.forget(now(), LedgerTime(5_000));
    assert_eq!(pool.size().0, 3);
    // What is ready stands in a block even when it expired: it uses up its number.
    pool.forget(now(), LedgerTime(6_001));
    assert_eq!(pool.size().0, 2);
    pool.forget(now() + Duration::from_secs(11), LedgerTime(6_001));
    assert_eq!(draw(&pool), [(2, 0, 0)]);
    assert_eq!(pool.size().0, 1);
}

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, below: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

#[test]
fn whatever_happens_it_is_bounded_in_order_and_counts_right() {
    for seed in 0..20 {
        let mut dice = Dice(seed);
        let limits = Limits { bytes: 6_000, share_bytes: 3_000, ..small(24, 12) };
        let mut pool = Pool::new(limits);
        let mut next = BTreeMap::<(u32, u16), u64>::new();
        for step in 0..600 {
            let (party, lane) =
                (u32::try_from(dice.throw(4)).unwrap() + 2, u16::from(dice.throw(2) == 1));
            let known = *next.entry((party, lane)).or_default();
            match dice.throw(10) {
                0 => {
                    let drawn = pool.draw(&Lanes::new(), 1_500);
                    let bytes: usize = drawn.iter().map(|it| it.to_bytes().len()).sum();
                    assert!(bytes <= 1_500);
                    let mut expected = next.clone();
                    for (party, lane, sequence) in names(&drawn) {
                        let expected = expected.get_mut(&(party, lane)).unwrap();
                        assert_eq!(sequence, *expected, "seed {seed}, step {step}");
                        *expected += 1;
                    }
                    if dice.throw(2) == 1 {
                        for ((party, lane), until) in expected {
                            pool.raise(Sender::Party(PartyId(party)), Lane(lane), until);
                            next.insert((party, lane), until);
                        }
                    }
                }
                1 => pool.discard(&envelope(party, lane, known + dice.throw(9)).envelope),
                2 => pool.turn(),
                _ => {
                    let sequence = known + dice.throw(9);
                    let new = pool.insert(envelope(party, lane, sequence), known, now());
                    assert!(sequence < known + 8 || new.is_err());
                }
            }
            let (count, bytes) = pool.size();
            assert!(count <= 24 && bytes <= 6_000);
            assert_eq!(count == 0, pool.members().is_empty());
            assert_eq!(
                pool.has_ready(&Lanes::new()),
                !pool.draw(&Lanes::new(), 1 << 20).is_empty()
            );
        }
    }
}

#[test]
fn an_envelope_that_may_not_stand_in_a_block_does_not_enter() {
    run(|context| async move {
        let mut node = Node::start(&context, "one").await;
        let block = node.propose(&first(), 1).await;
        node.finalize(&block).await;
        let good = signed(2, 0, 0, vec![pay(2, 3, 1)]);
        let alter = |change: fn(&mut Envelope)| {
            let mut envelope = good.envelope.clone();
            change(&mut envelope);
            sign(envelope, &secret(2)).to_bytes()
        };
        let witnesses = |change: fn(&mut Signed)| {
            let mut signed = good.clone();
            change(&mut signed);
            signed.to_bytes()
        };
        let long = alter(|it| it.instructions = vec![pay(2, 3, 1); 1_024]);
        let max = Limits::default().envelope_len;
        let mut ladder = vec![
            (vec![0; max as usize + 1], Refused::TooLong { len: u64::from(max) + 1, max }),
            (vec![], Refused::Malformed(DecodeError::Truncated)),
            ([good.to_bytes(), vec![0]].concat(), Refused::Malformed(DecodeError::Trailing)),
            (alter(|it| it.chain.0[0] ^= 1), {
                let mut chain = good.envelope.chain;
                chain.0[0] ^= 1;
                Refused::OtherChain(chain)
            }),
            (alter(|it| it.instructions.clear()), Refused::InstructionCount),
            (alter(|it| it.via = Some(PartyId(1))), Refused::Via),
            (witnesses(|it| it.witnesses.clear()), Refused::Witnesses),
            (witnesses(|it| it.witnesses.push(it.witnesses[0].clone())), Refused::Witnesses),
            (witnesses(|it| it.witnesses[0].class = 1), Refused::Witnesses),
            (witnesses(|it| it.witnesses[0].bytes.0.truncate(63)), Refused::Witnesses),
            (alter(|it| it.key = KeyId(9)), Refused::KeyUnknown),
            (alter(|it| it.sender = Sender::Party(PartyId(99))), Refused::KeyUnknown),
            (alter(|it| it.sender = Sender::Account(testing::account(2))), Refused::KeyUnknown),
            (witnesses(|it| it.witnesses[0].bytes.0[3] ^= 1), Refused::Signature),
            (alter(|it| it.sender = Sender::Party(PartyId(3))), Refused::Signature),
            (alter(|it| it.expiry = LedgerTime(4_999)), Refused::Expired),
            (alter(|it| it.sequence = 4_096), Refused::NumberTooHigh { next: 0, window: 4_096 }),
        ];
        let state = node.state.databases().clone();
        let submit = async |bytes: &[u8]| {
            node.mempool
                .submit(&state, context.current(), &[bytes.to_vec()])
                .await
                .unwrap()
                .remove(0)
        };
        for (bytes, refused) in ladder.drain(..) {
            assert_eq!(submit(&bytes).await, Err(refused));
            assert_eq!(refused.is_for_now(), matches!(refused, Refused::NumberTooHigh { .. }));
        }
        assert_eq!(node.mempool.size(), (0, 0));
        assert_eq!(submit(&long).await, Ok(true));
        assert_eq!(submit(&long).await, Ok(false));
        assert_eq!(submit(&good.to_bytes()).await, Err(Refused::NumberTaken));
        let mut node = node;
        let block = node.advance(&block, 2).await;
        assert_eq!(block.body().envelopes.len(), 1);
        let used =
            node.mempool.submit(&state, context.current(), &[good.to_bytes()]).await.unwrap();
        assert_eq!(used, [Err(Refused::NumberUsed { next: 1 })]);
    });
}

type Network = Oracle<crate::PublicKey, testing::Context>;

/// Three linked nodes with gossip.
async fn network(context: &testing::Context) -> (Network, Vec<Node>) {
    let config = simulated::Config {
        max_size: MESSAGE_MAX,
        max_peers_per_set: NZUsize!(8),
        disconnect_on_block: true,
        tracked_peer_sets: NZUsize!(1),
    };
    let (engine, oracle) = simulated::Network::new(context.child("network"), config);
    engine.start();
    let keys: Vec<_> = (0..3).map(validator).collect();
    let set = commonware_utils::ordered::Set::from_iter_dedup(keys.clone());
    commonware_p2p::Manager::track(&mut oracle.manager(), 0, set);
    let mut nodes = Vec::new();
    for (name, key) in ["one", "two", "three"].into_iter().zip(&keys) {
        let mut node = Node::start(context, name).await;
        let block = node.propose(&first(), 1).await;
        node.finalize(&block).await;
        let line = oracle.control(key.clone()).register(0, Quota::per_second(NZU32!(1_000))).await;
        let (sender, receiver) = line.unwrap();
        let databases = node.state.databases().clone();
        let gossip = Gossip::new(node.context.child("gossip"), node.mempool.clone(), databases);
        gossip.start(sender, receiver);
        nodes.push(node);
    }
    for from in &keys {
        for to in keys.iter().filter(|it| *it != from) {
            link(&oracle, from, to).await;
        }
    }
    (oracle, nodes)
}

async fn link(oracle: &Network, from: &crate::PublicKey, to: &crate::PublicKey) {
    let link = Link {
        latency: Duration::from_millis(10),
        jitter: Duration::from_millis(2),
        success_rate: probability!(1.0),
    };
    oracle.add_link(from.clone(), to.clone(), link).await.unwrap();
}

#[test]
fn what_one_node_is_brought_all_have_even_one_that_was_away() {
    run(|context| async move {
        let (oracle, nodes) = network(&context).await;
        let away = validator(2);
        for other in [validator(0), validator(1)] {
            oracle.remove_link(other, away.clone()).await.unwrap();
        }
        nodes[0].put(&signed(2, 0, 0, vec![pay(2, 3, 1)])).await;
        nodes[1].put(&signed(3, 0, 0, vec![pay(3, 2, 1)])).await;
        context.sleep(Duration::from_millis(100)).await;
        let sizes = || nodes.iter().map(|it| it.mempool.size().0).collect::<Vec<_>>();
        assert_eq!(sizes(), [2, 2, 0]);
        for other in [validator(0), validator(1)] {
            link(&oracle, &other, &away).await;
        }
        context.sleep(Duration::from_secs(10)).await;
        assert_eq!(sizes(), [2, 2, 2]);
    });
}

#[test]
fn what_a_peer_says_is_checked_like_what_a_participant_says() {
    run(|context| async move {
        let (oracle, nodes) = network(&context).await;
        let stranger = validator(9);
        let control = oracle.control(stranger.clone());
        let line = control.register(0, Quota::per_second(NZU32!(1_000))).await;
        let (mut sender, _receiver) = line.unwrap();
        let keys = [validator(0), validator(1), validator(2), stranger.clone()];
        let set = commonware_utils::ordered::Set::from_iter_dedup(keys);
        commonware_p2p::Manager::track(&mut oracle.manager(), 1, set);
        link(&oracle, &stranger, &validator(0)).await;
        let good = signed(2, 0, 0, vec![pay(2, 3, 1)]).to_bytes();
        let false_one = sign(signed(2, 0, 1, vec![pay(2, 3, 1)]).envelope, &secret(3)).to_bytes();
        let later = signed(2, 1, 0, vec![pay(2, 3, 1)]).to_bytes();
        let list = |all: &[&Vec<u8>]| {
            all.iter().map(|it| types::Bytes((*it).clone())).collect::<Vec<_>>().to_bytes()
        };
        let cut = {
            let mut message = list(&[&later, &later]);
            message.truncate(message.len() - 1);
            message
        };
        for message in [vec![], vec![0xff; 8], list(&[&false_one, &good]), cut] {
            let to = commonware_p2p::Recipients::One(validator(0));
            commonware_p2p::Sender::send(&mut sender, to, message, false);
        }
        context.sleep(Duration::from_millis(100)).await;
        // The true envelopes that were whole, and not told on: who was brought them tells them.
        let drawn = nodes[0].mempool.draw(&Lanes::new(), 1 << 20);
        assert_eq!(names(&drawn), [(2, 0, 0), (2, 1, 0)]);
        assert_eq!(nodes[1].mempool.size().0, 0);
    });
}

#[test]
fn a_leader_waits_for_something_or_for_a_second() {
    use crate::application::Pace;
    run(|context| async move {
        let mut node = Node::start(&context, "one").await;
        let parent = node.advance(&first(), 1).await;
        let pace = Pace { patience: Duration::from_millis(700), ..Pace::default() };
        let timed = node.application.timed((), pace);
        let time = UNIX_EPOCH + Duration::from_millis(parent.header().time.0);
        // The simulated clock moves on a little whenever a task runs.
        let near = |expected: SystemTime| {
            let late = context.current().duration_since(expected).expect("not before");
            assert!(late <= Duration::from_millis(5), "{late:?} late");
        };
        let begin = context.current();
        // Empty: not before the parent's time and a second, unless its patience ends.
        timed.wait(&context, &parent).await;
        near(begin + Duration::from_millis(700));
        timed.wait(&context, &parent).await;
        near(time + Duration::from_secs(1));
        let begin = context.current();
        timed.wait(&context, &parent).await;
        near(begin);

        // Something comes: at once, but for what comes with it.
        let block = node.advance(&parent, 2).await;
        let begin = context.current();
        let waiting = {
            let (timed, context, block) = (timed.clone(), context.child("paced"), block.clone());
            commonware_runtime::Spawner::spawn(context, move |context| async move {
                timed.wait(&context, &block).await;
            })
        };
        context.sleep(Duration::from_millis(40)).await;
        node.put(&signed(2, 0, 0, vec![pay(2, 3, 1)])).await;
        waiting.await.unwrap();
        near(begin + Duration::from_millis(40) + pace.window);
        // It stands in a block that is not final yet: the next leader does not wake for it.
        let holds = node.propose(&block, 3).await;
        assert_eq!(holds.body().envelopes.len(), 1);
        let begin = context.current();
        timed.wait(&context, &holds).await;
        near(begin + Duration::from_millis(700));
        let begin = context.current();
        timed.wait(&context, &block).await;
        near(begin + pace.window);
    });
}
