//! Sealed amounts in blocks: what is shown has its effect, what is not stands in no block.

use commonware_consensus::Block as _;
use commonware_glue::stateful::Finality::{Candidate, Finalized};
use commonware_runtime::Clock as _;
use crypto::{
    Amount, Statement,
    keys::SecretKey,
    sealed::Point,
    statement::{Claim, Stated},
};
use ledger::{
    Signed,
    book::{
        Movement,
        sealed::{Cover, SealedPosition},
    },
    issuance::Kind,
    row::Row as _,
    settlement::{Legs, Priority, SealedTerms, Terms},
    view_key::{Reader, registration},
};
use proof::{Proof, Secret, Secrets, prove, seal, view_key};
use rand::{SeedableRng as _, rngs::StdRng};
use types::{
    AccountId, BusinessDate, Cfi, InstrumentId, KeyId, Lane, PublicKey, Wire as _, Witness,
};

use super::*;
use crate::{
    block::{Form, Shown},
    mempool::Refused,
    testing::{Context, Node, first, genesis, run, sign, signed, text},
};

const USD: InstrumentId = InstrumentId::of_currency(*b"USD");

/// Chance that repeats.
fn chance(seed: u64) -> StdRng {
    StdRng::seed_from_u64(seed)
}

/// An account's owner, or a reader of it.
struct Owner {
    account: AccountId,
    spend: SecretKey,
    view: Secret,
}

fn owner(number: u8) -> Owner {
    let view = Secret::random(&mut chance(u64::from(number) << 32));
    Owner { account: AccountId([number; 16]), spend: SecretKey::from_seed([number; 32]), view }
}

impl Owner {
    fn key(&self) -> Point {
        view_key(&self.view)
    }
}

fn administrators() -> Owner {
    owner(200)
}

/// With this proof beside its signature.
fn proven(mut signed: Signed, Proof(proof): Proof) -> Signed {
    signed.witnesses.push(Witness { class: Signed::PROOF, bytes: Bytes(proof) });
    signed
}

/// What registers a key, with the proof that its secret is known.
fn registers(sequence: u64, asked: Instruction, key: &Owner) -> Signed {
    let statement = registration(genesis().chain(), &asked, &PublicKey(key.key()));
    let secrets = Secrets::Key { secret: key.view.clone() };
    let proof = prove(&statement, &secrets, &mut chance(9)).unwrap();
    proven(signed(1, 0, sequence, vec![asked]), proof)
}

fn opens(sequence: u64, number: u8) -> Signed {
    let owner = owner(number);
    let asked = Instruction::OpenAccount {
        account: owner.account,
        spend_key: owner.spend.public(),
        view_key: PublicKey(owner.key()),
        envelope_key: PublicKey([7; 32]),
        class: 0,
        holder: Digest([1; 32]),
        holder_number: [0; 16],
    };
    registers(sequence, asked, &owner)
}

/// The market's first hour: the administrators' key, sealed dollars, two accounts, and 100 for the first.
fn morning() -> Vec<Signed> {
    let key = administrators();
    let set = Instruction::SetViewKey {
        reader: Reader::Administrators { key: 1 },
        view: PublicKey(key.key()),
        envelope: PublicKey([8; 32]),
    };
    let list = Instruction::List {
        instrument: USD,
        kind: Kind::SealedMoney,
        scale: 2,
        issuer: PartyId(1),
        name: text("dollar"),
        cfi: Cfi::parse("TCMXXX").unwrap(),
        sign_off: false,
    };
    let issue = Instruction::IssueMoney {
        currency: USD,
        account: owner(1).account,
        amount: Amount::Open(100),
    };
    vec![
        registers(0, set, &key),
        signed(1, 0, 1, vec![list]),
        opens(2, 1),
        opens(3, 2),
        signed(1, 0, 4, vec![issue]),
    ]
}

/// What stands in the first account: units, the height of the credits to absorb, and the commitment with its handle.
struct Stands {
    units: u64,
    closed_at: Option<u64>,
    before: Stated,
}

/// A payment from the first account to the second, proved over what stands.
fn pays(sequence: u64, units: u64, stands: &Stands) -> Signed {
    let (from, to) = (owner(1), owner(2));
    let keys = vec![from.key(), to.key(), administrators().key()];
    let blinding = Secret::random(&mut chance(units << 40));
    let amount = seal(units, &blinding, &keys).unwrap();
    let movement = Movement {
        instrument: USD,
        from: from.account,
        to: to.account,
        amount: Amount::Sealed(amount.clone()),
    };
    let before = stands.before.clone();
    let terms = SealedTerms {
        intended_date: BusinessDate(20_000),
        details: Digest([0; 32]),
        administrators_key: 1,
        legs: Legs::Alone(movement),
        priority: Priority::Normal,
        hold: false,
        cover: Some(Cover { closed_at: stands.closed_at, before: before.clone() }),
    };
    let mut envelope =
        signed(1, 0, sequence, vec![Instruction::Settle(Terms::Sealed(terms))]).envelope;
    (envelope.sender, envelope.lane, envelope.key) =
        (Sender::Account(from.account), Lane(0), KeyId(0));
    let statement = Statement {
        chain: envelope.chain,
        administrators_key: 1,
        instruction: envelope.digest(),
        index: 0,
        claim: Claim::Spend { amount, keys, before },
    };
    let secrets = Secrets::Spend { units, blinding, secret: from.view, stood: stands.units };
    let proof = prove(&statement, &secrets, &mut chance(units)).unwrap();
    proven(sign(envelope, &from.spend), proof)
}

/// A node after the first hour, its newest block, and what stands in the first account.
async fn morning_over(context: &Context, name: &'static str) -> (Node, Block, Stands) {
    let mut node = Node::start(context, name).await;
    let block = node.advance(&first(), 1).await;
    for it in morning() {
        node.put(&it).await;
    }
    let block = node.advance(&block, 2).await;
    assert_eq!(block.body().envelopes.len(), 5);
    let position = position(&node, owner(1).account).await.unwrap();
    let open = position.open.unwrap();
    let before = Stated { commitment: open.commitment, handle: open.handles.all()[0] };
    (node, block, Stands { units: 100, closed_at: Some(position.open_last), before })
}

async fn position(node: &Node, account: AccountId) -> Option<SealedPosition> {
    let key = SealedPosition::key(&(account, USD));
    let rows = store::state::read(node.state.databases(), &[key.0]).await.unwrap();
    let row = rows.into_iter().next().flatten()?;
    Some(SealedPosition::from_bytes(&row.value).unwrap())
}

/// Whether its owner reads so many units in what came in.
async fn has(node: &Node, number: u8, units: u64) -> bool {
    let position = position(node, owner(number).account).await.unwrap();
    let open = position.open.unwrap();
    let stated =
        |place: usize| Stated { commitment: open.commitment, handle: open.handles.all()[place] };
    let reader = administrators();
    proof::reads_units(&stated(0), &owner(number).view, units)
        && proof::reads_units(&stated(1), &reader.view, units)
}

#[test]
fn a_sealed_payment_is_checked_by_each_and_replayed_without_its_proof() {
    run(|context| async move {
        let (mut one, parent, stands) = morning_over(&context, "one").await;
        let payment = pays(0, 30, &stands);
        one.put(&payment).await;
        let block = one.propose(&parent, 3).await;
        assert_eq!(block.body().envelopes.len(), 1);
        one.finalize(&block).await;
        assert!(has(&one, 2, 30).await);

        let mut two = Node::start(&context, "two").await;
        let blocks: Vec<Block> = one.told.0.lock().unwrap().iter().map(|it| it.0.clone()).collect();
        for block in &blocks[..2] {
            two.finalize(block).await;
        }
        assert!(two.process(&block, Candidate).await);

        // Without its witnesses, as its own disk may have it, the block gives the same state.
        let mut three = Node::start(&context, "three").await;
        for block in &blocks[..2] {
            three.finalize(block).await;
        }
        let mut body = block.body().clone();
        for shown in &mut body.envelopes[0].witnesses {
            let Shown::Whole(witness) = &*shown else { panic!() };
            *shown = Shown::Dropped(crate::block::witness_leaf(0, witness));
        }
        let mut form = Form::of(&genesis()).unwrap();
        form.dropped = true;
        let bare = Block::new(block.header().clone(), body, &form).unwrap();
        assert!(three.process(&bare, Finalized).await);
    });
}

/// The same block with another witness at this place.
fn with_witness(block: &Block, place: usize, bytes: Vec<u8>) -> Block {
    let (mut header, mut body) = (block.header().clone(), block.body().clone());
    let Shown::Whole(witness) = &mut body.envelopes[0].witnesses[place] else { panic!() };
    witness.bytes = Bytes(bytes);
    header.witness_root = body.witness_root();
    Block::new(header, body, &Form::of(&genesis()).unwrap()).unwrap()
}

#[test]
fn a_false_proof_enters_no_mempool_and_a_block_with_one_is_invalid() {
    run(|context| async move {
        let (mut one, parent, stands) = morning_over(&context, "one").await;
        let payment = pays(0, 30, &stands);
        let mut wrong = payment.clone();
        let last = wrong.witnesses[1].bytes.0.len() - 1;
        wrong.witnesses[1].bytes.0[last] ^= 1;
        assert_eq!(one.offer(&wrong).await, Err(Refused::Proof(0)));
        let mut none = payment.clone();
        none.witnesses.pop();
        assert_eq!(one.offer(&none).await, Err(Refused::Witnesses));
        let mut twice = payment.clone();
        twice.witnesses.push(payment.witnesses[1].clone());
        assert_eq!(one.offer(&twice).await, Err(Refused::Witnesses));
        // A proof of another instruction of the same account, over the same position.
        let mut other = payment.clone();
        other.witnesses[1] = pays(0, 31, &stands).witnesses[1].clone();
        assert_eq!(one.offer(&other).await, Err(Refused::Proof(0)));

        one.put(&payment).await;
        let block = one.propose(&parent, 3).await;
        let blocks: Vec<Block> = one.told.0.lock().unwrap().iter().map(|it| it.0.clone()).collect();
        let mut two = Node::start(&context, "two").await;
        for block in &blocks {
            two.finalize(block).await;
        }
        for wrong in [&wrong, &other] {
            let block = with_witness(&block, 1, wrong.witnesses[1].bytes.0.clone());
            assert!(!two.process(&block, Candidate).await);
        }
        assert!(two.process(&block, Candidate).await, "the true one is");
        assert_eq!(block.parent(), two_parent(&parent));
    });
}

fn two_parent(parent: &Block) -> commonware_cryptography::sha256::Digest {
    use commonware_cryptography::Digestible as _;
    parent.digest()
}

#[test]
fn a_false_proof_gains_nothing_from_a_true_one_beside_it() {
    run(|context| async move {
        for turned in [false, true] {
            let name = if turned { "one" } else { "two" };
            let (node, parent, stands) = morning_over(&context, name).await;
            let payment = pays(0, 30, &stands);
            let mut wrong = payment.clone();
            wrong.witnesses[1].bytes.0[200] ^= 1;
            let mut both = vec![payment.to_bytes(), wrong.to_bytes()];
            if turned {
                both.reverse();
            }
            let (databases, now) = (node.state.databases(), node.context.current());
            let mut taken = node.mempool.submit(databases, now, &both).await.unwrap();
            if turned {
                taken.reverse();
            }
            assert_eq!(taken, [Ok(true), Err(Refused::Proof(0))]);
            assert_eq!(node.offer(&wrong).await, Err(Refused::Proof(0)), "nothing is remembered");

            // Offered to one block, or in one block, neither makes the other true.
            let offered = [wrong.clone(), payment.clone()].map(Carried::from).to_vec();
            let market = crate::testing::market();
            let (place, draft) = (place(&parent), node.state.draft().await);
            let built = build(&market, Index::default(), place, offered, draft).await.unwrap();
            assert_eq!(built.block.body().envelopes.len(), 1);
            assert_eq!(built.left_out[0].1, Unfit::Proof(0));
            let alone = with_witness(&built.block, 1, wrong.witnesses[1].bytes.0.clone());
            let draft = node.state.draft().await;
            let checked = check(&market, Index::default(), &alone, draft, true).await.unwrap();
            assert_eq!(checked.err(), Some(Invalid::Envelope(0, Unfit::Proof(0))));
        }
    });
}

#[test]
fn a_proof_over_what_does_not_stand_is_refused_and_moves_nothing() {
    run(|context| async move {
        let (mut one, parent, stands) = morning_over(&context, "one").await;
        let (first, second) = (pays(0, 30, &stands), pays(1, 40, &stands));
        one.put(&first).await;
        one.put(&second).await;
        let block = one.propose(&parent, 3).await;
        assert_eq!(block.body().envelopes.len(), 2, "both proofs are true of what they name");
        one.finalize(&block).await;
        assert!(has(&one, 2, 30).await);
        let changes = one.told.0.lock().unwrap().last().unwrap().1.clone();
        let told: Vec<_> =
            changes.events.iter().map(|it| ledger::Event::from_bytes(&it.0).unwrap()).collect();
        let refused = |it: &ledger::Event| {
            matches!(
                it,
                ledger::Event::Refused { reject: ledger::Reject::PositionMoved { .. }, .. }
            )
        };
        assert_eq!(told.iter().filter(|it| refused(it)).count(), 1);
    });
}

#[test]
fn an_account_signs_with_its_own_key_alone() {
    run(|context| async move {
        let (one, _, stands) = morning_over(&context, "one").await;
        let payment = pays(0, 30, &stands);
        let stolen = sign(payment.envelope.clone(), &owner(2).spend);
        let stolen = proven(stolen, Proof(payment.witnesses[1].bytes.0.clone()));
        assert_eq!(one.offer(&stolen).await, Err(Refused::Signature));
        let mut unknown = payment.envelope.clone();
        unknown.sender = Sender::Account(AccountId([77; 16]));
        // Nobody gives or receives in terms of others, so no proof is due.
        assert_eq!(one.offer(&sign(unknown, &owner(1).spend)).await, Err(Refused::KeyUnknown));
    });
}
