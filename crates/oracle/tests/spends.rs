//! Spends are shown by both libraries, and what is false is refused by both.

use std::convert::Infallible;

use bulletproofs::{BulletproofGens, PedersenGens, RangeProof};
use crypto::{
    Sealed, Statement, digest,
    sealed::{BLINDING_BASE, Handles, Point},
    statement::{Claim, Stated},
};
use curve25519_dalek_old::{
    Scalar, constants::RISTRETTO_BASEPOINT_POINT, ristretto::CompressedRistretto,
};
use merlin::Transcript;
use proof::{Proof, Secret, Secrets, prove, seal, view_key};
use proptest::prelude::*;
use rand_core::{TryCryptoRng, TryRng};
use solana_zk_elgamal_proof_interface::proof_data::{
    BatchedRangeProofU128Data, CiphertextCommitmentEqualityProofData,
    GroupedCiphertext3HandlesValidityProofData,
};
use solana_zk_sdk::{
    encryption::{
        elgamal::{ElGamalCiphertext, ElGamalKeypair, ElGamalPubkey, ElGamalSecretKey},
        grouped_elgamal::GroupedElGamalCiphertext,
        pedersen::{Pedersen, PedersenCommitment, PedersenOpening},
    },
    zk_elgamal_proof_program::{
        VerifyZkProof, build_batched_range_proof_u128_data,
        build_ciphertext_commitment_equality_proof_data,
        build_grouped_ciphertext_3_handles_validity_proof_data,
    },
};
use types::{ChainId, Digest};

/// Chance that is the same each time: digests of a number that is counted up.
struct Chance(u64);

impl TryRng for Chance {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes).map(|()| u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes).map(|()| u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), Infallible> {
        for part in to.chunks_mut(32) {
            part.copy_from_slice(&digest(b"oracle", &self.0.to_be_bytes()).0[..part.len()]);
            self.0 = self.0.wrapping_add(1);
        }
        Ok(())
    }
}

impl TryCryptoRng for Chance {}

/// What both libraries are told of a spend.
struct Spend {
    amount: Sealed,
    keys: Vec<Point>,
    before: Stated,
    owner: Secret,
    blinding: Secret,
    units: u64,
    stood: u64,
}

impl Spend {
    fn new(seed: u64, handles: usize, units: u64, stood: u64) -> Self {
        let mut chance = Chance(seed);
        let owner = Secret::random(&mut chance);
        let mut keys = vec![view_key(&owner)];
        keys.extend((1..handles).map(|_| view_key(&Secret::random(&mut chance))));
        let blinding = Secret::random(&mut chance);
        let amount = seal(units, &blinding, &keys).unwrap();
        let before = seal(stood, &Secret::random(&mut chance), &keys[..1]).unwrap();
        let before = Stated { commitment: before.commitment, handle: before.handles.all()[0] };
        Self { amount, keys, before, owner, blinding, units, stood }
    }

    fn statement(&self) -> Statement {
        let (amount, keys, before) = (self.amount.clone(), self.keys.clone(), self.before.clone());
        let claim = Claim::Spend { amount, keys, before };
        let (chain, instruction) = (ChainId([1; 32]), Digest([2; 32]));
        Statement { chain, administrators_key: 1, instruction, index: 0, claim }
    }

    fn ours(&self) -> Proof {
        let (blinding, secret) = (self.blinding.clone(), self.owner.clone());
        let secrets = Secrets::Spend { units: self.units, blinding, secret, stood: self.stood };
        prove(&self.statement(), &secrets, &mut Chance(9)).unwrap()
    }

    /// What remains, as the owner's ciphertext has it.
    fn remaining(&self) -> ElGamalCiphertext {
        let sealed = |commitment, handle| Sealed {
            commitment,
            handles: Handles::new(vec![handle]).unwrap(),
        };
        let before = sealed(self.before.commitment, self.before.handle);
        let amount = sealed(self.amount.commitment, self.amount.handles.all()[0]);
        let left = before.minus(&amount).unwrap();
        let bytes = [left.commitment, left.handles.all()[0]].concat();
        ElGamalCiphertext::from_bytes(&bytes).unwrap()
    }

    /// Places of the handles that each proof of validity is about: it takes three.
    fn threes(&self) -> Vec<[usize; 3]> {
        let all = [[0, 1, 2], [0, 1, 3]];
        all[..self.keys.len() - 2].to_vec()
    }

    fn grouped(&self, places: [usize; 3]) -> GroupedElGamalCiphertext<3> {
        let handles = places.map(|it| self.amount.handles.all()[it]).concat();
        let bytes = [&self.amount.commitment[..], &handles].concat();
        GroupedElGamalCiphertext::from_bytes(&bytes).unwrap()
    }

    fn public(&self, place: usize) -> ElGamalPubkey {
        ElGamalPubkey::try_from(&self.keys[place][..]).unwrap()
    }
}

/// The same statement, shown by the other library.
struct Theirs {
    equality: CiphertextCommitmentEqualityProofData,
    validities: Vec<GroupedCiphertext3HandlesValidityProofData>,
    ranges: BatchedRangeProofU128Data,
}

fn opening(secret: &Secret) -> PedersenOpening {
    PedersenOpening::from_bytes(&secret.to_bytes()).unwrap()
}

impl Theirs {
    /// `None` if the library does not prove it.
    fn new(spend: &Spend) -> Option<Self> {
        let left = spend.stood.checked_sub(spend.units)?;
        let fresh = opening(&Secret::random(&mut Chance(77)));
        let commitment = Pedersen::with(left, &fresh);
        let secret = ElGamalSecretKey::try_from(&spend.owner.to_bytes()[..]).unwrap();
        let keypair = ElGamalKeypair::new(secret);
        let remaining = spend.remaining();
        let equality = build_ciphertext_commitment_equality_proof_data(
            &keypair,
            &remaining,
            &commitment,
            &fresh,
            left,
        );
        let blinding = opening(&spend.blinding);
        let validity = |places: [usize; 3]| {
            let [a, b, c] = places.map(|it| spend.public(it));
            let (grouped, units) = (spend.grouped(places), spend.units);
            build_grouped_ciphertext_3_handles_validity_proof_data(
                &a, &b, &c, &grouped, units, &blinding,
            )
            .ok()
        };
        let amount = PedersenCommitment::from_bytes(&spend.amount.commitment).unwrap();
        let ranges = build_batched_range_proof_u128_data(
            vec![&amount, &commitment],
            vec![spend.units, left],
            vec![64, 64],
            vec![&blinding, &fresh],
        );
        Some(Self {
            equality: equality.ok()?,
            validities: spend.threes().into_iter().map(validity).collect::<Option<_>>()?,
            ranges: ranges.ok()?,
        })
    }

    /// The same proofs, of what is said in another spend.
    fn of(mut self, spend: &Spend) -> Self {
        self.equality.context.pubkey = spend.public(0).into();
        self.equality.context.ciphertext = spend.remaining().into();
        for (validity, places) in self.validities.iter_mut().zip(spend.threes()) {
            let [a, b, c] = places.map(|it| spend.public(it));
            validity.context.first_pubkey = a.into();
            validity.context.second_pubkey = b.into();
            validity.context.third_pubkey = c.into();
            validity.context.grouped_ciphertext = spend.grouped(places).into();
        }
        let amount = PedersenCommitment::from_bytes(&spend.amount.commitment).unwrap();
        self.ranges.context.commitments[0] = amount.into();
        self
    }

    fn holds(&self) -> bool {
        self.equality.verify_proof().is_ok()
            && self.validities.iter().all(|it| it.verify_proof().is_ok())
            && self.ranges.verify_proof().is_ok()
    }
}

fn ours_holds(statement: &Statement, proof: &Proof) -> bool {
    proof::check(&[(statement, proof)], 1).shown.contains(statement)
}

/// What may be another than in the spend that was proved.
#[derive(Clone, Copy, Debug)]
enum Falsehood {
    Key(usize),
    Handle(usize),
    Amount,
    Sum,
}

fn falsehoods() -> impl Strategy<Value = Falsehood> {
    prop_oneof![
        (0..4_usize).prop_map(Falsehood::Key),
        (0..4_usize).prop_map(Falsehood::Handle),
        Just(Falsehood::Amount),
        Just(Falsehood::Sum),
    ]
}

/// The spend with this false; `other` has points of its own.
fn falsify(mut spend: Spend, what: Falsehood, other: Spend) -> Spend {
    let count = spend.keys.len();
    match what {
        Falsehood::Key(place) => spend.keys[place % count] = other.keys[0],
        Falsehood::Handle(place) => {
            let mut handles = spend.amount.handles.all().to_vec();
            handles[place % count] = other.amount.handles.all()[0];
            spend.amount.handles = Handles::new(handles).unwrap();
        }
        Falsehood::Amount => spend.amount.commitment = other.amount.commitment,
        Falsehood::Sum => spend.before = other.before,
    }
    spend
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn what_is_true_is_shown_by_both(
        seed in any::<u32>(), handles in 3..5_usize, stood in any::<u64>(), share in any::<u64>(),
    ) {
        let units = share.checked_rem(stood.saturating_add(1)).unwrap_or(0);
        let spend = Spend::new(u64::from(seed) << 20, handles, units, stood);
        prop_assert!(ours_holds(&spend.statement(), &spend.ours()));
        prop_assert!(Theirs::new(&spend).unwrap().holds());
    }

    #[test]
    fn what_is_false_is_refused_by_both(
        seed in any::<u32>(), handles in 3..5_usize, what in falsehoods(),
    ) {
        let new = |seed: u64| Spend::new(seed << 20, handles, 40, 100);
        let seed = u64::from(seed);
        let (true_one, theirs) = (new(seed), Theirs::new(&new(seed)).unwrap());
        let proof = true_one.ours();
        let false_one = falsify(true_one, what, new(seed + 1));
        prop_assert!(!ours_holds(&false_one.statement(), &proof));
        prop_assert!(!theirs.of(&false_one).holds());
        prop_assert!(Theirs::new(&false_one).is_none(), "nor is it proved anew");
    }
}

#[test]
fn the_ends_of_the_range_are_the_same() {
    let half = 1 << 63;
    let spends = [(0, 0), (half, half), (half - 1, half), (0, u64::MAX), (u64::MAX, u64::MAX)];
    for (units, stood) in spends {
        let spend = Spend::new(5 << 40, 4, units, stood);
        assert!(ours_holds(&spend.statement(), &spend.ours()), "{units} of {stood}");
        assert!(Theirs::new(&spend).unwrap().holds(), "{units} of {stood}");
    }
}

#[test]
fn the_base_points_and_the_keys_are_the_same() {
    let nothing = PedersenOpening::new(Scalar::ZERO);
    let one = PedersenOpening::new(Scalar::ONE);
    assert_eq!(Pedersen::with(0_u64, &one).to_bytes(), BLINDING_BASE);
    let g = Sealed::of_public(1, 0).unwrap().commitment;
    assert_eq!(Pedersen::with(1_u64, &nothing).to_bytes(), g);
    let theirs = PedersenGens::default();
    assert_eq!(theirs.B, RISTRETTO_BASEPOINT_POINT);
    assert_eq!(theirs.B_blinding.compress().to_bytes(), BLINDING_BASE);
    let secret = Secret::random(&mut Chance(3));
    let keypair = ElGamalKeypair::new(ElGamalSecretKey::try_from(&secret.to_bytes()[..]).unwrap());
    assert_eq!(keypair.pubkey().to_bytes(), view_key(&secret));
}

#[test]
fn a_third_library_finds_the_same_commitments_in_range() {
    let (bases, generators) = (PedersenGens::default(), BulletproofGens::new(64, 1));
    let transcript = || Transcript::new(b"oracle");
    for units in [0, 1, 1 << 63, u64::MAX] {
        let spend = Spend::new(6 << 40, 4, units, u64::MAX);
        let blinding = Scalar::from_canonical_bytes(spend.blinding.to_bytes()).unwrap();
        let (proof, commitment) =
            RangeProof::prove_single(&generators, &bases, &mut transcript(), units, &blinding, 64)
                .unwrap();
        assert_eq!(commitment.to_bytes(), spend.amount.commitment);
        let holds = |of: Point| {
            let of = CompressedRistretto(of);
            proof.verify_single(&generators, &bases, &mut transcript(), &of, 64).is_ok()
        };
        assert!(holds(spend.amount.commitment));
        assert!(!holds(spend.before.commitment));
    }
}
