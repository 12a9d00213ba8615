//! A venue forwards its members' orders: what comes stands in its order, and nobody else can bring it.

#![allow(clippy::disallowed_types, reason = "tests count in memory")]

#[path = "board/fetching.rs"]
mod fetching;
mod withheld;

use ledger::{
    Envelope, Event, Inadmissible, Instruction as I, NotApplied, Reject, Signed,
    forward::{FORWARDED_MAX, Forwarded},
    governance::LaneRow,
    memory::Memory,
    order::{Order, PlaceOrder},
    row::Row as _,
    script::{self, party},
};
use types::{ChainId, Digest, InstrumentId, Isin, KeyId, Lane, LedgerTime, Sender, Text, Wire};

const CAST: &str = "
furikae  admits venue as exchange
furikae  admits other as exchange
furikae  admits aoba, botan as participant
furikae  admits kinjo as settlement-bank
furikae  admits sakura as issuer
furikae  adds key 1 to botan
furikae  revokes key 1 of botan
aoba     opens account a
botan    opens account b
furikae  lists SAKURA issued by sakura
furikae  lists JPY issued by kinjo
furikae  opens board of SAKURA in JPY
sakura   requests issue of 10,000 SAKURA to a   as r1
furikae  approves r1
kinjo    issues 1,000,000 JPY to b
";

fn market() -> Memory {
    let script = script::parse(CAST).unwrap();
    let mut market = Memory::of(&script);
    assert_eq!(market.play(&script).failed, []);
    market
}

fn order(buys: bool, quantity: i64, price: i64) -> I {
    let account = script::account(if buys { "b" } else { "a" });
    let isin = Isin::complete("JP000SAKURA").unwrap();
    I::PlaceOrder(PlaceOrder {
        instrument: InstrumentId::parse(isin.as_str()).unwrap(),
        currency: InstrumentId::of_currency(*b"JPY"),
        buys,
        price,
        quantity,
        account,
        cash: account,
        reference: Text::new("r").unwrap(),
    })
}

/// A member's envelope, number `after` after its next, for the venue.
fn member(market: &Memory, who: &str, after: u64, asked: Vec<I>) -> Envelope {
    let envelope = market.envelope(party(who), KeyId(0), asked);
    let (sequence, via) = (envelope.sequence + after, Some(party("venue")));
    Envelope { sequence, via, ..envelope }
}

fn forward(market: &Memory, who: &str, envelopes: &[Envelope]) -> Envelope {
    let envelopes = envelopes.iter().map(|it| Forwarded::of(it).unwrap()).collect();
    market.envelope(party(who), KeyId(0), vec![I::Forward { envelopes }])
}

fn next(market: &Memory, who: &str) -> u64 {
    market.get::<LaneRow>(&(Sender::Party(party(who)), Lane(0))).map_or(0, |it| it.next)
}

fn inadmissible(market: &Memory, envelope: &Envelope) -> Option<Inadmissible> {
    match ledger::apply(market, market.chain(), market.at(), envelope, &market.shown) {
        Ok(_) => None,
        Err(NotApplied::Inadmissible(why)) => Some(why),
        Err(NotApplied::Missing(missing)) => panic!("{missing:?}"),
        Err(NotApplied::Unshown(unshown)) => panic!("{unshown:?}"),
    }
}

/// Of each fill, which orders met, in the places of `ids`.
fn fills(events: &[Event], ids: &[types::InstructionId]) -> Vec<(usize, usize, i64)> {
    let place = |id: &types::InstructionId| ids.iter().position(|it| it == id).unwrap();
    let fill = |it: &Event| match it {
        Event::Filled { buy, sell, quantity, .. } => Some((place(buy), place(sell), *quantity)),
        _ => None,
    };
    events.iter().filter_map(fill).collect()
}

#[test]
fn what_is_forwarded_has_its_effect_in_the_venues_order() {
    let mut market = market();
    let envelopes = [
        member(&market, "aoba", 0, vec![order(false, 5, 10)]),
        member(&market, "botan", 0, vec![order(true, 3, 10), order(true, 3, 9)]),
        member(&market, "aoba", 1, vec![order(false, 4, 9), order(false, 0, 9)]),
        member(&market, "botan", 1, vec![order(true, 9, 9)]),
    ];
    let ids: Vec<_> = envelopes.iter().flat_map(|it| it.ids()).collect();
    let outer = forward(&market, "venue", &envelopes);
    let events = market.block(&[outer]).unwrap();
    // 3 of the first offer; the offer at 9 takes the bid at 9; the last bid takes the rest of that.
    assert_eq!(fills(&events, &ids), [(1, 0, 3), (2, 3, 3), (5, 3, 1)]);
    let refused: Vec<_> = events
        .iter()
        .filter_map(|it| match it {
            Event::Refused { instruction, reject } => Some((*instruction, reject.clone())),
            _ => None,
        })
        .collect();
    assert_eq!(refused, [(ids[4], Reject::QuantityNotPositive)]);
    let left = |place: usize| market.get::<Order>(&ids[place]).map(|it| it.wanted.quantity);
    assert_eq!((left(0), left(3), left(5)), (Some(2), None, Some(8)));
    assert_eq!(market.positions_digest(), {
        let mut alone = self::market();
        for it in &envelopes {
            alone.block(&[Envelope { via: None, ..it.clone() }]).unwrap();
        }
        alone.positions_digest()
    });
}

#[test]
fn one_that_may_not_stand_there_is_told_and_stops_nobody() {
    let mut market = market();
    let good = |after| member(&market, "botan", after, vec![order(true, 1, 10)]);
    let (botan, venue) = (next(&market, "botan"), next(&market, "venue"));
    let first = good(0);
    let envelopes = [
        Envelope { chain: ChainId([9; 32]), ..first.clone() },
        Envelope { instructions: vec![], ..first.clone() },
        Envelope { via: None, ..first.clone() },
        Envelope { via: Some(party("other")), ..first.clone() },
        Envelope { key: KeyId(1), ..first.clone() },
        Envelope { key: KeyId(7), ..first.clone() },
        Envelope { sender: Sender::Account(script::account("b")), ..first.clone() },
        first.clone(),
        first,
        Envelope { expiry: LedgerTime(1), ..good(1) },
        good(3),
        good(2),
    ];
    let outer = forward(&market, "venue", &envelopes);
    let id = outer.ids().next().unwrap();
    let events = market.block(&[outer]).unwrap();
    let told: Vec<_> = events
        .iter()
        .filter_map(|it| match it {
            Event::NotForwarded { forward, place, why } => {
                assert_eq!(*forward, id);
                Some((*place, *why))
            }
            _ => None,
        })
        .collect();
    use Inadmissible as No;
    assert_eq!(
        told,
        [
            (0, No::OtherChain),
            (1, No::InstructionCount),
            (2, No::Via),
            (3, No::Via),
            (4, No::KeyUnknown),
            (5, No::KeyUnknown),
            (6, No::KeyUnknown),
            (8, No::Sequence { expected: botan + 1 }),
            (10, No::Sequence { expected: botan + 2 }),
        ]
    );
    assert_eq!((next(&market, "botan"), next(&market, "venue")), (botan + 3, venue + 1));
    let standing = market.rows().keys().filter(|it| it.kind() == Order::KIND).count();
    assert_eq!(standing, 2, "the first and the last; the expired one has used its number");
}

#[test]
fn nobody_else_can_bring_it() {
    let mut market = market();
    let envelope = member(&market, "botan", 0, vec![order(true, 1, 10)]);
    assert_eq!(inadmissible(&market, &envelope), Some(Inadmissible::Via));
    let before = next(&market, "botan");
    let other = forward(&market, "other", std::slice::from_ref(&envelope));
    let told = market.block(&[other]).unwrap();
    assert!(matches!(told[..], [Event::NotForwarded { why: Inadmissible::Via, .. }]), "{told:?}");
    let outsider = forward(&market, "aoba", std::slice::from_ref(&envelope));
    let told = market.block(&[outsider]).unwrap();
    let refused =
        |it: &Event| matches!(it, Event::Refused { reject: Reject::RoleMissing { .. }, .. });
    assert!(told.len() == 1 && refused(&told[0]), "{told:?}");
    assert_eq!(next(&market, "botan"), before, "its number is not used up");
    let venue = forward(&market, "venue", &[envelope]);
    assert_eq!(inadmissible(&market, &venue), None);
}

#[test]
fn an_envelope_forwards_so_much_and_nothing_else() {
    let market = market();
    let many = |envelopes: usize, orders: usize| {
        let some = |after| member(&market, "botan", after, vec![order(true, 1, 10); orders]);
        let all: Vec<_> = (0..envelopes as u64).map(some).collect();
        forward(&market, "venue", &all)
    };
    let most = usize::from(FORWARDED_MAX);
    assert_eq!(inadmissible(&market, &many(most, 4)), None);
    let refused = Some(Inadmissible::InstructionCount);
    assert_eq!(inadmissible(&market, &many(0, 1)), refused);
    assert_eq!(inadmissible(&market, &many(most + 1, 1)), refused);
    assert_eq!(inadmissible(&market, &many(205, 5)), refused);
    let mut beside = many(1, 1);
    beside.instructions.push(order(true, 1, 10));
    assert_eq!(inadmissible(&market, &beside), refused);
    beside.instructions.swap(0, 1);
    assert_eq!(inadmissible(&market, &beside), refused);
}

#[test]
fn it_has_the_bytes_that_its_sender_signed() {
    let market = market();
    let envelope = member(&market, "botan", 0, vec![order(true, 1, 10)]);
    let id = envelope.ids().next().unwrap();
    let asked = vec![
        order(true, 1, 10),
        I::AmendOrder { order: id, price: 1, quantity: 2 },
        I::CancelOrder { order: id },
    ];
    let envelope = Envelope { instructions: asked, ..envelope };
    let forwarded = Forwarded::of(&envelope).unwrap();
    assert_eq!(forwarded.to_bytes(), envelope.to_bytes());
    assert_eq!(forwarded.envelope(), envelope);
    let outer = forward(&market, "venue", std::slice::from_ref(&envelope));
    let digests: Vec<Digest> = ledger::signatures(&outer).into_iter().map(|it| it.1).collect();
    assert_eq!(digests, [outer.digest(), envelope.digest()]);
    for other in [I::Hold { instruction: id }, outer.instructions[0].clone()] {
        assert_eq!(
            Forwarded::of(&Envelope { instructions: vec![other], ..envelope.clone() }),
            None
        );
    }
    let signed = Signed { envelope: outer, witnesses: vec![] };
    assert_eq!(Signed::from_bytes(&signed.to_bytes()).as_ref(), Ok(&signed));
}

#[test]
fn rows_are_asked_for_in_few_goes() {
    let mut market = market();
    let outer = market.envelope(party("aoba"), KeyId(0), vec![order(false, 1, 10); 1_000]);
    market.block(&[outer]).unwrap();
    let some = |after| member(&market, "botan", after, vec![order(true, 1, 10); 3]);
    let all: Vec<_> = (0..u64::from(FORWARDED_MAX)).map(some).collect();
    let outer = forward(&market, "venue", &all);
    let goes = fetching::goes(&market, &outer);
    assert!(goes <= 3, "{goes} goes for 768 orders");
}
