//! Certificates of the owners of a share, over random histories.

use std::path::Path;

use crypto::certificate::Certified;
use gateway::Committees;
use ledger::{Event, Instruction, book, row::Row as _};
use types::{LedgerTime, PublicKey, Wire as _};

use super::*;
use crate::{desk::Desk, facts, proof::verdict, validators::Believed};

/// Who opens the accounts and moves what is in them.
const BROKER: &str = "chidori";
const ACCOUNTS: u8 = 40;

fn account(place: u64) -> AccountId {
    AccountId([u8::try_from(place % u64::from(ACCOUNTS)).unwrap() + 0x20; 16])
}

/// Numbers without an end, the same for the same seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

async fn open_accounts(desk: &mut Desk) {
    let open = |place: u8| Instruction::OpenAccount {
        account: account(place.into()),
        spend_key: PublicKey([0; 32]),
        view_key: PublicKey([0; 32]),
        envelope_key: PublicKey([0; 32]),
        class: 0,
        holder: types::Digest([place; 32]),
        // Two accounts to a holder.
        holder_number: [place / 2; 16],
    };
    desk.must(BROKER, (0..ACCOUNTS).map(open).collect()).await.unwrap();
}

/// One movement out of a random account of the broker, of some or all of it, to up to three others.
async fn move_some(desk: &mut Desk, chance: &mut Chance, instrument: InstrumentId) {
    let broker = desk.who(BROKER).unwrap().party;
    let view = desk.view();
    let held: Vec<_> = view
        .registry(instrument)
        .into_iter()
        .filter(|it| view.manager(it.account) == Some(broker))
        .collect();
    let from = &held[usize::try_from(chance.below(held.len() as u64)).unwrap()];
    let parts = 1 + chance.below(3);
    let all = chance.below(3) == 0;
    let mut to = Vec::new();
    for part in 1..=parts {
        let most = u64::try_from(from.quantity).unwrap() / parts;
        let quantity = if all && parts == 1 { most } else { 1 + chance.below(most.max(1)) };
        let to_whom = account(chance.below(ACCOUNTS.into()) + part);
        to.push((to_whom, crypto::Amount::Open(i64::try_from(quantity).unwrap())));
    }
    let asked = Instruction::Allocate { instrument, from: from.account, to };
    desk.ask(BROKER, vec![asked]).await.unwrap();
}

/// The owners by the movements that blocks have told up to a height: not a row is read.
async fn moved(desk: &mut Desk, instrument: InstrumentId, height: u64) -> Vec<(AccountId, i64)> {
    let mut held: BTreeMap<AccountId, i64> = BTreeMap::new();
    for height in 1..=height {
        let block = desk.follower().doors().get(&format!("/v1/blocks/{height}")).await.unwrap();
        let block = Certified::from_bytes(&block.body).unwrap().changes;
        let movements =
            block.events.iter().flat_map(|it| match Event::from_bytes(&it.0).unwrap() {
                Event::Moved { movement } => vec![movement],
                // Both sides of a pair tell of the same movements.
                Event::Settled { instruction, counterpart, movements }
                    if counterpart.is_none_or(|it| instruction < it) =>
                {
                    movements
                }
                _ => Vec::new(),
            });
        for it in movements.filter(|it| it.instrument == instrument) {
            let crypto::Amount::Open(units) = it.amount else { panic!("it is open") };
            *held.entry(it.from).or_default() -= units;
            *held.entry(it.to).or_default() += units;
        }
    }
    held.retain(|account, units| *units != 0 && !book::is_issuance_account(*account));
    held.into_iter().collect()
}

/// The file of all owners as of a moment, as `registry --certificate` makes it.
async fn file(desk: &mut Desk, instrument: InstrumentId, moment: Last) -> (Vec<u8>, Owners, u64) {
    let doors = gateway::Doors::new(desk.follower().doors().urls().to_vec()).unwrap();
    let genesis = desk.folder().read_genesis().unwrap();
    let mut follower = Follower::from_genesis(doors, &genesis);
    door::go_on(&mut follower, Some(moment)).await.unwrap();
    let height = follower.view().height();
    let owners = gateway::proof::owners(follower.view(), instrument).unwrap();
    let key = ledger::issuance::Instrument::key(&instrument);
    let (row, said) = gateway::proof::as_of(&mut follower, &key, moment).await.unwrap();
    assert_eq!(said.height, height);
    let (registry, _) = gateway::proof::registry(row, height, owners.clone()).unwrap();
    (Proof::Registry(registry).to_file(), owners, height)
}

fn is_true(believed: &Committees, file: &[u8]) -> bool {
    verdict(believed, Path::new("a.registry"), file).valid
}

#[test]
fn every_list_of_the_past_is_that_of_the_movements_until_then() {
    crate::stand_in::with_desk("registry", async |desk| {
        crate::day::for_tests(desk).await.unwrap();
        open_accounts(desk).await;
        let [sakura, fuji] = ["SAKURA", "FUJI"].map(|it| desk.facts.instrument(it).instrument);
        let mut chance = Chance(20_260_105);
        let begun = desk.view().height();
        for step in 0..120 {
            move_some(desk, &mut chance, if step % 4 == 0 { fuji } else { sakura }).await;
        }
        let over = desk.view().height();
        for (issuer, instrument) in [("sakura", sakura), ("fuji", fuji)] {
            let attest = Instruction::AttestInstrument { instrument };
            desk.must(issuer, vec![attest]).await.unwrap();
        }
        let believed = Believed::read(&desk.folder().validators()).unwrap();
        let believed = believed.committees();
        // Block n is n milliseconds after the beginning.
        let beginning = desk.view().time().0 - desk.view().height();
        let mut most = Vec::new();
        for turn in 0..24 {
            let height = begun / 2 + chance.below(over - begun / 2);
            let moment = match turn % 2 {
                0 => Last::Height(height),
                _ => Last::Time(LedgerTime(beginning + height)),
            };
            let instrument = if turn % 3 == 0 { fuji } else { sakura };
            let (file, owners, height) = file(desk, instrument, moment).await;
            let replayed = moved(desk, instrument, height).await;
            assert_eq!(owners.iter().collect::<Vec<_>>(), replayed, "{moment:?}");
            assert!(is_true(believed, &file));
            if most.len() < file.len() {
                most = file;
            }
        }
        assert!(most.len() > 1_000 + 20 * 24, "{} bytes", most.len());
        for place in 0..most.len() {
            for pattern in [0x01, 0x10, 0x80, 0x55, 0xff] {
                let mut other = most.clone();
                other[place] ^= pattern;
                assert!(!is_true(believed, &other), "byte {place}");
            }
        }
    });
}

#[test]
fn owners_add_up_by_holder_and_what_changed_is_told() {
    crate::stand_in::with_desk("registry-sums", async |desk| {
        crate::day::for_tests(desk).await.unwrap();
        open_accounts(desk).await;
        let sakura = desk.facts.instrument("SAKURA").instrument;
        let before = desk.view().registry(sakura);
        let from = before.iter().find(|it| it.account == facts::account("ken")).unwrap();
        let to = [0, 1, 2].map(|it| (account(it), crypto::Amount::Open(5))).to_vec();
        let asked = Instruction::Allocate { instrument: sakura, from: from.account, to };
        desk.must(BROKER, vec![asked]).await.unwrap();

        let view = desk.view();
        let of = |value: &Value| value["holders"].as_array().unwrap().clone();
        let by_account = of(&registry_of(view, sakura, false).unwrap());
        let by_holder = registry_of(view, sakura, true).unwrap();
        assert_eq!(by_holder["total"], "10000");
        assert_eq!(by_account.len(), before.len() + 3);
        let by_holder = of(&by_holder);
        assert_eq!(by_holder.len(), before.len() + 2);
        let both = json!({"holder": "00".repeat(16), "accounts": 2, "quantity": "10"});
        assert!(by_holder.contains(&both), "{by_holder:?}");

        let after = view.registry(sakura);
        let changes = changes_of(view, sakura, (&before, &after), false);
        assert_eq!(changes.len(), 4);
        let ken = json!({"account": from.account.to_string(), "holder": hex::encode(from.holder),
            "before": from.quantity.to_string(), "after": (from.quantity - 15).to_string()});
        assert!(changes.contains(&ken), "{changes:?}");
        let changes = changes_of(view, sakura, (&before, &after), true);
        let both = json!({"holder": "00".repeat(16), "before": "0", "after": "10"});
        assert!(changes.len() == 3 && changes.contains(&both), "{changes:?}");
        assert_eq!(changes_of(view, sakura, (&after, &after), false), Vec::<Value>::new());
    });
}
