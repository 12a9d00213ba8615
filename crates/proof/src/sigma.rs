//! Proofs of equations, by `sigma-proofs`: each is bound to the digest of its statement by its session.

use curve25519_dalek::Scalar;
use sigma_proofs::{
    DefaultHash, Instance, ProverRng, SessionId, derive_session_id, prove_batchable_with,
    verify_batch,
};
use types::Digest;

use crate::encoded::Encoded;

/// What the crate asks a tag to say: the application, the flavour, the suite; a statement's digest follows.
const TAG: &[u8] = b"furikae.proof.v1 DSFS sigma-proofs_TurboShake128_ristretto255 ";

/// Equations, and a proof of them.
pub struct Equations<'a> {
    /// Which item they are of.
    pub item: usize,
    /// What binds them to their statement.
    pub session: SessionId,
    /// The equations.
    pub instance: Instance<Encoded>,
    /// The proof.
    pub proof: &'a [u8],
}

/// What binds a proof of equations to its statement.
pub fn session(statement: &Digest) -> SessionId {
    derive_session_id::<DefaultHash>(&[TAG, &statement.0].concat())
}

/// Proves the equations.
///
/// # Panics
/// If the secrets are not as many as the equations have.
pub fn prove(
    statement: &Digest,
    instance: &Instance<Encoded>,
    secrets: &[Scalar],
    rng: &mut ProverRng,
) -> Vec<u8> {
    prove_batchable_with::<DefaultHash, _>(&session(statement), instance, secrets, rng)
        .expect("as many secrets as the equations have")
}

/// Whether all of these hold. The weights of the sum are drawn from all that is checked.
pub fn hold(all: &[Equations<'_>]) -> bool {
    let batch: Vec<_> = all.iter().map(|it| (&it.session, &it.instance, it.proof)).collect();
    verify_batch(&batch).is_ok()
}
