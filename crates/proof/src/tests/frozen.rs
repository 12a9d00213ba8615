//! With the same secrets and the same chance a proof has the same bytes: a crate that changed them would be noticed.

use crypto::{Statement, sha256};
use types::Wire as _;

use super::sample::*;
use crate::Proof;

/// Digests of the proofs of one claim of each kind, in order.
const DIGESTS: [&str; 11] = [
    "ed274c466bccee80b25d21eb3c68779b527c0f77e3dc8e68f6da799f0ef6796d",
    "0dbc3e625531393c58c032b9a4e67a3c1205a3bd10f08170e921db99fb4523be",
    "2d35d1652d9155c4f881cd33a4aa1562de74f51be57ada26e7b9e96ac1de983b",
    "d252a2b08488f9bea00970c06005864d728f5dfea35f0a10287cdee8b035eb36",
    "331345a914e799d5f5cbe6137db878ba40bcc12f64f3cf6995b26efae2fe1707",
    "0e8a3868a79e59ae1e0b6861aa9dca12ce06d13cc56ee776e18df51cdd428f7a",
    "8af1e335a803d2b23dfb0f2c2446eea5c4783e41ae1dfc6fa594601e257b7d6b",
    "c5e7e1689a04b9ade888001cc73874d57316b7253f0e9c616608acdaa0342305",
    "764b3677ed6bd8bff0f3845228eff9166b63932f4443c3d820dfd2f057570cc6",
    "7c3106fb9686640e0b6f77e865b98f23553b3cb21379d5ac04b340953db0e3e7",
    "697673319d1ac2a387f6454e92fbf847f5baa58cf99018e7b438c08260f1bf54",
];

#[test]
fn proofs_have_the_bytes_of_version_1() {
    let mut chance = Chance(50);
    let all = proved(one_of_each(&mut chance), &mut chance);
    let digests: Vec<_> = all.iter().map(|it| sha256(&it.1.0).to_string()).collect();
    assert_eq!(digests, DIGESTS);
}

/// A spend of three handles and its proof, as version 1 wrote them: whoever changes how they are read or checked
/// makes what is stored false.
const STORED: &str = include_str!("stored.hex");

#[test]
fn what_version_1_wrote_is_still_shown() {
    let mut lines = STORED.lines().map(|it| hex::decode(it).unwrap());
    let statement = Statement::from_bytes(&lines.next().unwrap()).unwrap();
    let proof = Proof(lines.next().unwrap());
    assert!(holds(&statement, &proof));
}
