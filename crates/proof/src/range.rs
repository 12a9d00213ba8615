//! Proofs that commitments are to at least zero and less than 2^64, by `tari_bulletproofs_plus`.
//!
//! Each is bound to the digest of its statement and to its place there, and by its crate to the commitments.

use std::{ops::Range, sync::LazyLock};

use crypto::sealed::BLINDING_BASE;
use curve25519_dalek::{RistrettoPoint, Scalar, ristretto::CompressedRistretto};
use rand_core::CryptoRng;
use tari_bulletproofs_plus::{
    commitment_opening::CommitmentOpening,
    generators::pedersen_gens::ExtensionDegree,
    range_parameters::RangeParameters,
    range_proof::{RangeProof, VerifyAction},
    range_statement::RangeStatement,
    range_witness::RangeWitness,
    ristretto::{RistrettoRangeProof, create_pedersen_gens_with_extension_degree},
};
use tari_merlin::Transcript;
use types::Digest;

use crate::{
    relation::{BLINDINGS, Ranged},
    shape::AGGREGATE_MAX,
};

/// How many commitments the two sets of generators are for. A statement carries its own copy of them, so that of
/// one or two commitments takes the small set.
const SIZES: [usize; 2] = [2, AGGREGATE_MAX];

static PARAMETERS: [LazyLock<RangeParameters<RistrettoPoint>>; 2] =
    [LazyLock::new(|| parameters(SIZES[0])), LazyLock::new(|| parameters(SIZES[1]))];

fn parameters(commitments: usize) -> RangeParameters<RistrettoPoint> {
    let mut bases = create_pedersen_gens_with_extension_degree(ExtensionDegree::DefaultPedersen);
    bases.g_base_vec = vec![*BLINDINGS.point()];
    bases.g_base_compressed_vec = vec![CompressedRistretto(BLINDING_BASE)];
    RangeParameters::init(64, commitments, bases).expect("sizes are powers of two")
}

/// Which set of generators so many commitments take.
fn set_of(commitments: usize) -> usize {
    usize::from(commitments > SIZES[0])
}

/// Proofs of ranges that have the same generators, so that they can be checked together.
#[derive(Default)]
pub struct Ranges {
    transcripts: Vec<Transcript>,
    statements: Vec<RangeStatement<RistrettoPoint>>,
    proofs: Vec<RistrettoRangeProof>,
    items: Vec<usize>,
}

impl Ranges {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Which item this one is of.
    pub fn item(&self, place: usize) -> usize {
        self.items[place]
    }

    /// Whether all of these hold. The weights of the sum are drawn from all that is checked.
    pub fn hold(&self, some: Range<usize>) -> bool {
        let mut transcripts = self.transcripts[some.clone()].to_vec();
        let (statements, proofs) = (&self.statements[some.clone()], &self.proofs[some]);
        let only = VerifyAction::VerifyOnly;
        RangeProof::verify_batch(&mut transcripts, statements, proofs, only).is_ok()
    }
}

/// Adds to those of its generators the proof that this aggregate of a statement's item is in range. `None` if it is
/// no encoding of one.
pub fn add(
    sets: &mut [Ranges; 2],
    item: usize,
    transcript: Transcript,
    ranged: &[Ranged],
    proof: &[u8],
) -> Option<()> {
    let proof = RistrettoRangeProof::from_bytes(proof).ok()?;
    if proof.extension_degree() != ExtensionDegree::DefaultPedersen {
        return None;
    }
    let set = &mut sets[set_of(ranged.len())];
    set.transcripts.push(transcript);
    set.statements.push(statement(ranged));
    set.proofs.push(proof);
    set.items.push(item);
    Some(())
}

/// What binds the proof of an aggregate to its statement, and to its place there.
pub fn transcript(statement: &Digest, aggregate: usize) -> Transcript {
    let mut transcript = Transcript::new(b"furikae.range.v1");
    transcript.append_message(b"statement", &statement.0);
    transcript.append_u64(b"aggregate", aggregate as u64);
    transcript
}

fn statement(ranged: &[Ranged]) -> RangeStatement<RistrettoPoint> {
    RangeStatement {
        generators: PARAMETERS[set_of(ranged.len())].clone(),
        commitments: ranged.iter().map(|it| it.point).collect(),
        commitments_compressed: ranged.iter().map(|it| CompressedRistretto(it.bytes)).collect(),
        minimum_value_promises: vec![None; ranged.len()],
        seed_nonce: None,
    }
}

/// Proves that these commitments, a power of two of them, are to these amounts under these blindings.
///
/// # Panics
/// If they are not.
pub fn prove(
    mut transcript: Transcript,
    ranged: &[Ranged],
    opened: &[(u64, Scalar)],
    rng: &mut impl CryptoRng,
) -> Vec<u8> {
    let openings = opened.iter().map(|(v, r)| CommitmentOpening::new(*v, vec![*r])).collect();
    let witness = RangeWitness::init(openings).expect("an aggregate is not empty");
    RistrettoRangeProof::prove_with_rng(&mut transcript, &statement(ranged), &witness, rng)
        .expect("the openings are those of the commitments")
        .to_bytes()
}
