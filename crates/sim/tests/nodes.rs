//! Nodes of a simulated market: finality, faults, and what comes back.

#![recursion_limit = "512"]

use std::time::Duration;

use chain::{
    PrivateKey,
    door::{Proved, When},
};
use commonware_cryptography::Signer as _;
use commonware_runtime::{Runner as _, Supervisor as _, deterministic};
use crypto::proof::State;
use ledger::{
    Envelope, Genesis, Instruction, Signed,
    governance::{GenesisParty, LaneRow, Party, Roles},
    row::Row as _,
};
use sim::Market;
use types::{
    BusinessDate, Bytes, Committee, Digest, KeyId, Lane, LedgerTime, Lei, PartyId, Sender, Text,
    Validator, Wire as _, Witness,
};

const MINUTE: Duration = Duration::from_secs(60);

fn genesis(keys: &[PrivateKey], epoch_blocks: u64, leader: u8) -> Genesis {
    let lei = Lei::parse("5493001KJTIIGC8Y1R12").unwrap();
    let name = Text::new("someone").unwrap();
    let party = |it: u32| GenesisParty {
        party: PartyId(it),
        row: Party { lei, name: name.clone(), roles: Roles::ALL, suspended: false },
        key: crypto::keys::SecretKey::from_seed([u8::try_from(it).unwrap(); 32]).public(),
    };
    Genesis {
        name: Text::new("simulated").unwrap(),
        time: LedgerTime(1_000),
        date: BusinessDate(20_000),
        epoch_blocks,
        leader,
        parties: (1..=4).map(party).collect(),
        validators: validators(keys),
        parameters: Vec::new(),
    }
}

/// The validators that have these keys, of parties 1, 2, ...
fn validators(keys: &[PrivateKey]) -> Vec<Validator> {
    let validator = |(party, key): (u32, &PrivateKey)| Validator {
        key: chain::block::our_key(&key.public_key()),
        party: PartyId(party),
        address: Text::new("127.0.0.1:1").unwrap(),
    };
    (1..).zip(keys).map(validator).collect()
}

fn run(seed: u64, leader: u8, test: impl AsyncFnOnce(&mut Market) + 'static) {
    let config = deterministic::Config::default().with_seed(seed).with_timeout(Some(MINUTE * 60));
    deterministic::Runner::new(config).start(|context| async move {
        let keys: Vec<_> = (0..4).map(PrivateKey::from_seed).collect();
        let genesis = genesis(&keys, 10, leader);
        let follows = vec![PrivateKey::from_seed(9)];
        let mut market = Market::new(context.child("market"), genesis, keys, follows).await;
        market.start_all().await;
        test(&mut market).await;
    });
}

/// An envelope of party 1: the business day `day` opens.
fn opens(market: &Market, sequence: u64, day: u32) -> Vec<u8> {
    signed(market, sequence, Instruction::OpenDay { date: BusinessDate(day) })
}

/// An envelope of party 1 with one instruction.
fn signed(market: &Market, sequence: u64, instruction: Instruction) -> Vec<u8> {
    let envelope = Envelope {
        chain: market.genesis().chain(),
        sender: Sender::Party(PartyId(1)),
        key: KeyId(0),
        lane: Lane(0),
        sequence,
        expiry: LedgerTime(u64::MAX),
        via: None,
        sealed: Digest([0; 32]),
        instructions: vec![instruction],
    };
    let secret = crypto::keys::SecretKey::from_seed([1; 32]);
    let signature = secret.sign(&envelope.digest().0).to_vec();
    let witnesses = vec![Witness { class: Signed::SIGNATURE, bytes: Bytes(signature) }];
    Signed { envelope, witnesses }.to_bytes()
}

/// The next number of party 1's lane, at a node.
async fn next(market: &Market, node: usize) -> u64 {
    let key = LaneRow::key(&(Sender::Party(PartyId(1)), Lane(0)));
    let rows = market.door(node).unwrap().rows(vec![key.0]).await.unwrap();
    rows[0].as_ref().map_or(0, |row| LaneRow::from_bytes(&row.value).unwrap().next)
}

/// Hands envelope `sequence` to `node` and waits until all nodes that run have it in a final block.
async fn opens_day(market: &Market, node: usize, sequence: u64) {
    let day = 20_001 + u32::try_from(sequence).unwrap();
    let taken = market.door(node).unwrap().submit(opens(market, sequence, day)).await;
    assert_eq!(taken, Ok(Ok(true)), "envelope {sequence} at node {node}");
    for _ in 0..3_000 {
        let mut held = true;
        for node in (0..market.nodes()).filter(|it| market.door(*it).is_some()) {
            held &= next(market, node).await > sequence;
        }
        if held {
            return;
        }
        market.wait(Duration::from_millis(20)).await;
    }
    panic!("envelope {sequence} is not final after a minute: {:?}", market.status());
}

/// The root of the state at the nodes' common height.
fn one_root(market: &Market) -> bool {
    let status: Vec<_> = market.status().into_iter().flatten().collect();
    status.iter().all(|a| status.iter().all(|b| a.height != b.height || a.root == b.root))
}

#[test]
fn a_quiet_market_makes_a_block_a_second_and_epochs_follow() {
    run(1, 0, async |market| {
        assert!(market.reach(35, MINUTE).await, "{:?}", market.status());
        assert!(one_root(market));
        let status: Vec<_> = market.status().into_iter().flatten().collect();
        assert!(status.iter().all(|it| it.epoch >= 3), "{status:?}");
        assert!(status[..4].iter().all(|it| it.voting) && !status[4].voting, "{status:?}");
    });
}

#[test]
fn what_is_handed_over_at_any_node_is_final_at_all_within_moments() {
    run(2, 0, async |market| {
        assert!(market.reach(2, MINUTE).await);
        for sequence in 0..6 {
            let before = market.now();
            opens_day(market, usize::try_from(sequence).unwrap() % 5, sequence).await;
            let took = market.now().0 - before.0;
            assert!(took < 500, "final after {took} ms");
        }
        assert!(one_root(market));
        let again = market.door(1).unwrap().submit(opens(market, 3, 20_004)).await;
        assert_eq!(again, Ok(Err(chain::mempool::Refused::NumberUsed { next: 6 })));
    });
}

#[test]
fn leaders_that_stay_serve_until_they_are_killed() {
    run(3, 1, async |market| {
        assert!(market.reach(12, MINUTE).await, "{:?}", market.status());
        let leader = market.status()[0].as_ref().unwrap().leader;
        let killed = market.node_of(&leader).unwrap();
        market.kill(killed).await;
        let height = market.status().into_iter().flatten().map(|it| it.height).max().unwrap();
        assert!(market.reach(height + 5, MINUTE).await, "{:?}", market.status());
        market.start(killed).await;
        assert!(market.reach(height + 8, MINUTE).await, "{:?}", market.status());
        assert!(one_root(market));
    });
}

#[test]
fn one_of_four_is_killed_under_load_and_comes_back() {
    run(4, 0, async |market| {
        assert!(market.reach(3, MINUTE).await);
        opens_day(market, 0, 0).await;
        market.kill(2).await;
        for sequence in 1..12 {
            opens_day(market, usize::try_from(sequence).unwrap() % 2, sequence).await;
        }
        market.start(2).await;
        opens_day(market, 2, 12).await;
        assert!(one_root(market));
    });
}

#[test]
fn two_of_four_stand_still_and_go_on() {
    run(5, 0, async |market| {
        assert!(market.reach(3, MINUTE).await);
        opens_day(market, 0, 0).await;
        market.kill(1).await;
        market.kill(2).await;
        market.wait(Duration::from_secs(5)).await;
        let stood = market.status()[0].as_ref().unwrap().height;
        market.wait(MINUTE).await;
        assert_eq!(
            market.status()[0].as_ref().unwrap().height,
            stood,
            "two of four decide nothing"
        );
        let taken = market.door(0).unwrap().submit(opens(market, 1, 20_002)).await;
        assert_eq!(taken, Ok(Ok(true)), "it waits");
        market.start(1).await;
        market.start(2).await;
        assert!(market.reach(stood + 3, MINUTE).await, "{:?}", market.status());
        assert_eq!(next(market, 0).await, 2, "nothing is lost");
        assert!(one_root(market));
    });
}

#[test]
fn all_are_killed_at_once_and_nothing_is_lost() {
    run(6, 0, async |market| {
        assert!(market.reach(3, MINUTE).await);
        for sequence in 0..5 {
            opens_day(market, 3, sequence).await;
        }
        let height = market.status()[0].as_ref().unwrap().height;
        for node in 0..5 {
            market.kill(node).await;
        }
        market.start_all().await;
        assert!(market.reach(height + 2, MINUTE).await, "{:?}", market.status());
        assert_eq!(next(market, 4).await, 5);
        opens_day(market, 0, 5).await;
        assert!(one_root(market));
    });
}

#[test]
fn who_lost_everything_follows_at_once_and_votes_from_the_next_epoch() {
    run(7, 0, async |market| {
        assert!(market.reach(13, MINUTE).await);
        opens_day(market, 0, 0).await;
        market.wipe(3).await;
        market.wait(Duration::from_secs(2)).await;
        let epoch = market.status()[0].as_ref().unwrap().epoch;
        let height = market.status()[0].as_ref().unwrap().height;
        market.start(3).await;
        assert!(market.reach(height + 1, Duration::from_secs(20)).await, "{:?}", market.status());
        let status = market.status()[3].clone().unwrap();
        assert!(!status.voting || status.epoch > epoch, "{status:?}");
        assert!(market.reach((epoch + 2) * 10 + 1, MINUTE).await, "{:?}", market.status());
        assert!(market.status()[3].as_ref().unwrap().voting, "{:?}", market.status()[3]);
        opens_day(market, 3, 1).await;
        assert!(one_root(market));
    });
}

/// What happens to node 2, and then it only follows until the next epoch.
async fn follows_for_an_epoch(market: &mut Market, part: &str, seen: &str) {
    let epoch = market.status()[0].as_ref().unwrap().epoch;
    let height = market.status()[0].as_ref().unwrap().height;
    market.start(2).await;
    assert!(market.reach(height + 2, MINUTE).await, "{:?}", market.status());
    let status = market.status()[2].clone().unwrap();
    assert!(!status.voting || status.epoch > epoch, "{part} {seen}: {status:?}");
    // It does not forget that it has lost them.
    market.kill(2).await;
    market.start(2).await;
    assert!(market.reach(height + 4, MINUTE).await, "{:?}", market.status());
    let status = market.status()[2].clone().unwrap();
    assert!(!status.voting || status.epoch > epoch, "{part} {seen}: {status:?}");
    assert!(market.reach((epoch + 1) * 10 + 1, MINUTE).await, "{:?}", market.status());
    assert!(market.status()[2].as_ref().unwrap().voting, "{part} {seen}");
}

#[test]
fn who_lost_its_votes_alone_votes_from_the_next_epoch() {
    run(12, 0, async |market| {
        assert!(market.reach(13, MINUTE).await);
        market.lose(2, "votes-1").await;
        follows_for_an_epoch(market, "votes-1", "gone").await;
        assert!(market.reach(23, MINUTE).await);
        market.flip(2, "votes-2").await;
        follows_for_an_epoch(market, "votes-2", "damaged").await;
        assert!(market.reach(33, MINUTE).await);
        market.lose(2, "votes-begun").await;
        follows_for_an_epoch(market, "votes-begun", "gone").await;
        assert!(market.reach(43, MINUTE).await);
        market.kill(2).await;
        market.start(2).await;
        assert!(market.reach(45, MINUTE).await, "{:?}", market.status());
        assert!(market.status()[2].as_ref().unwrap().voting, "what is whole is trusted");
        assert!(one_root(market));
    });
}

#[test]
fn the_set_of_validators_changes_with_an_epoch() {
    let config = deterministic::Config::default().with_seed(14).with_timeout(Some(MINUTE * 60));
    deterministic::Runner::new(config).start(|context| async move {
        let keys: Vec<_> = (0..5).map(PrivateKey::from_seed).collect();
        let begins = genesis(&keys[..4], 10, 0);
        let mut market =
            Market::new(context.child("market"), begins, keys.clone(), Vec::new()).await;
        market.start_all().await;
        assert!(market.reach(3, MINUTE).await);
        let votes = |market: &Market| -> Vec<bool> {
            market.status().into_iter().flatten().map(|it| it.voting).collect()
        };
        assert_eq!(votes(&market), [true, true, true, true, false]);
        // Party 1 leaves, the fifth node votes in its place.
        let set = Instruction::SetValidators { validators: validators(&keys[1..]) };
        let taken = market.door(0).unwrap().submit(signed(&market, 0, set)).await;
        assert_eq!(taken, Ok(Ok(true)));
        assert!(market.reach(22, MINUTE).await, "{:?}", market.status());
        assert_eq!(votes(&market), [false, true, true, true, true]);
        // The new set decides without the one that left.
        market.kill(0).await;
        opens_day(&market, 4, 1).await;
        market.start(0).await;
        opens_day(&market, 2, 2).await;
        assert_eq!(votes(&market), [false, true, true, true, true]);
        assert!(one_root(&market));
    });
}

#[test]
fn what_is_gone_is_named_before_a_node_starts() {
    let parts = [
        ("archive-headers_data", "archive"),
        ("archive-changes-values", "archive"),
        ("state-192-log-blobs", "state-192-log-blobs is damaged: it is gone"),
        ("state-2112-tree-blobs", "state-2112-tree-blobs is damaged: it is gone"),
        ("blocks-keys", "blocks"),
    ];
    for (part, named) in parts {
        run(13, 0, async move |market| {
            assert!(market.reach(12, MINUTE).await);
            market.lose(4, part).await;
            let why = market.try_start(4).await.expect_err(part);
            assert!(why.contains(named), "{part}: {why}");
        });
    }
}

#[test]
fn who_was_cut_off_for_epochs_comes_back() {
    run(8, 0, async |market| {
        assert!(market.reach(3, MINUTE).await);
        market.cut(1).await;
        market.wait(MINUTE).await;
        let height = market.status()[0].as_ref().unwrap().height;
        assert!(height > 30, "{:?}", market.status());
        assert!(market.status()[1].as_ref().unwrap().height < 10);
        market.join(1).await;
        assert!(market.reach(height + 2, MINUTE).await, "{:?}", market.status());
        assert!(one_root(market));
    });
}

#[test]
fn a_row_that_changed_often_is_proved_as_of_each_height() {
    run(15, 0, async |market| {
        assert!(market.reach(2, MINUTE).await);
        let lane = LaneRow::key(&(Sender::Party(PartyId(1)), Lane(0)));
        let mut changed = Vec::new();
        // More often than is read back at once.
        for sequence in 0..100 {
            opens_day(market, 0, sequence).await;
            let row = market.door(0).unwrap().rows(vec![lane.0]).await.unwrap().remove(0);
            changed.push(row.expect("it stands").changed);
        }
        let newest = market.status()[0].as_ref().unwrap().height;
        assert!(market.reach(newest + 3, MINUTE).await);
        let validators = market.genesis().validators.clone();
        // By the validators of now, and the first of their certificates that is late enough.
        let (epoch, mut sooner) = (market.status()[0].as_ref().unwrap().epoch, 0);
        for (next, height) in (1..).zip(&changed) {
            let proved = market.door(0).unwrap().prove(lane.0, When::Height(*height)).await;
            let Ok(Some(Proved::Shown(proof))) = proved else { panic!("{height}: {proved:?}") };
            let committee = Committee::of(proof.newest.epoch, validators.clone());
            assert_eq!(proof.check(&market.genesis().chain(), &committee), Ok(*height));
            let State::Had { value, .. } = &proof.state else { panic!("{:?}", proof.state) };
            assert_eq!(LaneRow::from_bytes(&value.0), Ok(LaneRow { next }));
            assert_eq!(proof.newest.epoch, epoch);
            if *height >= epoch * 10 {
                sooner += 1;
                assert!(proof.newest.height < height + 8, "{height}: {}", proof.newest.height);
            }
        }
        assert!(sooner > 0, "some changes are of this epoch");
        let before = When::Height(changed[0] - 1);
        let proved = market.door(0).unwrap().prove(lane.0, before).await;
        let Ok(Some(Proved::Shown(proof))) = proved else { panic!("{proved:?}") };
        assert!(matches!(proof.state, State::WasNot { .. }), "{:?}", proof.state);
    });
}

#[test]
fn the_same_seed_gives_the_same_blocks() {
    let roots = |seed| {
        let (say, said) = std::sync::mpsc::channel();
        run(seed, 0, async move |market| {
            assert!(market.reach(3, MINUTE).await);
            opens_day(market, 1, 0).await;
            opens_day(market, 2, 1).await;
            say.send(market.status()).unwrap();
        });
        said.recv().unwrap()
    };
    assert_eq!(roots(11), roots(11));
    assert_ne!(roots(11), roots(12));
}
