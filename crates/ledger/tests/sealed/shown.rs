//! What has to be shown, exactly; and that without it nothing moves.

use crypto::{
    Amount, Sealed, Shown,
    statement::{Claim, Statement},
};
use ledger::{
    Envelope, Instruction as I, NotApplied,
    governance::ParameterName,
    settlement::{Legs, SealedTerms},
    view_key::{Reader, registration},
};
use types::{PublicKey, Sender};

use crate::stage::*;

/// What is asked of an envelope of which nothing is shown.
fn asked(stage: &Stage, envelope: &Envelope) -> Vec<(u16, Statement)> {
    let (market, at) = (&stage.market, stage.market.at());
    match ledger::apply(market, market.chain(), at, envelope, &Shown::nothing()) {
        Ok(_) => Vec::new(),
        Err(NotApplied::Unshown(asked)) => asked,
        Err(other) => panic!("{other:?}"),
    }
}

fn one(stage: &Stage, sender: Sender, what: I) -> (Envelope, Statement) {
    let envelope = stage.envelope(sender, vec![what]);
    let mut asked = asked(stage, &envelope);
    assert_eq!(asked.len(), 1, "{envelope:?}");
    let (index, statement) = asked.remove(0);
    assert_eq!(index, 0);
    (envelope, statement)
}

fn sealed(amount: &Amount) -> Sealed {
    let Amount::Sealed(sealed) = amount else { panic!("an open amount") };
    sealed.clone()
}

/// A claim of an envelope's first instruction, as its proof has to be bound.
fn bound(stage: &Stage, envelope: &Envelope, claim: Claim) -> Statement {
    Statement {
        chain: stage.market.chain(),
        administrators_key: 1,
        instruction: envelope.digest(),
        index: 0,
        claim,
    }
}

#[test]
fn a_leg_is_shown_to_be_readable_by_all_and_covered_if_it_is_taken() {
    let mut stage = Stage::funded();
    let pair = stage.against("emi", "ken", 30, 450);
    let Legs::Delivery { deliver, pay: Some(pay) } = &pair.legs else { panic!() };
    let readers = ["emi", "ken", "administrators", "issuer"].map(key);
    let cover = stage.cover("emi", hana());
    let (envelope, asked) = one(&stage, owner("emi"), covered(&pair, cover.clone()));
    let amount = sealed(&deliver.amount);
    let claim =
        Claim::Spend { amount: amount.clone(), keys: readers.to_vec(), before: cover.before };
    assert_eq!(asked, bound(&stage, &envelope, claim));
    let (envelope, asked) = one(&stage, owner("emi"), settles(&pair));
    let claim = Claim::Valid { amount, keys: readers.to_vec() };
    assert_eq!(asked, bound(&stage, &envelope, claim));
    // Of money nobody but the two and the administrators reads.
    let cover = stage.cover("ken", USD);
    let (envelope, asked) = one(&stage, owner("ken"), covered(&pair, cover.clone()));
    let keys = ["ken", "emi", "administrators"].map(key).to_vec();
    let claim = Claim::Spend { amount: sealed(&pay.amount), keys, before: cover.before };
    assert_eq!(asked, bound(&stage, &envelope, claim));
    // To fund later is to show the same, there.
    let buyer = stage.must(owner("ken"), settles(&pair));
    let fund = I::Fund { instruction: buyer, cover: stage.cover("ken", USD) };
    let (envelope, asked) = one(&stage, owner("ken"), fund);
    assert_eq!(asked.instruction, envelope.digest());
    assert!(matches!(asked.claim, Claim::Spend { amount, .. } if amount == sealed(&pay.amount)));
}

#[test]
fn what_is_retired_and_what_a_set_leaves() {
    let mut stage = Stage::funded();
    let cover = stage.cover("ken", USD);
    let before = cover.before.clone();
    let retire = I::Retire { instrument: USD, units: 5, administrators_key: 1, cover };
    let (envelope, asked) = one(&stage, owner("ken"), retire);
    let claim = Claim::SpendPublic { units: 5, key: key("ken"), before };
    assert_eq!(asked, bound(&stage, &envelope, claim));

    let movement = stage.movement(USD, "ken", "rin", 300);
    let id = stage.must(owner("ken"), settles(&terms(Legs::Alone(movement.clone()))));
    let covers = vec![stage.covering("ken", USD)];
    let position = stage.position((account("ken"), USD)).unwrap();
    let absorbed = position.clone().absorbing(Some(position.closed_at)).unwrap();
    let left =
        absorbed.available.unwrap().minus(&sealed(&movement.amount).of_sender().unwrap()).unwrap();
    assert_eq!(read(&left, 1, "administrators"), Some(700));
    let set = I::SettleTogether { instructions: vec![id], covers };
    let (envelope, asked) = one(&stage, party("furikae"), set);
    let sums = vec![stated(Some(&left), 1)];
    let claim = Claim::Covered { key: key("administrators"), sums };
    assert_eq!(asked, bound(&stage, &envelope, claim));
}

#[test]
fn a_key_is_shown_to_be_known_whoever_registers_it() {
    let stage = Stage::bare();
    let chain = stage.market.chain();
    for (what, word) in [
        (opens("emi"), "emi"),
        (sets(Reader::Administrators { key: 1 }, "administrators"), "administrators"),
    ] {
        let (_, asked) = one(&stage, party("furikae"), what.clone());
        let expected = registration(chain, &what, &PublicKey(key(word)));
        assert_eq!(asked, expected);
        assert_eq!(expected.claim, Claim::Key { key: key(word) });
    }
    // Bound to what is asked: of another account, or another market, it shows nothing.
    let (mine, other) = (opens("emi"), opens("ken"));
    let key = PublicKey(key("emi"));
    assert_ne!(
        registration(chain, &mine, &key).digest(),
        registration(chain, &other, &key).digest()
    );
}

#[test]
fn several_administrators_show_it_when_it_has_effect() {
    let mut stage = Stage::bare();
    let verb = types::Wire::to_bytes(&opens("emi"))[0];
    let name = ParameterName::Threshold { verb };
    stage.must(party("furikae"), I::SetParameter { name, value: 2 });
    let first = stage.envelope(party("furikae"), vec![opens("emi")]);
    assert_eq!(asked(&stage, &first), [], "the first only proposes it");
    // What its proof has to show is foreseen all the same.
    let foreseen = ledger::statements(&stage.market, stage.market.chain(), &first).unwrap();
    assert_eq!(foreseen.len(), 1);
}

#[test]
fn nothing_moves_without_what_is_shown() {
    let mut stage = Stage::funded();
    let pair = stage.against("emi", "ken", 30, 450);
    let alone = terms(Legs::Alone(stage.movement(USD, "ken", "rin", 2_000)));
    let cover = stage.cover("ken", USD);
    let retire = I::Retire { instrument: USD, units: 5_000, administrators_key: 1, cover };
    let buyer = stage.must(owner("ken"), settles(&pair));
    stage.must(owner("emi"), covered(&pair, stage.cover("emi", hana())));
    let over = stage.cover("ken", USD);
    for (sender, what) in [
        // More than there is: only what has to be shown says so, and it can never be.
        (owner("ken"), covered(&alone, over.clone())),
        (owner("ken"), retire),
        (owner("ken"), settles(&alone)),
        (owner("ken"), I::Fund { instruction: buyer, cover: over }),
    ] {
        let envelope = stage.envelope(sender, vec![what.clone()]);
        let mut unseeing = stage.market.clone();
        unseeing.shown = Shown::nothing();
        let before = unseeing.rows().clone();
        let told = unseeing.block(std::slice::from_ref(&envelope));
        assert!(matches!(told, Err(NotApplied::Unshown(_))), "{what:?}");
        assert_eq!(*unseeing.rows(), before, "nothing has moved");
        // What is shown of something else is nothing here: another place, another envelope, another amount.
        let (_, asked) = one(&stage, sender, what);
        for other in [
            Statement { index: 1, ..asked.clone() },
            Statement { administrators_key: 2, ..asked.clone() },
            Statement { instruction: types::Digest([5; 32]), ..asked.clone() },
            Statement { chain: types::ChainId([5; 32]), ..asked.clone() },
            Statement { claim: Claim::Key { key: key("ken") }, ..asked.clone() },
        ] {
            unseeing.shown = Shown::checked([other.digest()]);
            let told = unseeing.block(std::slice::from_ref(&envelope));
            assert!(matches!(told, Err(NotApplied::Unshown(_))));
        }
    }
}

#[test]
fn what_asks_for_no_proof_has_its_effect_without() {
    let mut stage = Stage::funded();
    stage.market.shown = Shown::nothing();
    let pair = stage.against("emi", "ken", 30, 450);
    for what in [
        I::Hold { instruction: ledger_id(&stage) },
        I::AttestPosition { account: account("ken"), instrument: USD },
    ] {
        let envelope = stage.envelope(owner("ken"), vec![what]);
        assert_eq!(asked(&stage, &envelope), []);
    }
    let Legs::Delivery { deliver, .. } = pair.legs else { panic!() };
    let free = terms(Legs::Delivery { deliver, pay: None });
    let envelope = stage.envelope(owner("ken"), vec![settles(&free)]);
    assert_eq!(asked(&stage, &envelope), [], "a receiver who gives nothing shows nothing");
    let refused = SealedTerms { administrators_key: 9, ..free };
    let envelope = stage.envelope(owner("emi"), vec![settles(&refused)]);
    assert_eq!(asked(&stage, &envelope), [], "what is refused anyway is not asked for");
}

fn ledger_id(stage: &Stage) -> types::InstructionId {
    stage.envelope(owner("ken"), vec![opens("x")]).ids().next().unwrap()
}
