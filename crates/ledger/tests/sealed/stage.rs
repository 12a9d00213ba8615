//! A market of sealed amounts for tests: its secrets lie in the open beside it, and it never sees them.

#![allow(dead_code, reason = "several tests use a part each")]

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    sync::OnceLock,
};

use crypto::{
    Amount, Handles, LtHash, Sealed, Shown,
    sealed::{BLINDING_BASE, Point, point},
    statement::{Claim, Stated, Statement},
};
use curve25519_dalek::{RistrettoPoint, Scalar};
use ledger::{
    At, Entry, Envelope, Event, Instruction as I, Key, Missing, NotApplied, Outcome, Reject,
    book::{
        Movement, Place,
        sealed::{Cover, SealedPosition},
    },
    governance::LaneRow,
    issuance::{Instrument, Kind, Request, sealed::retiring},
    memory::Memory,
    registry::Element,
    row::Row,
    script,
    settlement::{Covering, Legs, Priority, SealedInstructed, SealedTerms, Terms},
    view_key::Reader,
};
use types::{
    AccountId, BusinessDate, Cfi, Digest, InstructionId, InstrumentId, Isin, KeyId, Lane,
    LedgerTime, PublicKey, Sender, Text, Wire,
};

use crate::withheld::Withheld;

/// Units up to here can be read.
const READABLE: u64 = 6_000;
/// The market's day.
pub const TODAY: BusinessDate = BusinessDate(20_459);
/// The sealed money.
pub const USD: InstrumentId = InstrumentId::of_currency(*b"USD");

const CAST: &str = "
furikae  admits aoba as participant
furikae  admits kinjo as settlement-bank
furikae  admits sakura as issuer
furikae  admits watcher, slow as observer
aoba     opens accounts taro, taro-cash
furikae  lists OPEN issued by sakura
furikae  lists JPY issued by kinjo
furikae  opens day 2026-01-06
furikae  suspends slow
";

/// The sealed security.
pub fn hana() -> InstrumentId {
    security("HANA")
}

/// A security, by its word.
pub fn security(word: &str) -> InstrumentId {
    let isin = Isin::complete(&format!("JP{word:0>9}")).unwrap();
    InstrumentId::parse(isin.as_str()).unwrap()
}

/// The secret that belongs to a word.
pub fn secret(word: &str) -> Scalar {
    Scalar::from_bytes_mod_order(crypto::digest(b"secret of a test", word.as_bytes()).0)
}

/// The view key of a word's secret.
pub fn key(word: &str) -> Point {
    (secret(word).invert() * base()).compress().to_bytes()
}

fn base() -> RistrettoPoint {
    point(&BLINDING_BASE).unwrap()
}

/// So many units under a blinding of their own, for these readers.
pub fn seal(units: u64, blinding: u64, readers: &[&str]) -> Sealed {
    let r = secret(&format!("blinding {blinding}"));
    let handle = |it: &&str| (r * point(&key(it)).unwrap()).compress().to_bytes();
    let commitment = (RistrettoPoint::mul_base(&Scalar::from(units)) + r * base()).compress();
    Sealed {
        commitment: commitment.to_bytes(),
        handles: Handles::new(readers.iter().map(handle).collect()).unwrap(),
    }
}

/// How many units an amount is, to the reader of one of its handles.
pub fn read(amount: &Sealed, handle: usize, reader: &str) -> Option<u64> {
    static ALL: OnceLock<BTreeMap<Point, u64>> = OnceLock::new();
    let all = ALL.get_or_init(|| {
        let encoded = |units: u64| RistrettoPoint::mul_base(&Scalar::from(units)).compress();
        (0..=READABLE).map(|units| (encoded(units).to_bytes(), units)).collect()
    });
    let handle = point(&amount.handles.all()[handle])?;
    let opened = point(&amount.commitment)? - secret(reader) * handle;
    all.get(&opened.compress().to_bytes()).copied()
}

/// The account of a word.
pub fn account(word: &str) -> AccountId {
    script::account(word)
}

/// Who asks as an account.
pub fn owner(word: &str) -> Sender {
    Sender::Account(account(word))
}

/// Who asks as a party.
pub fn party(word: &str) -> Sender {
    Sender::Party(script::party(word))
}

/// The market, and what nobody in it knows.
#[derive(Clone)]
pub struct Stage {
    pub market: Memory,
    blindings: u64,
    owners: BTreeMap<AccountId, String>,
    /// How many units each amount is, by its commitment.
    pub units: BTreeMap<Point, u64>,
    /// Whether each call is also made over what is withheld and what is not shown.
    pub careful: bool,
}

/// The owners of the market.
pub const OWNERS: [&str; 4] = ["emi", "ken", "yuki", "rin"];

impl Stage {
    /// Open instruments, and no key.
    pub fn bare() -> Self {
        let script = script::parse(CAST).unwrap();
        let mut market = Memory::of(&script);
        assert_eq!(market.play(&script).failed, []);
        market.shown = Shown::certified();
        Self {
            market,
            blindings: 0,
            owners: BTreeMap::new(),
            units: BTreeMap::new(),
            careful: true,
        }
    }

    /// A sealed security and sealed money, and four owners who have nothing yet.
    pub fn new() -> Self {
        let mut stage = Self::bare();
        stage.list(hana(), Kind::SealedSecurity, "sakura", false);
        stage.list(USD, Kind::SealedMoney, "kinjo", false);
        stage.must(party("furikae"), sets(Reader::Administrators { key: 1 }, "administrators"));
        stage.must(party("furikae"), sets(Reader::Issuer { instrument: hana() }, "issuer"));
        OWNERS.iter().for_each(|it| stage.admit(it));
        stage
    }

    /// The same, where emi has 100 of the security and the others 1,000 of the money each.
    pub fn funded() -> Self {
        let mut stage = Self::new();
        stage.issue(hana(), "emi", 100);
        OWNERS[1..].iter().for_each(|it| stage.issue(USD, it, 1_000));
        stage
    }

    pub fn list(&mut self, instrument: InstrumentId, kind: Kind, issuer: &str, sign_off: bool) {
        let listing = I::List {
            instrument,
            kind,
            scale: 0,
            issuer: script::party(issuer),
            name: Text::new("of the tests").unwrap(),
            cfi: Cfi::parse("ESVUFR").unwrap(),
            sign_off,
        };
        self.must(party("furikae"), listing);
    }

    pub fn admit(&mut self, word: &str) {
        self.must(party("furikae"), opens(word));
        self.owners.insert(account(word), word.into());
    }

    pub fn issue(&mut self, instrument: InstrumentId, to: &str, units: i64) {
        let (account, quantity) = (account(to), Amount::Open(units));
        if instrument.is_currency() {
            let issue = I::IssueMoney { currency: instrument, account, amount: quantity };
            self.must(party("kinjo"), issue);
            return;
        }
        let request = self.must(party("sakura"), I::RequestIssue { instrument, account, quantity });
        self.must(party("furikae"), I::DecideRequest { request, approved: true });
    }

    /// The next envelope of a sender.
    pub fn envelope(&self, sender: Sender, instructions: Vec<I>) -> Envelope {
        let lane = Lane(0);
        Envelope {
            chain: self.market.chain(),
            sender,
            key: KeyId(0),
            lane,
            sequence: self.market.get::<LaneRow>(&(sender, lane)).map_or(0, |it| it.next),
            expiry: LedgerTime(u64::MAX),
            via: None,
            sealed: Digest([0; 32]),
            instructions,
        }
    }

    /// One block, with what must hold after every one.
    pub fn block(&mut self, envelopes: &[Envelope]) -> Vec<Event> {
        if !self.careful {
            return self.market.block(envelopes).unwrap();
        }
        let at = self.market.begin_block();
        let opened = ledger::open(&self.market, at).unwrap();
        let mut events = self.market.lay(opened);
        for envelope in envelopes {
            let outcome = self.apply(at, envelope);
            events.extend(self.market.lay(outcome));
        }
        let closed = ledger::close(&self.market, at).unwrap();
        events.extend(self.market.lay(closed));
        self.assert_sound();
        events
    }

    /// One envelope: the outcome is the same however rows come, and however what has to be shown comes.
    fn apply(&self, at: At, envelope: &Envelope) -> Outcome {
        let (market, chain) = (&self.market, self.market.chain());
        let outcome =
            ledger::apply(market, chain, at, envelope, &Shown::certified()).expect("admissible");
        let foreseen = ledger::statements(market, chain, envelope).unwrap();
        let mut shown = BTreeSet::new();
        loop {
            let known = Shown::checked(shown.iter().copied());
            match ledger::apply(market, chain, at, envelope, &known) {
                Ok(with_proofs) => {
                    assert_eq!(with_proofs, outcome);
                    break;
                }
                Err(NotApplied::Unshown(asked)) => {
                    asked.iter().for_each(|it| assert_foreseen(envelope, it, &foreseen));
                    asked.iter().for_each(|it| assert!(shown.insert(it.1.digest()), "once"));
                }
                Err(other) => panic!("{other:?}"),
            }
        }
        let rows = ledger::footprint(envelope).into_iter().collect();
        let withheld = Withheld { market, shown: RefCell::new(rows) };
        for _ in 0..6 {
            match ledger::apply(&withheld, chain, at, envelope, &Shown::certified()) {
                Ok(late) => {
                    assert_eq!(late, outcome);
                    return outcome;
                }
                Err(NotApplied::Missing(Missing(keys))) => {
                    withheld.shown.borrow_mut().extend(keys);
                }
                Err(other) => panic!("{other:?}"),
            }
        }
        panic!("too many goes: {envelope:?}")
    }

    /// Asks, and gives the ids and what was told.
    pub fn ask(&mut self, sender: Sender, asked: Vec<I>) -> (Vec<InstructionId>, Vec<Event>) {
        let envelope = self.envelope(sender, asked);
        let ids = envelope.ids().collect();
        (ids, self.block(&[envelope]))
    }

    /// Asks one thing, and gives its id and why it was refused.
    pub fn asks(&mut self, sender: Sender, asked: I) -> (InstructionId, Option<Reject>) {
        let (ids, events) = self.ask(sender, vec![asked]);
        (ids[0], refused(&events, ids[0]))
    }

    /// Asks something that has effect.
    pub fn must(&mut self, sender: Sender, asked: I) -> InstructionId {
        let (id, refused) = self.asks(sender, asked.clone());
        assert_eq!(refused, None, "{asked:?}");
        id
    }

    /// A movement of so many units under a new blinding.
    pub fn movement(
        &mut self,
        instrument: InstrumentId,
        from: &str,
        to: &str,
        units: u64,
    ) -> Movement {
        self.blindings += 1;
        let readers = [from, to, "administrators", "issuer"];
        let count = if instrument.is_currency() { 3 } else { 4 };
        let amount = seal(units, self.blindings, &readers[..count]);
        self.units.insert(amount.commitment, units);
        let amount = Amount::Sealed(amount);
        Movement { instrument, from: account(from), to: account(to), amount }
    }

    /// A delivery from one to another against so much money.
    pub fn against(&mut self, from: &str, to: &str, units: u64, money: u64) -> SealedTerms {
        let deliver = self.movement(hana(), from, to, units);
        let pay = Some(self.movement(USD, to, from, money));
        terms(Legs::Delivery { deliver, pay })
    }

    /// A position as the next block finds it.
    pub fn position(&self, place: Place) -> Option<SealedPosition> {
        let row = self.market.get::<SealedPosition>(&place)?;
        Some(row.at(self.market.at().height + 1))
    }

    /// What a spend in the next block takes from, all credits that can be named absorbed.
    pub fn cover(&self, word: &str, instrument: InstrumentId) -> Cover {
        self.covered((account(word), instrument), 0)
    }

    /// What the agent takes a position to be.
    pub fn covering(&self, word: &str, instrument: InstrumentId) -> Covering {
        let place = (account(word), instrument);
        Covering { place, cover: self.covered(place, 1) }
    }

    fn covered(&self, place: Place, handle: usize) -> Cover {
        let position = self.position(place);
        let closed_at = position.as_ref().and_then(|it| it.closed.as_ref().map(|_| it.closed_at));
        let available = position.and_then(|it| it.absorbing(closed_at)).and_then(|it| it.available);
        Cover { closed_at, before: stated(available.as_ref(), handle) }
    }

    /// Units available, closed and open; zeros where there is nothing. Every reader of them reads the same.
    pub fn parts(&self, word: &str, instrument: InstrumentId) -> [u64; 3] {
        let Some(row) = self.position((account(word), instrument)) else { return [0; 3] };
        [row.available, row.closed, row.open].map(|it| {
            it.map_or(0, |amount| {
                let readers = [word, "administrators", "issuer"];
                let handles = amount.handles.all().len();
                assert_eq!(handles, if instrument.is_currency() { 2 } else { 3 });
                let units: BTreeSet<_> =
                    (0..handles).map(|it| read(&amount, it, readers[it])).collect();
                assert_eq!(units.len(), 1, "all read the same of {word}");
                units
                    .into_iter()
                    .next()
                    .flatten()
                    .unwrap_or_else(|| panic!("{word} cannot be read"))
            })
        })
    }

    /// All units in a position.
    pub fn has(&self, word: &str, instrument: InstrumentId) -> u64 {
        self.parts(word, instrument).into_iter().sum()
    }

    /// What stands: units of the security and of the money, of each owner in order.
    pub fn all(&self) -> Vec<(u64, u64)> {
        OWNERS.iter().map(|it| (self.has(it, hana()), self.has(it, USD))).collect()
    }

    /// Registry, supply and index are what the rows say.
    pub fn assert_sound(&self) {
        for (instrument, row) in rows::<Instrument>(&self.market) {
            if row.kind.is_sealed() {
                self.assert_adds_up(instrument, &row);
            }
        }
        let market = &self.market;
        let entries = market.rows().iter().flat_map(|(key, value)| ledger::entries(key, value));
        let entries: BTreeSet<Entry> = entries.collect();
        assert!(*market.index() == entries, "the index is what the rows say");
    }

    fn assert_adds_up(&self, instrument: InstrumentId, listed: &Instrument) {
        let (mut hash, mut units) = (LtHash::default(), 0);
        let mut add =
            |element: Option<Element>| element.iter().for_each(|it| hash.add(&it.to_bytes()));
        for (place, row) in rows::<SealedPosition>(&self.market) {
            if place.1 == instrument {
                add(row.element(place.0));
                units += self.has(&self.owners[&place.0], instrument);
            }
        }
        for (id, row) in rows::<SealedInstructed>(&self.market) {
            if let Some((movement, amount)) =
                row.earmark().filter(|it| it.0.instrument == instrument)
            {
                add(row.element(&id));
                let readers =
                    [&self.owners[&movement.from], &self.owners[&movement.to], "administrators"];
                let read = [0, 1, 2].map(|it| read(amount, it, readers[it]).unwrap());
                assert!(read.iter().all(|it| *it == read[0]));
                units += read[0];
            }
        }
        for (id, row) in rows::<Request>(&self.market) {
            if let (true, Amount::Open(retired)) =
                (row.redeem && row.instrument == instrument, row.quantity)
            {
                add(Some(retiring(row.account, &id, retired)));
                units += u64::try_from(retired).unwrap();
            }
        }
        assert_eq!(listed.supply, Amount::Open(i64::try_from(units).unwrap()), "{instrument}");
        if !instrument.is_currency() {
            assert_eq!(listed.registry_digest, hash.digest(), "{instrument}");
        }
    }
}

/// All that is asked is foreseen, except of a set, and of what is funded in the envelope that brings it.
fn assert_foreseen(envelope: &Envelope, asked: &(u16, Statement), foreseen: &[(u16, Statement)]) {
    let own = |id: &InstructionId| envelope.ids().any(|it| it == *id);
    match &envelope.instructions[usize::from(asked.0)] {
        I::SettleTogether { .. } => assert!(matches!(asked.1.claim, Claim::Covered { .. })),
        I::Fund { instruction, .. } if own(instruction) => (),
        _ => assert!(foreseen.contains(asked), "{asked:?} is not among {foreseen:?}"),
    }
}

/// All rows of a kind, with their names.
pub fn rows<R: Row>(market: &Memory) -> Vec<(R::Name, R)> {
    let all = market.rows().iter().filter(|it| it.0.kind() == R::KIND);
    let decoded = |(key, value): (&Key, &Vec<u8>)| {
        let name = R::Name::read(&mut types::Reader::new(key.name())).unwrap();
        (name, R::from_bytes(value).unwrap())
    };
    all.map(decoded).collect()
}

/// An amount with one of its handles; of nothing zeros.
pub fn stated(amount: Option<&Sealed>, handle: usize) -> Stated {
    let nothing = Stated { commitment: [0; 32], handle: [0; 32] };
    amount.map_or(nothing, |it| Stated {
        commitment: it.commitment,
        handle: it.handles.all()[handle],
    })
}

/// Why an instruction was refused.
pub fn refused(events: &[Event], id: InstructionId) -> Option<Reject> {
    events.iter().find_map(|it| match it {
        Event::Refused { instruction, reject } if *instruction == id => Some(reject.clone()),
        _ => None,
    })
}

/// What admits an account of its own keys.
pub fn opens(word: &str) -> I {
    I::OpenAccount {
        account: account(word),
        spend_key: PublicKey([1; 32]),
        view_key: PublicKey(key(word)),
        envelope_key: PublicKey([2; 32]),
        class: 0,
        holder: Digest([3; 32]),
        holder_number: [4; 16],
    }
}

/// What registers a reader's key.
pub fn sets(reader: Reader, word: &str) -> I {
    I::SetViewKey { reader, view: PublicKey(key(word)), envelope: PublicKey([2; 32]) }
}

/// Terms of today that are not funded.
pub fn terms(legs: Legs) -> SealedTerms {
    SealedTerms {
        intended_date: TODAY,
        details: Digest([0; 32]),
        administrators_key: 1,
        legs,
        priority: Priority::Normal,
        hold: false,
        cover: None,
    }
}

/// What instructs these.
pub fn settles(terms: &SealedTerms) -> I {
    I::Settle(Terms::Sealed(terms.clone()))
}

/// The same, funded.
pub fn covered(terms: &SealedTerms, cover: Cover) -> I {
    settles(&SealedTerms { cover: Some(cover), ..terms.clone() })
}
