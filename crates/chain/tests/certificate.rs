//! The engine's own finalizations, and what `crypto` says of them: the same as the engine.

use bytes::Bytes;
use commonware_codec::{DecodeExt as _, Encode as _, Write as _};
use commonware_consensus::{
    simplex::{
        scheme::ed25519::Scheme,
        types::{Finalization, Finalize, Notarize, Proposal},
    },
    types::{Epoch, Round, View},
};
use commonware_cryptography::{
    Signer as _, certificate::Scheme as _, ed25519, lthash, sha256::Digest as Payload,
};
use commonware_parallel::Sequential;
use commonware_utils::{non_empty, ordered::Set, test_rng};
use crypto::{
    LtHash,
    certificate::{self, NotCertified},
    keys::SecretKey,
};
use types::{ChainId, Committee, Header, LedgerTime, PartyId, PublicKey, Text, Validator};

const CHAIN: ChainId = ChainId([7; 32]);

/// Validators as the engine knows them and as we do.
struct Network {
    schemes: Vec<Scheme>,
    secrets: Vec<SecretKey>,
    committee: Committee,
}

impl Network {
    fn new(count: u8, first: u8, epoch: u64) -> Self {
        let seeds: Vec<[u8; 32]> = (0..count).map(|it| [first + it; 32]).collect();
        let private =
            |it: &[u8; 32]| ed25519::PrivateKey::decode(Bytes::copy_from_slice(it)).unwrap();
        let participants = Set::from_iter_dedup(seeds.iter().map(|it| private(it).public_key()));
        let namespace = certificate::namespace(&CHAIN);
        let scheme = |it| Scheme::signer(&namespace, participants.clone(), private(it)).unwrap();
        let keys = participants.iter().map(|it| PublicKey(it.as_ref().try_into().unwrap()));
        let validator =
            |key| Validator { key, party: PartyId(1), address: Text::new("127.0.0.1:1").unwrap() };
        Self {
            schemes: seeds.iter().map(scheme).collect(),
            secrets: seeds.iter().map(|it| SecretKey::from_seed(*it)).collect(),
            committee: Committee { epoch, validators: keys.map(validator).collect() },
        }
    }

    /// The certificate that the engine makes of the votes of the first `voters`.
    fn finalize(&self, header: &Header, voters: usize) -> Option<Finalization<Scheme, Payload>> {
        let votes: Vec<_> = self.schemes[..voters]
            .iter()
            .map(|it| Finalize::sign(it, proposal(header)).unwrap())
            .collect();
        Finalization::from_finalizes(&self.schemes[0], non_empty![@votes.iter()], &Sequential).ok()
    }

    /// Whether the engine takes these bytes for a certificate over the header.
    fn engine_takes(&self, header: &Header, bytes: &[u8]) -> bool {
        use commonware_codec::Decode as _;
        let limit = self.schemes.len();
        let Ok(it) =
            Finalization::<Scheme, Payload>::decode_cfg(Bytes::copy_from_slice(bytes), &limit)
        else {
            return false;
        };
        let same = it.proposal.payload == proposal(header).payload
            && it.proposal.round.epoch().get() == header.epoch;
        same && it.verify(&mut test_rng(), &self.schemes[0], &Sequential)
    }

    fn check(&self, header: &Header, bytes: &[u8]) -> Result<(), NotCertified> {
        certificate::check(header, bytes, &self.committee)
    }
}

fn proposal(header: &Header) -> Proposal<Payload> {
    let round = Round::new(Epoch::new(header.epoch), View::new(header.view));
    let payload = Payload::from(crypto::header_digest(header).0);
    Proposal::new(round, View::new(header.parent_view), payload)
}

fn header(epoch: u64, view: u64, time: u64) -> Header {
    Header {
        time: LedgerTime(time),
        epoch,
        view,
        parent_view: view - 1,
        ..Header::blank(CHAIN, 12)
    }
}

#[test]
fn what_the_engine_certifies_is_certified() {
    for (count, epoch, view) in [(1, 0, 1), (4, 0, 127), (4, 3, 128), (7, 200, 90_000), (31, 1, 5)]
    {
        let network = Network::new(count, 1, epoch);
        let header = header(epoch, view, 1_000);
        let all = usize::from(count);
        let needed = usize::try_from(certificate::quorum(u32::from(count))).unwrap();
        for voters in needed..=all {
            let bytes = network.finalize(&header, voters).unwrap().encode();
            assert_eq!(network.check(&header, &bytes), Ok(()), "{voters} of {count}");
            // The same votes make the same bytes here.
            let ours = certificate::sign(&header, &network.committee, &network.secrets[..voters]);
            assert_eq!(ours, bytes);
        }
        for voters in 1..needed {
            assert!(network.finalize(&header, voters).is_none());
            let few = certificate::sign(&header, &network.committee, &network.secrets[..voters]);
            assert!(!network.engine_takes(&header, &few));
            assert_eq!(network.check(&header, &few), Err(NotCertified::TooFew));
        }
    }
}

#[test]
fn a_certificate_with_any_byte_changed_is_false_for_both() {
    for count in [1, 4, 7, 31] {
        let network = Network::new(count, 1, 2);
        let header = header(2, 300, 1_000);
        let needed = usize::try_from(certificate::quorum(u32::from(count))).unwrap();
        let bytes = network.finalize(&header, needed).unwrap().encode().to_vec();
        for place in 0..bytes.len() {
            for change in [1, 0x80, 0xff] {
                let mut other = bytes.clone();
                other[place] ^= change;
                assert!(network.check(&header, &other).is_err(), "byte {place} of {count}");
                assert!(!network.engine_takes(&header, &other), "byte {place} of {count}");
            }
        }
        let longer = [bytes, vec![0]].concat();
        assert!(network.check(&header, &longer).is_err());
        assert!(!network.engine_takes(&header, &longer));
    }
}

#[test]
fn foreign_equivocal_and_older_certificates_are_false() {
    let (network, foreign) = (Network::new(4, 1, 2), Network::new(4, 50, 2));
    let (first, second) = (header(2, 9, 1_000), header(2, 9, 2_000));
    let bytes = |network: &Network, header| network.finalize(header, 4).unwrap().encode();
    let theirs = network.check(&first, &bytes(&foreign, &first));
    assert_eq!(theirs, Err(NotCertified::WrongSignature));
    let equivocal = network.check(&first, &bytes(&network, &second));
    assert_eq!(equivocal, Err(NotCertified::OtherBlock));

    let of_before = Header { epoch: 1, ..first.clone() };
    let older = network.check(&first, &bytes(&network, &of_before));
    assert_eq!(older, Err(NotCertified::OtherEpoch));

    // Votes of another kind, or for another market, are not votes to finalize here.
    let mut notarized = Vec::new();
    proposal(&first).write(&mut notarized);
    let votes: Vec<_> =
        network.schemes.iter().map(|it| Notarize::sign(it, proposal(&first)).unwrap()).collect();
    let attestations = votes.into_iter().map(|it| it.attestation);
    let assembled = network.schemes[0].assemble(non_empty![@attestations], &Sequential).unwrap();
    assembled.write(&mut notarized);
    assert_eq!(network.check(&first, &notarized), Err(NotCertified::WrongSignature));
}

#[test]
fn the_sum_over_a_set_is_the_engines() {
    let (mut ours, mut theirs) = (LtHash::default(), lthash::LtHash::new());
    for it in 0..50_u32 {
        ours.add(&it.to_be_bytes());
        theirs.add(&it.to_be_bytes());
    }
    for it in 10..20_u32 {
        ours.subtract(&it.to_be_bytes());
        theirs.subtract(&it.to_be_bytes());
    }
    // The engine stores a lane with its high byte first.
    let lanes = ours.to_bytes();
    let turned: Vec<u8> = lanes.chunks(2).flat_map(|it| [it[1], it[0]]).collect();
    assert_eq!(turned, theirs.encode().to_vec());
}
