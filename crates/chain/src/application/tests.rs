//! Blocks executed by nodes with different histories, on forks, after restarts; and what is refused.

use commonware_cryptography::Digestible as _;
use commonware_glue::stateful::Finality::Candidate;
use commonware_runtime::{Clock as _, Runner as _, Spawner as _, Supervisor as _, deterministic};
use ledger::{Envelope, Instruction, Signed, forward::Forwarded, governance::ParameterName};
use types::{Bytes, KeyId, LedgerTime, PublicKey, Wire as _};

use crate::{
    block::{BadBlock, Block, Body, Carried, Shown},
    mempool::Refused,
    testing::*,
};

/// What stands in the state, as roots and ranges.
async fn ranges(node: &Node) -> Vec<types::DatabaseRange> {
    node.state.ranges().await
}

/// Block 1 is final; the morning's envelopes wait.
async fn begin(node: &mut Node) -> Block {
    let block = node.advance(&first(), 1).await;
    for it in morning() {
        node.put(&it).await;
    }
    block
}

/// A day of payments, some of which wait, in blocks of their own. The chain from block 1 on.
async fn day(node: &mut Node) -> Vec<Block> {
    let mut chain = vec![first()];
    let steps = [
        vec![],
        morning(),
        vec![signed(2, 0, 1, vec![pay(2, 3, 30)]), signed(3, 0, 1, vec![pay(3, 2, 500)])],
        vec![],
        vec![signed(4, 1, 0, vec![pay(4, 5, 150)]), signed(5, 1, 0, vec![pay(5, 4, 120)])],
        vec![signed(2, 0, 2, vec![pay(2, 3, 50), pay(2, 3, 999)])],
        vec![signed(1, 9, 0, vec![open_day()])],
    ];
    for (view, step) in (1..).zip(steps) {
        for it in &step {
            node.put(it).await;
        }
        let block = node.advance(chain.last().unwrap(), view).await;
        assert_eq!(block.body().envelopes.len(), step.len());
        chain.push(block);
    }
    chain.split_off(1)
}

fn open_day() -> Instruction {
    Instruction::OpenDay { date: types::BusinessDate(20_001) }
}

fn parameter(value: i64) -> Instruction {
    Instruction::SetParameter { name: ParameterName::AffirmWithin, value }
}

#[test]
fn nodes_with_different_histories_have_equal_roots() {
    run(|context| async move {
        let mut one = Node::start(&context, "one").await;
        let chain = day(&mut one).await;

        // One that votes on all of them and on others besides, one that only replays what is final.
        let mut two = Node::start(&context, "two").await;
        let mut three = Node::start(&context, "three").await;
        let mut parent = first();
        for block in &chain {
            let stray = two.propose(&parent, 90).await;
            assert_ne!(stray.digest(), block.digest());
            assert!(two.process(block, Candidate).await);
            two.finalize(block).await;
            three.finalize(block).await;
            assert_eq!(ranges(&two).await, block.databases());
            parent = block.clone();
        }
        for node in [&two, &three] {
            assert_eq!(ranges(node).await, ranges(&one).await);
            assert_eq!(*node.told.0.lock().unwrap(), *one.told.0.lock().unwrap());
        }
        assert!((5_007..5_020).contains(&chain[0].header().time.0));
    });
}

#[test]
fn what_is_told_of_a_block_is_under_its_roots_and_heads_follow_each_other() {
    run(|context| async move {
        let mut node = Node::start(&context, "one").await;
        let chain = day(&mut node).await;
        let told = node.told.0.lock().unwrap().clone();
        assert_eq!(told.len(), chain.len());
        let mut headers = crypto::merkle::Peaks::default();
        let mut parent = first();
        let mut changed = std::collections::BTreeMap::new();
        for (block, changes) in told {
            assert_eq!(changes.header, *block.header());
            assert_eq!(changes.root(), block.header().changes_root);
            headers.append(crypto::merkle::leaf(&parent.digest().0));
            let root = headers.root(crypto::merkle::domain::HEADERS);
            assert_eq!(root, block.header().headers_root);
            assert_eq!(block.header().parent.0, parent.digest().0);
            for change in &changes.changes {
                let height = block.header().height;
                let before = changed.insert(change.key, (height, change.new.clone()));
                assert_eq!(before.clone().map_or(0, |it| it.0), change.previous);
                assert_eq!(before.and_then(|it| it.1), change.old);
            }
            parent = block;
        }
        assert!(changed.len() > 20);
        // A block in which nothing happens changes nothing that is proved.
        let empty = node.advance(&parent, 20).await;
        assert!(empty.body().envelopes.is_empty());
        let (_, changes) = node.told.0.lock().unwrap().last().unwrap().clone();
        assert_eq!((changes.changes.len(), changes.events.len()), (0, 0));
    });
}

#[test]
fn the_first_block_writes_the_rows_of_genesis() {
    run(|context| async move {
        let mut node = Node::start(&context, "one").await;
        let block = node.advance(&first(), 1).await;
        let (_, changes) = node.told.0.lock().unwrap()[0].clone();
        // Five parties with a key each, the date, and one part of the validators.
        assert_eq!(changes.changes.len(), 12);
        assert!(changes.changes.iter().all(|it| it.previous == 0 && it.old.is_none()));
        let second = node.advance(&block, 2).await;
        assert_eq!(node.told.0.lock().unwrap()[1].1.changes, []);
        assert_eq!(second.header().height, 2);
    });
}

#[test]
fn the_last_block_of_an_epoch_carries_the_next_committee() {
    run(|context| async move {
        let mut node = Node::start(&context, "one").await;
        let mut block = first();
        for view in 1..EPOCH * 2 {
            let five: Vec<_> = (0..5).map(validator_of).collect();
            if view == EPOCH + 2 {
                let named = vec![Instruction::SetValidators { validators: five }];
                node.put(&signed(1, 0, 0, named)).await;
            }
            block = node.advance(&block, view).await;
            assert_eq!(block.committee().is_some(), view % EPOCH == EPOCH - 1);
            if let Some(committee) = block.committee() {
                assert_eq!(committee.epoch, view / EPOCH + 1);
                assert_eq!(committee.validators.len(), if view < EPOCH { 4 } else { 5 });
                assert!(committee.validators.is_sorted_by(|a, b| a.key < b.key));
            }
        }
    });
}

fn validator_of(seed: u64) -> types::Validator {
    types::Validator {
        key: crate::block::our_key(&validator(seed)),
        party: types::PartyId(1),
        address: text("localhost:1"),
    }
}

/// The same block with another header, if it still has a block's form.
fn altered(block: &Block, alter: impl FnOnce(&mut types::Header)) -> Result<Block, BadBlock> {
    let mut header = block.header().clone();
    alter(&mut header);
    Block::new(header, block.body().clone(), market().form())
}

#[test]
fn a_block_with_any_field_of_its_header_altered_is_refused() {
    run(|context| async move {
        let mut one = Node::start(&context, "one").await;
        let genesis = begin(&mut one).await;
        let parent = one.advance(&genesis, 2).await;
        one.put(&signed(2, 0, 1, vec![pay(2, 3, 30)])).await;
        let block = one.propose(&parent, 3).await;
        let mut two = Node::start(&context, "two").await;
        two.finalize(&genesis).await;
        two.finalize(&parent).await;

        let alterations: [fn(&mut types::Header); 16] = [
            |it| it.version = 2,
            |it| it.chain.0[0] ^= 1,
            |it| it.time = LedgerTime(5_000),
            |it| it.epoch = 1,
            |it| it.leader = PublicKey([2; 32]),
            |it| it.state_format = 2,
            |it| it.databases.0[0].root.0[0] ^= 1,
            |it| it.databases.0[1].start += 1,
            |it| it.databases.0[2].end += 1,
            |it| it.databases.0[2].end = 0,
            |it| it.databases.0.truncate(2),
            |it| it.databases.0.clear(),
            |it| it.changes_root.0[0] ^= 1,
            |it| it.instructions_root.0[0] ^= 1,
            |it| it.witness_root.0[0] ^= 1,
            |it| it.headers_root.0[0] ^= 1,
        ];
        for (which, alter) in alterations.into_iter().enumerate() {
            if let Ok(other) = altered(&block, alter) {
                assert!(!two.process(&other, Candidate).await, "alteration {which}");
            }
        }
        // Another view or leader, and a time that is above the parent's, make another block, which is
        // consensus's to choose: what the vote is asked for is the context of this one.
        assert!(two.process(&block, Candidate).await);
    });
}

/// A block with this body under the roots of that body, and else the header of `block`.
fn with_body(block: &Block, alter: impl FnOnce(&mut Body)) -> Block {
    let (mut header, mut body) = (block.header().clone(), block.body().clone());
    alter(&mut body);
    header.instructions_root = body.instructions_root();
    header.witness_root = body.witness_root();
    Block::new(header, body, market().form()).unwrap()
}

#[test]
fn a_block_with_a_failing_missing_or_extra_witness_is_refused_whoever_proposes_it() {
    run(|context| async move {
        let mut one = Node::start(&context, "one").await;
        let parent = begin(&mut one).await;
        let block = one.propose(&parent, 2).await;
        let mut two = Node::start(&context, "two").await;
        two.finalize(&parent).await;
        let witness = |body: &mut Body, at: usize| match &mut body.envelopes[at].witnesses[0] {
            Shown::Whole(witness) => witness.bytes.0.clone(),
            Shown::Dropped(_) => panic!(),
        };
        let put = |body: &mut Body, at: usize, bytes: Vec<u8>| {
            let witness = types::Witness { class: 0, bytes: Bytes(bytes) };
            body.envelopes[at].witnesses = vec![Shown::Whole(witness)];
        };
        // Seen as true once, and false in another block all the same.
        for node in [&mut one, &mut two] {
            for at in 0..block.body().envelopes.len() {
                let false_one = with_body(&block, |body| {
                    let mut bytes = witness(body, at);
                    bytes[40] ^= 1;
                    put(body, at, bytes);
                });
                assert!(!node.process(&false_one, Candidate).await, "signature {at}");
                let missing = with_body(&block, |body| body.envelopes[at].witnesses.clear());
                assert!(!node.process(&missing, Candidate).await, "no signature {at}");
                let extra = with_body(&block, |body| {
                    let witness = body.envelopes[at].witnesses[0].clone();
                    body.envelopes[at].witnesses.push(witness);
                });
                assert!(!node.process(&extra, Candidate).await, "two signatures {at}");
            }
            let exchanged = with_body(&block, |body| {
                let (a, b) = (witness(body, 0), witness(body, 1));
                put(body, 0, b);
                put(body, 1, a);
            });
            assert!(!node.process(&exchanged, Candidate).await);
            let long = with_body(&block, |body| {
                let mut bytes = witness(body, 0);
                bytes.push(0);
                put(body, 0, bytes);
            });
            assert!(!node.process(&long, Candidate).await);
        }
        assert!(two.process(&block, Candidate).await);
    });
}

#[test]
fn a_block_with_an_inadmissible_envelope_is_refused_and_a_leader_leaves_it_out() {
    run(|context| async move {
        let mut one = Node::start(&context, "one").await;
        let parent = begin(&mut one).await;
        let block = one.propose(&parent, 2).await;
        let unfit =
            |it: ledger::Signed| with_body(&block, |body| body.envelopes.push(Carried::from(it)));
        let stranger = sign(signed(9, 0, 0, vec![parameter(5_000)]).envelope, &secret(9));
        let other_key = {
            let mut envelope = signed(2, 3, 0, vec![parameter(5_000)]).envelope;
            envelope.key = KeyId(7);
            sign(envelope, &secret(2))
        };
        let other_chain = {
            let mut envelope = signed(2, 3, 0, vec![parameter(5_000)]).envelope;
            envelope.chain.0[0] ^= 1;
            sign(envelope, &secret(2))
        };
        let cases = [
            signed(2, 0, 0, vec![parameter(5_000)]),
            signed(2, 0, 6, vec![parameter(5_000)]),
            signed(2, 3, 0, vec![]),
            stranger,
            other_key,
            other_chain,
        ];
        let mut two = Node::start(&context, "two").await;
        two.finalize(&parent).await;
        for (which, it) in cases.into_iter().enumerate() {
            assert!(!two.process(&unfit(it), Candidate).await, "case {which}");
        }
        // A true envelope that its header does not account for.
        let more = unfit(signed(2, 3, 0, vec![parameter(5_000)]));
        assert!(!two.process(&more, Candidate).await);
        let less = with_body(&block, |body| {
            body.envelopes.pop();
        });
        assert!(!two.process(&less, Candidate).await);
        assert!(two.process(&block, Candidate).await);

        // What became unfit while it waited is left out, and does not wait any longer.
        two.finalize(&block).await;
        let revoke = Instruction::RevokeKey { party: types::PartyId(3), key: KeyId(0) };
        two.put(&signed(3, 5, 0, vec![pay(3, 2, 1)])).await;
        two.put(&signed(1, 5, 0, vec![revoke])).await;
        let revoked = two.advance(&block, 3).await;
        // Parties are drawn in turn, so the revocation stands before or after what its key signed.
        assert!([1, 2].contains(&revoked.body().envelopes.len()));
        let next = two.advance(&revoked, 4).await;
        assert!(next.body().envelopes.is_empty());
        assert_eq!(two.mempool.size(), (0, 0));
        let late = signed(3, 5, 1, vec![pay(3, 2, 1)]);
        let refused = two
            .mempool
            .submit(two.state.databases(), std::time::UNIX_EPOCH, &[late.to_bytes()])
            .await;
        assert_eq!(refused.unwrap(), [Err(Refused::KeyUnknown)]);
    });
}

#[test]
fn a_key_of_the_same_block_signs_and_a_revoked_one_does_not() {
    run(|context| async move {
        let mut one = Node::start(&context, "one").await;
        let add = Instruction::AddKey {
            party: types::PartyId(2),
            key: KeyId(1),
            public: secret(77).public(),
        };
        let parent = one.advance(&first(), 1).await;
        one.put(&signed(2, 0, 0, vec![add])).await;
        let block = one.propose(&parent, 2).await;
        // A proposer of another build puts an envelope of the new key into the same block.
        let mut envelope = signed(2, 0, 1, vec![pay(2, 3, 1)]).envelope;
        envelope.key = KeyId(1);
        let with_new_key = sign(envelope.clone(), &secret(77));
        let with_old_key = sign(envelope, &secret(2));
        let carried: Vec<Carried> = block.body().envelopes.clone();
        let build = async |node: &mut Node, it: ledger::Signed| {
            let offered = carried.iter().cloned().chain([Carried::from(it)]).collect();
            let place = crate::execute::Place::of(block.header());
            let draft = node.state.draft().await;
            let index = crate::index::Index::default();
            crate::execute::build(&market(), index, place, offered, draft).await.unwrap()
        };
        let good = build(&mut one, with_new_key).await;
        assert_eq!((good.block.body().envelopes.len(), good.left_out.len()), (2, 0));
        let bad = build(&mut one, with_old_key).await;
        assert_eq!(bad.block.body().envelopes.len(), 1);
        assert_eq!(bad.left_out[0].1, crate::execute::Unfit::Signature);
        let mut two = Node::start(&context, "two").await;
        two.finalize(&parent).await;
        assert!(two.process(&good.block, Candidate).await);
        assert!(two.process(&bad.block, Candidate).await);
    });
}

#[test]
fn a_time_that_is_not_above_the_parents_is_refused_for_ever() {
    run(|context| async move {
        let mut one = Node::start(&context, "one").await;
        let parent = one.advance(&first(), 1).await;
        let time = parent.header().time;
        // A clock that stands behind the parent's time proposes one millisecond after it.
        let place = |time| crate::execute::Place {
            height: 2,
            time,
            view: 2,
            parent_view: 1,
            parent: types::Digest(parent.digest().0),
            ..crate::execute::Place::of(parent.header())
        };
        for (time, valid) in [(time.0 - 1, false), (time.0, false), (time.0 + 1, true)] {
            let draft = one.state.draft().await;
            let index = crate::index::Index::default();
            let place = place(LedgerTime(time));
            let built = crate::execute::build(&market(), index, place, vec![], draft).await;
            assert_eq!(one.process(&built.unwrap().block, Candidate).await, valid, "{time}");
        }
        let ahead = one.propose(&parent, 3).await;
        assert_eq!(ahead.header().time, LedgerTime(time.0 + 1));
    });
}

#[test]
fn each_fork_has_its_own_index_and_the_losing_one_is_forgotten() {
    run(|context| async move {
        let mut node = Node::start(&context, "one").await;
        let genesis = begin(&mut node).await;
        let root = node.advance(&genesis, 2).await;
        // In one fork 2 waits for cover; in the other it is paid. Both are built on.
        node.put(&signed(2, 0, 1, vec![pay(2, 3, 150)])).await;
        let waits = node.propose(&root, 3).await;
        let empty = {
            let draft = node.state.draft().await;
            let place =
                crate::execute::Place { view: 4, ..crate::execute::Place::of(waits.header()) };
            let index = crate::index::Index::default();
            crate::execute::build(&market(), index, place, vec![], draft).await.unwrap().block
        };
        assert!(node.process(&empty, Candidate).await);
        let late = node.propose(&waits, 5).await;
        assert!(late.body().envelopes.is_empty(), "what stands in its parent is not drawn again");
        node.put(&signed(3, 0, 1, vec![pay(3, 2, 60)])).await;
        let settles = node.propose(&waits, 6).await;
        let nothing_waits = node.propose(&empty, 7).await;
        assert_eq!(settles.body().envelopes.len(), 1);
        assert_eq!(nothing_waits.body().envelopes.len(), 2);

        node.finalize(&waits).await;
        node.finalize(&settles).await;
        let mut two = Node::start(&context, "two").await;
        for block in [&genesis, &root, &waits, &settles] {
            two.finalize(block).await;
        }
        assert_eq!(ranges(&two).await, ranges(&node).await);
        let told = node.told.0.lock().unwrap().clone();
        assert_eq!(told.len(), 4);
        // The waiting payment settled when it was covered.
        assert!(told[3].1.changes.len() > told[2].1.changes.len());
        assert_eq!(node.mempool.size(), (0, 0));
    });
}

#[test]
fn a_node_that_restarts_in_the_middle_goes_on_with_the_same_roots() {
    let (chain, checkpoint) =
        deterministic::Runner::default().start_and_recover(|context| async move {
            let mut whole = Node::start(&context, "whole").await;
            let chain = day(&mut whole).await;
            let mut node = Node::start(&context, "node").await;
            for block in &chain[..3] {
                node.finalize(block).await;
            }
            // Two forks above what is final: one will win, the other was seen too.
            assert!(node.process(&chain[3], Candidate).await);
            node.propose(&chain[2], 50).await;
            chain
        });
    deterministic::Runner::from(checkpoint).start(|context| async move {
        let mut node = Node::start(&context, "node").await;
        node.learn(&chain[2]);
        // First a fork that loses, then the one that wins, then the rest.
        let stray = node.propose(&chain[2], 51).await;
        assert_eq!(stray.header().height, 4);
        for block in &chain[3..] {
            assert!(node.process(block, Candidate).await, "{}", block.header().height);
            node.finalize(block).await;
        }
        let mut whole = Node::start(&context, "whole").await;
        assert_eq!(ranges(&whole).await, ranges(&node).await);
        whole.learn(chain.last().unwrap());
        node.learn(chain.last().unwrap());
        let next = whole.advance(chain.last().unwrap(), 60).await;
        assert!(node.process(&next, Candidate).await);
    });
}

#[test]
fn nothing_is_executed_before_the_state_is_scanned() {
    run(|context| async move {
        let mut node = Node::start(&context, "one").await;
        let block = node.propose(&first(), 1).await;
        let closed = Node::closed(&context, "two").await;
        let opener = closed.application.clone();
        let state = closed.state.databases().clone();
        let waiting = context.child("waiting").spawn(move |_| async move {
            let mut closed = closed;
            assert!(closed.process(&block, Candidate).await);
        });
        commonware_runtime::Clock::sleep(&context, std::time::Duration::from_secs(60)).await;
        let mut waiting = Box::pin(waiting);
        assert!(futures::poll!(&mut waiting).is_pending());
        opener.open(&state, |_| ()).await.unwrap();
        waiting.await.unwrap();
    });
}

#[test]
fn a_full_block_leaves_the_rest_for_the_next() {
    run(|context| async move {
        let mut node = Node::start(&context, "one").await;
        let genesis = begin(&mut node).await;
        let mut block = node.advance(&genesis, 2).await;
        // Envelopes of about 65 KB, all refused, for the account is another's: sixteen fill a block.
        for sequence in 1..=40 {
            node.put(&signed(2, 0, sequence, vec![pay(3, 2, 1); 1_000])).await;
        }
        let mut counts = Vec::new();
        for view in 3..=5 {
            block = node.advance(&block, view).await;
            assert!(block.bytes().len() <= crate::block::BLOCK_MAX as usize);
            counts.push(block.body().envelopes.len());
        }
        assert_eq!(counts.iter().sum::<usize>(), 40, "{counts:?}");
        assert!(counts[0] > 8 && counts[0] == counts[1], "{counts:?}");
        let mut two = Node::start(&context, "two").await;
        let told = node.told.0.lock().unwrap().clone();
        for (block, _) in told {
            assert!(two.process(&block, Candidate).await);
            two.finalize(&block).await;
        }
    });
}

/// A member's order for party 1, the venue: of nothing, but it stands, and moves the lane on.
fn ordered(party: u32, sequence: u64) -> Signed {
    let mut it = signed(party, 0, sequence, vec![]).envelope;
    let order = types::InstructionId { sender: it.sender, lane: it.lane, sequence, index: 0 };
    it.instructions = vec![Instruction::CancelOrder { order }];
    sign(Envelope { via: Some(types::PartyId(1)), ..it }, &secret(party))
}

/// The venue's envelope with these of its members.
fn forwarding(sequence: u64, members: &[Signed]) -> Signed {
    let envelopes = members.iter().map(|it| Forwarded::of(&it.envelope).unwrap()).collect();
    let mut all = signed(1, 3, sequence, vec![Instruction::Forward { envelopes }]);
    all.witnesses.extend(members.iter().flat_map(|it| it.witnesses.clone()));
    all
}

#[test]
fn what_a_venue_forwards_stands_with_the_signature_of_each_member() {
    run(|context| async move {
        let mut one = Node::start(&context, "one").await;
        let parent = begin(&mut one).await;
        let parent = one.advance(&parent, 2).await;
        let members = [ordered(2, 1), ordered(3, 1), ordered(2, 2)];
        let good = forwarding(0, &members);
        let altered = |alter: &dyn Fn(&mut Signed)| {
            let mut it = good.clone();
            alter(&mut it);
            it.to_bytes()
        };
        for (bytes, refused) in [
            (members[0].to_bytes(), Refused::Via),
            (altered(&|it| drop(it.witnesses.pop())), Refused::Witnesses),
            (altered(&|it| it.witnesses.push(it.witnesses[0].clone())), Refused::Witnesses),
            (altered(&|it| it.witnesses.swap(1, 3)), Refused::Signature),
            (altered(&|it| it.witnesses[2].bytes.0[9] ^= 1), Refused::Signature),
        ] {
            let taken =
                one.mempool.submit(one.state.databases(), context.current(), &[bytes]).await;
            assert_eq!(taken.unwrap(), [Err(refused)]);
        }
        // One that a member sent beside, and that the forwarded ones will have passed.
        one.put(&signed(2, 0, 2, vec![pay(2, 3, 1)])).await;
        one.put(&good).await;
        let block = one.propose(&parent, 3).await;
        assert_eq!(block.body().envelopes.len(), 1);
        let mut two = Node::start(&context, "two").await;
        let told: Vec<Block> = one.told.0.lock().unwrap().iter().map(|it| it.0.clone()).collect();
        for earlier in &told {
            two.finalize(earlier).await;
        }
        let false_one = with_body(&block, |body| {
            let Shown::Whole(witness) = &mut body.envelopes[0].witnesses[3] else { panic!() };
            witness.bytes.0[40] ^= 1;
        });
        let missing = with_body(&block, |body| drop(body.envelopes[0].witnesses.pop()));
        for node in [&mut one, &mut two] {
            assert!(!node.process(&false_one, Candidate).await);
            assert!(!node.process(&missing, Candidate).await);
        }
        assert!(two.process(&block, Candidate).await);
        one.finalize(&block).await;
        assert_eq!(one.mempool.size(), (0, 0), "the lanes of members have moved on too");
        one.put(&signed(2, 0, 3, vec![pay(2, 3, 1)])).await;
        let block = one.advance(&block, 4).await;
        assert_eq!(block.body().envelopes.len(), 1);
    });
}
