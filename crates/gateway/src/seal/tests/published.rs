//! Published vectors: HPKE by the very suites that we use, and what it is made of.

use std::{convert::Infallible, fs, path::Path};

use chacha20poly1305::{
    ChaCha20Poly1305, KeyInit as _,
    aead::{Aead as _, Payload},
};
use hkdf::Hkdf;
use hpke::{Deserializable as _, Kem, OpModeR, OpModeS, Serializable as _, kem::XWing};
use rand::{SeedableRng as _, TryCryptoRng, TryRng, rngs::StdRng};
use serde_json::Value;
use sha2::Sha256;
use types::{ChainId, Lane, PartyId, Sender, Text};

use super::super::{
    envelope::{CannotSeal, EnvelopePlace, SealedEnvelope},
    message::{Content, ForIssuer, Short},
    reader::{Aead, EnvelopeKey, EnvelopeSecret, Kdf, Kem as OurKem},
};

/// A file of reference data, which lies beside the repository; says so when it is not there.
fn reference(name: &str) -> Option<Value> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let beside =
        ["../../../shared/data", "../../../../shared/data"].map(|it| here.join(it).join(name));
    let Some(path) = beside.into_iter().find(|it| it.exists()) else {
        eprintln!("skipped: {name} is not beside the repository");
        return None;
    };
    Some(serde_json::from_slice(&fs::read(path).unwrap()).unwrap())
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

/// The tests of a file of Wycheproof, each with whether it is valid.
fn wycheproof(file: &Value) -> Vec<(&Value, bool)> {
    let groups = file["testGroups"].as_array().unwrap().iter();
    let tests = groups.flat_map(|it| it["tests"].as_array().unwrap());
    tests.map(|it| (it, it["result"] != "invalid")).collect()
}

/// Gives the bytes of a vector where chance is asked for.
struct Given(Vec<u8>);

impl TryRng for Given {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        unreachable!("HPKE asks for bytes")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        unreachable!("HPKE asks for bytes")
    }

    fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), Infallible> {
        assert_eq!(to.len(), self.0.len(), "it asks for as many as the vector has");
        to.copy_from_slice(&std::mem::take(&mut self.0));
        Ok(())
    }
}

impl TryCryptoRng for Given {}

/// Sends and receives one vector.
fn holds<K: Kem>(vector: &Value) {
    let (info, said) = (bytes(&vector["info"]), vector["encryptions"].as_array().unwrap());
    let (secret, key) = K::derive_keypair(&bytes(&vector["ikmR"]));
    assert_eq!(key.to_bytes().as_slice(), bytes(&vector["pkRm"]));
    let published = K::PrivateKey::from_bytes(&bytes(&vector["skRm"])).unwrap();
    assert_eq!(secret.to_bytes(), published.to_bytes());
    let chance = &mut Given(bytes(&vector["ikmE"]));
    let (agreed, mut sends) =
        hpke::setup_sender_with_rng::<Aead, Kdf, K>(&OpModeS::Base, &key, &info, chance).unwrap();
    assert_eq!(agreed.to_bytes().as_slice(), bytes(&vector["enc"]));
    let agreed = K::EncappedKey::from_bytes(&bytes(&vector["enc"])).unwrap();
    let mut receives =
        hpke::setup_receiver::<Aead, Kdf, K>(&OpModeR::Base, &secret, &agreed, &info).unwrap();
    for it in said {
        let [aad, plain, cipher] = ["aad", "pt", "ct"].map(|name| bytes(&it[name]));
        assert_eq!(sends.seal(&plain, &aad).unwrap(), cipher);
        assert_eq!(receives.open(&cipher, &aad).unwrap(), plain);
    }
    assert!(!said.is_empty());
}

/// The vectors in base mode of a KEM, with HKDF-SHA256 and ChaCha20-Poly1305.
fn of_suite(file: &Value, kem: u16) -> Vec<&Value> {
    let is = |it: &&Value| {
        it["mode"] == 0 && it["kem_id"] == kem && it["kdf_id"] == 1 && it["aead_id"] == 3
    };
    file.as_array().unwrap().iter().filter(is).collect()
}

#[test]
fn the_suite_of_messages_is_that_of_rfc_9180() {
    let Some(file) = reference("vectors-hpke/test-vectors.json") else { return };
    let vectors = of_suite(&file, 0x20);
    assert_eq!(vectors.len(), 1);
    vectors.iter().for_each(|it| holds::<OurKem>(it));
    let secret = EnvelopeSecret::derive(&bytes(&vectors[0]["ikmR"]).try_into().unwrap());
    assert_eq!(secret.key().bytes.as_slice(), bytes(&vectors[0]["pkRm"]));
}

#[test]
fn the_suite_of_wrapped_secrets_is_that_of_the_draft() {
    let Some(file) = reference("vectors-hpke/hpke-pq-test-vectors.json") else { return };
    let vectors = of_suite(&file, 0x647a);
    assert_eq!(vectors.len(), 1);
    vectors.iter().for_each(|it| holds::<XWing>(it));
}

#[test]
fn hkdf_as_wycheproof_has_it() {
    let Some(file) = reference("vectors-wycheproof/hkdf_sha256_test.json") else { return };
    let tests = wycheproof(&file);
    assert_eq!(tests.len(), 86);
    for (it, valid) in tests {
        let mut out = vec![0; usize::try_from(it["size"].as_u64().unwrap()).unwrap()];
        let hkdf = Hkdf::<Sha256>::new(Some(&bytes(&it["salt"])), &bytes(&it["ikm"]));
        let done = hkdf.expand_multi_info(&[&bytes(&it["info"])], &mut out);
        assert_eq!(done.is_ok(), valid, "{}", it["tcId"]);
        assert!(!valid || out == bytes(&it["okm"]), "{}", it["tcId"]);
    }
}

#[test]
fn chacha20_poly1305_as_wycheproof_has_it() {
    let Some(file) = reference("vectors-wycheproof/chacha20_poly1305_test.json") else { return };
    let tests = wycheproof(&file);
    assert_eq!(tests.len(), 325);
    let mut wrong = 0;
    for (it, valid) in tests {
        let [key, iv, aad, msg, ct, tag] =
            ["key", "iv", "aad", "msg", "ct", "tag"].map(|name| bytes(&it[name]));
        let sealed = [ct, tag].concat();
        let cipher = ChaCha20Poly1305::new_from_slice(&key).unwrap();
        // Nonces of other lengths do not compile; the vectors have some.
        let Ok(nonce) = <[u8; 12]>::try_from(iv) else {
            assert!(!valid);
            continue;
        };
        let opened = cipher.decrypt(&nonce.into(), Payload { msg: &sealed, aad: &aad });
        assert_eq!(opened.ok(), valid.then(|| msg.clone()), "{}", it["tcId"]);
        if valid {
            let payload = Payload { msg: &msg, aad: &aad };
            assert_eq!(cipher.encrypt(&nonce.into(), payload).ok(), Some(sealed));
        }
        wrong += u32::from(!valid);
    }
    assert!(wrong > 30);
}

#[test]
fn x25519_as_wycheproof_has_it_and_nothing_is_sealed_to_what_agrees_on_zeros() {
    let Some(file) = reference("vectors-wycheproof/x25519_test.json") else { return };
    let tests = wycheproof(&file);
    assert_eq!(tests.len(), 518);
    let place = EnvelopePlace {
        chain: ChainId([7; 32]),
        sender: Sender::Party(PartyId(1)),
        lane: Lane(0),
        sequence: 0,
    };
    let said = Content::Issuer(ForIssuer { amount: 1, holder: Short(Text::new("H").unwrap()) });
    let mut zeros = 0;
    for (it, _) in tests {
        let [public, private, shared] = ["public", "private", "shared"]
            .map(|name| <[u8; 32]>::try_from(bytes(&it[name])).unwrap());
        let secret = x25519_dalek::StaticSecret::from(private);
        let agreed = secret.diffie_hellman(&x25519_dalek::PublicKey::from(public));
        assert_eq!(agreed.as_bytes(), &shared, "{}", it["tcId"]);
        let to = [(EnvelopeKey { bytes: public }, said.clone())];
        let sealed = SealedEnvelope::seal(&place, &to, &mut StdRng::seed_from_u64(1));
        let refused = (shared == [0; 32]).then_some(CannotSeal::NoKey { place: 0 });
        assert_eq!(sealed.err(), refused, "{}", it["tcId"]);
        zeros += u32::from(shared == [0; 32]);
    }
    assert!(zeros > 10);
}
