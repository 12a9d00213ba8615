//! A market in memory with sealed amounts: what each reads of it, and what a broken check of proofs lets through.

use std::collections::BTreeMap;

use ::proof::{Proof, Secret, seal, view_key};
use crypto::{
    Amount, Shown,
    changes::{BlockChanges, Change},
    keys::SecretKey,
};
use ledger::{
    Envelope, Event, Instruction, Key, Signed, Value,
    book::sealed::{Cover, SealedPosition},
    issuance::Kind,
    memory::Memory,
    script,
    settlement::{Legs, Priority, SealedTerms, Status, Terms},
    view_key::Reader,
};
use types::{
    AccountId, BusinessDate, Bytes, Cfi, Digest, Header, InstructionId, InstrumentId, KeyId, Lane,
    LedgerTime, PublicKey, Text, Wire as _,
};

use super::*;
use crate::{
    View,
    spending::{self, Known, Place as Where, Stands},
};

const CAST: &str = "
furikae  admits kinjo as settlement-bank
furikae  admits sakura as issuer
furikae  opens day 2026-01-06
";

fn share() -> InstrumentId {
    InstrumentId::parse("JP3999001005").unwrap()
}

/// 2026-01-06.
const TODAY: BusinessDate = BusinessDate(20_459);

const YEN: InstrumentId = InstrumentId::of_currency(*b"JPY");

/// An account, and what its owner knows.
struct Owner {
    account: AccountId,
    spend: SecretKey,
    view: Secret,
    opening: Opening,
    sequence: u64,
    /// What is on its way is proved over what this leaves.
    ahead: BTreeMap<InstrumentId, Stands>,
}

fn owner(number: u8) -> Owner {
    let (account, view) = (AccountId([number; 16]), Secret::random(&mut rand::rng()));
    let keys = Keys { accounts: [(account, view.clone())].into(), ..Keys::default() };
    let spend = SecretKey::from_seed([number; 32]);
    Owner {
        account,
        spend,
        view,
        opening: Opening::with(keys),
        sequence: 0,
        ahead: BTreeMap::new(),
    }
}

struct World {
    memory: Memory,
    view: View,
    blocks: Vec<BlockChanges>,
    changed: BTreeMap<Key, u64>,
    owners: Vec<Owner>,
    administrators: Opening,
    issuer: Opening,
    /// Whether every proof is taken for true.
    broken: bool,
    breaches: Vec<Breach>,
    /// Amounts whose hints are told to all who read them.
    hints: Vec<(Point, u64)>,
    events: Vec<Event>,
}

/// Small amounts are found by trying.
fn search(stated: &Stated, secret: &Secret) -> Option<u64> {
    (0..2_000).find(|units| ::proof::reads_units(stated, secret, *units))
}

impl World {
    /// The administrators' and the issuer's keys, a share and yen, four accounts with keys of their own.
    fn morning() -> Self {
        let script = script::parse(CAST).unwrap();
        let mut memory = Memory::of(&script);
        assert!(memory.play(&script).failed.is_empty());
        let (chair, clerk) = (Secret::random(&mut rand::rng()), Secret::random(&mut rand::rng()));
        let administrators =
            Keys { administrators: [(1, chair.clone())].into(), ..Keys::default() };
        let issuer = Keys { issuer: [(share(), clerk.clone())].into(), ..Keys::default() };
        let mut world = Self {
            view: View::new(LedgerTime(0)),
            memory,
            blocks: Vec::new(),
            changed: BTreeMap::new(),
            owners: (1..=4).map(owner).collect(),
            administrators: Opening::with(administrators),
            issuer: Opening::with(issuer),
            broken: false,
            breaches: Vec::new(),
            hints: Vec::new(),
            events: Vec::new(),
        };
        let rows = world.memory.rows().clone();
        world.advance(&BTreeMap::new(), Vec::new());
        assert_eq!(&rows, world.memory.rows());
        let reader = |reader, secret: &Secret| {
            let (view, envelope) = (PublicKey(view_key(secret)), PublicKey([1; 32]));
            (Instruction::SetViewKey { reader, view, envelope }, secret.clone())
        };
        let list = |instrument, kind, issuer: &str, cfi: &str| Instruction::List {
            instrument,
            kind,
            scale: 0,
            issuer: script::party(issuer),
            name: Text::new("it").unwrap(),
            cfi: Cfi::parse(cfi).unwrap(),
            sign_off: false,
        };
        world.administrator(vec![
            list(share(), Kind::SealedSecurity, "sakura", "ESVUFR"),
            list(YEN, Kind::SealedMoney, "kinjo", "TCMXXX"),
        ]);
        let mut registered = vec![
            reader(Reader::Administrators { key: 1 }, &chair),
            reader(Reader::Issuer { instrument: share() }, &clerk),
        ];
        for it in &world.owners {
            let opens = Instruction::OpenAccount {
                account: it.account,
                spend_key: it.spend.public(),
                view_key: PublicKey(view_key(&it.view)),
                envelope_key: PublicKey([2; 32]),
                class: 0,
                holder: Digest([3; 32]),
                holder_number: [4; 16],
            };
            registered.push((opens, it.view.clone()));
        }
        for (asked, secret) in registered {
            let chain = world.memory.chain();
            let proof = spending::registration(chain, &asked, &secret).unwrap();
            let envelope = world.memory.envelope(script::party("furikae"), KeyId(0), vec![asked]);
            world.block(&[(envelope, vec![proof])]);
        }
        assert!(world.refusals().is_empty());
        world
    }

    fn administrator(&mut self, asked: Vec<Instruction>) {
        let envelope = self.memory.envelope(script::party("furikae"), KeyId(0), asked);
        self.block(&[(envelope, Vec::new())]);
    }

    /// 100 shares for the first account, 1,000 yen for the second.
    fn issued() -> Self {
        let mut world = Self::morning();
        let (shares, yen) = (world.owners[0].account, world.owners[1].account);
        let request = Instruction::RequestIssue {
            instrument: share(),
            account: shares,
            quantity: Amount::Open(100),
        };
        let envelope = world.memory.envelope(script::party("sakura"), KeyId(0), vec![request]);
        let request = envelope.ids().next().unwrap();
        world.block(&[(envelope, Vec::new())]);
        world.administrator(vec![Instruction::DecideRequest { request, approved: true }]);
        let issue =
            Instruction::IssueMoney { currency: YEN, account: yen, amount: Amount::Open(1_000) };
        let envelope = world.memory.envelope(script::party("kinjo"), KeyId(0), vec![issue]);
        world.block(&[(envelope, Vec::new())]);
        assert_eq!((world.refusals(), world.breaches.len()), (vec![], 0));
        world
    }

    /// One block; its proofs are checked, unless the check is broken.
    fn block(&mut self, signed: &[(Envelope, Vec<Proof>)]) {
        let mut claimed = Vec::new();
        for (envelope, proofs) in signed {
            let chain = self.memory.chain();
            let statements = ledger::statements(&self.memory, chain, envelope).unwrap();
            claimed.extend(statements.into_iter().map(|it| it.1).zip(proofs));
        }
        let claimed: Vec<_> =
            claimed.iter().map(|(statement, proof)| (statement, *proof)).collect();
        self.memory.shown = match self.broken {
            true => Shown::certified(),
            false => ::proof::check(&claimed, 1).shown,
        };
        let before = self.memory.rows().clone();
        let envelopes: Vec<_> = signed.iter().map(|it| it.0.clone()).collect();
        let events = self.memory.block(&envelopes).unwrap();
        self.advance(&before, events);
    }

    fn advance(&mut self, before: &BTreeMap<Key, Value>, events: Vec<Event>) {
        let after = self.memory.rows();
        let keys: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).collect();
        let octets = |it: Option<&Value>| it.cloned().map(Bytes);
        let height = self.memory.at().height;
        let changes: Vec<_> = keys
            .into_iter()
            .filter(|it| before.get(it) != after.get(it))
            .map(|key| Change {
                key: key.0,
                previous: self.changed.get(key).copied().unwrap_or_default(),
                old: octets(before.get(key)),
                new: octets(after.get(key)),
            })
            .collect();
        self.changed.extend(changes.iter().map(|it| (Key(it.key), height)));
        let rows = changes.iter().map(|it| (Key(it.key), it.new.clone().map(|it| it.0)));
        self.view.advance(height, self.memory.at().time, rows, &events);
        let header =
            Header { time: self.memory.at().time, ..Header::blank(self.memory.chain(), height) };
        let told = events.iter().map(|it| Bytes(it.to_bytes())).collect();
        let block = BlockChanges { header, changes, events: told, committee: None };
        let readers = [&mut self.administrators, &mut self.issuer];
        for reader in readers.into_iter().chain(self.owners.iter_mut().map(|it| &mut it.opening)) {
            for (commitment, units) in &self.hints {
                reader.hint(*commitment, *units);
            }
            self.breaches.extend(reader.follow(&block, &search));
        }
        self.owners.iter_mut().for_each(|it| it.ahead.clear());
        self.blocks.push(block);
        self.events.extend(events);
    }

    /// What was refused so far.
    fn refusals(&self) -> Vec<String> {
        let refused = |it: &Event| match it {
            Event::Refused { reject, .. } => Some(reject.code().to_owned()),
            _ => None,
        };
        self.events.iter().filter_map(refused).collect()
    }

    fn stands(&self, place: usize, instrument: InstrumentId) -> Stands {
        let owner = &self.owners[place];
        if let Some(ahead) = owner.ahead.get(&instrument) {
            return ahead.clone();
        }
        let name = (owner.account, instrument);
        let row = self.view.row::<SealedPosition>(&name).unwrap();
        Stands::of(&row, owner.opening.position(&name).unwrap(), self.view.height()).unwrap()
    }

    /// A leg between two accounts, whose amount is told to those who read it.
    fn leg(&mut self, instrument: InstrumentId, (from, to): (usize, usize), units: u64) -> Leg {
        let blinding = Secret::random(&mut rand::rng());
        let ends = (self.owners[from].account, self.owners[to].account);
        let movement = spending::leg(&self.view, instrument, ends, units, &blinding).unwrap();
        let Amount::Sealed(amount) = &movement.amount else { unreachable!() };
        self.hints.push((amount.commitment, units));
        Leg { movement, units, blinding }
    }

    /// An instruction of an account, funded from what it has or not, signed and proved.
    fn settle(&mut self, place: usize, legs: Legs, own: Option<&Leg>, funded: bool) -> Sent {
        let mut cover = None;
        let mut known = Vec::new();
        if let Some(leg) = own {
            let stands = funded.then(|| self.stands(place, leg.movement.instrument));
            let stood = stands.as_ref().map(|it| it.units);
            known.push(Known::Leg { units: leg.units, blinding: leg.blinding.clone(), stood });
            if let Some(stands) = stands {
                let Amount::Sealed(amount) = &leg.movement.amount else { unreachable!() };
                let after = stands.after(amount, leg.units).unwrap();
                self.owners[place].ahead.insert(leg.movement.instrument, after);
                cover = Some(stands.cover);
            }
        }
        let terms = SealedTerms {
            intended_date: TODAY,
            details: Digest([0; 32]),
            administrators_key: 1,
            legs,
            priority: Priority::Normal,
            hold: false,
            cover,
        };
        self.ask(place, Instruction::Settle(Terms::Sealed(terms)), known)
    }

    fn ask(&mut self, place: usize, asked: Instruction, known: Vec<Known>) -> Sent {
        let chain = self.memory.chain();
        let owner = &mut self.owners[place];
        let expiry = LedgerTime(u64::MAX);
        let at = Where { lane: Lane(0), sequence: owner.sequence, expiry, sealed: None };
        owner.sequence += 1;
        let keys = (&owner.spend, &owner.view);
        let signed = spending::sign(&self.view, chain, owner.account, keys, at, vec![asked], known);
        let Signed { envelope, witnesses } = signed.unwrap();
        let proofs = witnesses.into_iter().filter(|it| it.class == Signed::PROOF);
        let proofs = proofs.map(|it| Proof(it.bytes.0)).collect();
        (envelope, proofs)
    }

    /// What an account has of an instrument, as its owner, the administrators and (of a share) the issuer read it.
    fn has(&self, place: usize, instrument: InstrumentId) -> i128 {
        let name = (self.owners[place].account, instrument);
        let read = |it: &Opening| it.position(&name).map_or(0, Parts::sum);
        let owner = read(&self.owners[place].opening);
        assert_eq!(read(&self.administrators), owner);
        if instrument == share() {
            assert_eq!(read(&self.issuer), owner);
        }
        owner
    }
}

type Sent = (Envelope, Vec<Proof>);

struct Leg {
    movement: ledger::book::Movement,
    units: u64,
    blinding: Secret,
}

fn delivery(deliver: &Leg, pay: &Leg) -> Legs {
    Legs::Delivery { deliver: deliver.movement.clone(), pay: Some(pay.movement.clone()) }
}

fn id(sent: &Sent) -> InstructionId {
    sent.0.ids().next().unwrap()
}

#[test]
fn a_delivery_against_payment_is_read_alike_by_all_who_may() {
    for buyer_first in [false, true] {
        let mut world = World::issued();
        let (deliver, pay) = (world.leg(share(), (0, 1), 30), world.leg(YEN, (1, 0), 600));
        let seller = world.settle(0, delivery(&deliver, &pay), Some(&deliver), true);
        let buyer = world.settle(1, delivery(&deliver, &pay), Some(&pay), true);
        let (first, second) = if buyer_first { (buyer, seller) } else { (seller, buyer) };
        world.block(&[first]);
        let earmarked: Vec<u64> = (0..2)
            .map(|it| {
                [share(), YEN]
                    .map(|i| world.owners[it].opening.earmarked(&(world.owners[it].account, i)))
            })
            .map(|it| it.iter().sum())
            .collect();
        assert_eq!(earmarked, if buyer_first { [0, 600] } else { [30, 0] });
        world.block(&[second]);
        assert_eq!((world.refusals(), &world.breaches), (vec![], &vec![]));
        assert_eq!([world.has(0, share()), world.has(1, share())], [70, 30]);
        assert_eq!([world.has(0, YEN), world.has(1, YEN)], [600, 400]);
        assert_eq!(world.owners[2].opening.positions().count(), 0, "others read nothing");
        assert!(world.issuer.positions().all(|(place, _)| place.1 == share()));
    }
}

#[test]
fn what_is_funded_later_and_what_comes_back() {
    let mut world = World::issued();
    let (deliver, pay) = (world.leg(share(), (0, 1), 30), world.leg(YEN, (1, 0), 600));
    let seller = world.settle(0, delivery(&deliver, &pay), Some(&deliver), true);
    let buyer = world.settle(1, delivery(&deliver, &pay), Some(&pay), false);
    let (sold, bought) = (id(&seller), id(&buyer));
    world.block(&[seller, buyer]);
    assert_eq!([world.has(0, share()), world.has(1, YEN)], [70, 1_000]);
    // The buyer funds its leg, and both settle.
    let stands = world.stands(1, YEN);
    let known =
        Known::Leg { units: 600, blinding: pay.blinding.clone(), stood: Some(stands.units) };
    let funds = Instruction::Fund { instruction: bought, cover: stands.cover };
    let fund = world.ask(1, funds, vec![known]);
    world.block(&[fund]);
    assert_eq!([world.has(1, share()), world.has(0, YEN), world.has(1, YEN)], [30, 600, 400]);
    assert!(matches!(
        world.events.iter().rev().find_map(|it| match it {
            Event::Settled { instruction, .. } => Some(*instruction),
            _ => None,
        }),
        Some(it) if it == sold || it == bought
    ));
    // One that finds no match is cancelled, and its earmark comes back.
    let (deliver, pay) = (world.leg(share(), (0, 1), 20), world.leg(YEN, (1, 0), 1));
    let alone = world.settle(0, delivery(&deliver, &pay), Some(&deliver), true);
    let instruction = id(&alone);
    world.block(&[alone]);
    assert_eq!(world.has(0, share()), 50);
    assert_eq!(world.owners[0].opening.earmark(&instruction).map(|it| it.1), Some(20));
    let cancel = world.ask(0, Instruction::Cancel { instruction }, vec![]);
    world.block(&[cancel]);
    assert_eq!(world.has(0, share()), 70);
    assert_eq!((world.refusals(), &world.breaches), (vec![], &vec![]));
    let ended = Event::StatusChanged { instruction, status: Status::Cancelled };
    assert!(world.events.contains(&ended));
}

#[test]
fn spends_follow_each_other_and_credits_make_none_stale() {
    let mut world = World::issued();
    // The first account allocates, several times in one block, and the second pays it meanwhile, in every order.
    for turn in 0..3 {
        let mut sent: Vec<Sent> = Vec::new();
        for to in [2, 3] {
            let leg = world.leg(share(), (0, to), 5);
            sent.push(world.settle(0, Legs::Alone(leg.movement.clone()), Some(&leg), true));
        }
        let leg = world.leg(YEN, (1, 0), 10);
        sent.insert(turn, world.settle(1, Legs::Alone(leg.movement.clone()), Some(&leg), true));
        // What came to the third goes back while more comes to the first.
        if turn > 0 {
            let leg = world.leg(share(), (2, 0), 2);
            sent.push(world.settle(2, Legs::Alone(leg.movement.clone()), Some(&leg), true));
        }
        world.block(&sent);
        assert_eq!((world.refusals(), &world.breaches), (vec![], &vec![]), "turn {turn}");
    }
    assert_eq!([0, 2, 3].map(|it| world.has(it, share())), [100 - 30 + 4, 15 - 4, 15]);
    assert_eq!([world.has(0, YEN), world.has(1, YEN)], [30, 970]);
}

#[test]
fn units_that_are_retired_are_gone_or_come_back() {
    let mut world = World::issued();
    let retire = |world: &mut World, place: usize, instrument, units: u64| {
        let stands = world.stands(place, instrument);
        let known = Known::Public { stood: stands.units };
        let units = i64::try_from(units).unwrap();
        let asked =
            Instruction::Retire { instrument, units, administrators_key: 1, cover: stands.cover };
        world.ask(place, asked, vec![known])
    };
    let money = retire(&mut world, 1, YEN, 400);
    let shares = retire(&mut world, 0, share(), 60);
    let request = id(&shares);
    world.block(&[money, shares]);
    assert_eq!([world.has(1, YEN), world.has(0, share())], [600, 40]);
    world.administrator(vec![Instruction::DecideRequest { request, approved: false }]);
    assert_eq!(world.has(0, share()), 100);
    let shares = retire(&mut world, 0, share(), 60);
    let request = id(&shares);
    world.block(&[shares]);
    world.administrator(vec![Instruction::DecideRequest { request, approved: true }]);
    assert_eq!(world.has(0, share()), 40);
    assert_eq!((world.refusals(), &world.breaches), (vec![], &vec![]));
}

#[test]
fn who_reads_the_blocks_anew_reads_the_same() {
    let mut world = World::issued();
    let (deliver, pay) = (world.leg(share(), (0, 1), 30), world.leg(YEN, (1, 0), 600));
    let seller = world.settle(0, delivery(&deliver, &pay), Some(&deliver), true);
    let buyer = world.settle(1, delivery(&deliver, &pay), Some(&pay), true);
    world.block(&[seller]);
    world.block(&[buyer]);
    for (it, hinted) in [
        (&world.administrators, true),
        (&world.owners[1].opening, true),
        (&world.owners[0].opening, false),
    ] {
        let mut anew = Opening::with(it.keys().clone());
        if hinted {
            world.hints.iter().for_each(|(commitment, units)| anew.hint(*commitment, *units));
        }
        for block in &world.blocks {
            assert_eq!(anew.follow(block, &search), [], "without hints amounts are searched for");
        }
        let all = |it: &Opening| {
            it.positions().map(|(place, parts)| (*place, *parts)).collect::<Vec<_>>()
        };
        assert_eq!(all(&anew), all(it));
    }
}

#[test]
fn a_false_hint_names_who_signed() {
    let mut world = World::issued();
    let leg = world.leg(share(), (0, 2), 5);
    world.hints.last_mut().unwrap().1 = 6;
    let sent = world.settle(0, Legs::Alone(leg.movement.clone()), Some(&leg), true);
    let signed = id(&sent);
    world.block(&[sent]);
    // Both ends, the administrators and the issuer see it; and they read the amount all the same.
    let wrong = Wrong::Hint { amount: Some(5) };
    assert_eq!(world.breaches.len(), 4);
    assert!(world.breaches.iter().all(|it| it.signed == [signed] && it.wrong == wrong));
    assert_eq!(world.has(2, share()), 5);
}

/// A cover as its position has it, and an amount of more than there is: no proof of it is true.
fn overdraws(world: &mut World, units: u64) -> Sent {
    let blinding = Secret::random(&mut rand::rng());
    let leg = world.leg(share(), (0, 2), units);
    let stands = world.stands(0, share());
    let terms = SealedTerms {
        intended_date: TODAY,
        details: Digest([0; 32]),
        administrators_key: 1,
        legs: Legs::Alone(leg.movement),
        priority: Priority::Normal,
        hold: false,
        cover: Some(Cover { ..stands.cover }),
    };
    let cancel = world.ask(0, Instruction::Cancel { instruction: id_of_nothing() }, vec![]);
    let mut envelope = cancel.0;
    envelope.instructions = vec![Instruction::Settle(Terms::Sealed(terms))];
    drop(blinding);
    (envelope, vec![Proof(vec![7; 1_000])])
}

fn id_of_nothing() -> InstructionId {
    InstructionId {
        sender: types::Sender::Account(AccountId([9; 16])),
        lane: Lane(0),
        sequence: 0,
        index: 0,
    }
}

#[test]
fn a_broken_check_of_proofs_mints_and_the_shadow_ledger_names_the_signer_in_that_block() {
    let mut world = World::issued();
    world.broken = true;
    let sent = overdraws(&mut world, 101);
    let signed = id(&sent);
    let height = world.memory.at().height + 1;
    world.block(&[sent]);
    let place = (world.owners[0].account, share());
    let breach =
        Breach { height, signed: vec![signed], wrong: Wrong::BelowZero { place, amount: -1 } };
    // The administrators, the issuer, and the owner itself.
    assert_eq!(world.breaches, [breach.clone(), breach.clone(), breach]);
}

#[test]
#[should_panic(expected = "Unshown")]
fn with_the_check_it_moves_nothing() {
    let mut world = World::issued();
    let sent = overdraws(&mut world, 101);
    world.block(&[sent]);
}

#[test]
fn an_amount_sealed_for_a_wrong_key_names_the_signer() {
    let mut world = World::issued();
    world.broken = true;
    let mut sent = overdraws(&mut world, 10);
    let Instruction::Settle(Terms::Sealed(terms)) = &mut sent.0.instructions[0] else { panic!() };
    let Legs::Alone(movement) = &mut terms.legs else { panic!() };
    // All but the administrators can read it.
    let stranger = view_key(&Secret::random(&mut rand::rng()));
    let keys = [&world.owners[0].view, &world.owners[2].view].map(view_key);
    let issuer = view_key(&world.issuer.keys().issuer[&share()]);
    let keys = [keys[0], keys[1], stranger, issuer];
    let amount = seal(10, &Secret::random(&mut rand::rng()), &keys).unwrap();
    movement.amount = Amount::Sealed(amount);
    let signed = id(&sent);
    world.block(&[sent]);
    let hidden = |it: &&Breach| it.wrong == Wrong::Hint { amount: None };
    let named: Vec<_> = world.breaches.iter().filter(hidden).map(|it| it.signed.clone()).collect();
    assert_eq!(named, [vec![signed]]);
}
