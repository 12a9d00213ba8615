//! Published points of ristretto255: what encodes one, what does not, sums, products, and the one-way map.

#![allow(clippy::disallowed_types, reason = "tests count in memory")]

use std::{collections::BTreeSet, fs, path::Path};

use crypto::sealed::{is_key, point};
use curve25519_dalek::{
    RistrettoPoint, Scalar, constants::RISTRETTO_BASEPOINT_POINT, ristretto::CompressedRistretto,
    traits::Identity,
};
use sha2::{Digest as _, Sha512};

/// A file of reference data, which lies beside the repository; says so when it is not there.
fn reference(name: &str) -> Option<String> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let beside = ["../../../shared/data", "../../../../shared/data"];
    let found = beside.iter().map(|it| here.join(it).join(name)).find(|it| it.exists());
    if found.is_none() {
        eprintln!("skipped: {name} is not beside the repository");
    }
    found.map(|it| fs::read_to_string(it).unwrap())
}

/// The texts of a program between two of its lines, without spaces: what it has in double or single quotes.
/// Those that a plus sign joins are one.
fn texts(program: &str, from: &str, to: &str) -> Vec<String> {
    let (_, rest) = program.split_once(from).unwrap();
    let (part, _) = rest.split_once(to).unwrap();
    let lines = part.lines().filter(|it| !it.trim_start().starts_with("//"));
    let part = lines.collect::<Vec<_>>().join("\n");
    let quote = if part.contains('\'') { '\'' } else { '"' };
    let mut texts: Vec<String> = Vec::new();
    let pieces: Vec<_> = part.split(quote).collect();
    for pair in pieces.chunks_exact(2) {
        match texts.last_mut() {
            Some(last) if pair[0].trim() == "+" => last.push_str(pair[1]),
            _ => texts.push(pair[1].to_string()),
        }
    }
    texts
}

fn point_bytes<const N: usize>(digits: &str) -> [u8; N] {
    hex::decode(digits.replace(' ', "")).unwrap().try_into().unwrap()
}

fn encoded(it: &RistrettoPoint) -> String {
    hex::encode(it.compress().as_bytes())
}

/// Encodings of the first multiples of the base point, in order.
fn small_multiples_hold(encodings: &[String]) {
    assert_eq!(encodings.len(), 16);
    let mut sum = RistrettoPoint::identity();
    for (times, encoding) in (0_u64..).zip(encodings) {
        let read = point(&point_bytes(encoding)).unwrap();
        assert_eq!(read, sum);
        assert_eq!(RistrettoPoint::mul_base(&Scalar::from(times)), sum);
        assert_eq!(&encoded(&sum), encoding);
        assert_eq!(is_key(&point_bytes(encoding)), times > 0);
        sum += RISTRETTO_BASEPOINT_POINT;
    }
    let doubled: Vec<_> = encodings.iter().map(|it| point(&point_bytes(it)).unwrap()).collect();
    let doubled = RistrettoPoint::double_and_compress_batch(&doubled);
    for (one, two) in encodings.iter().step_by(2).zip(doubled) {
        assert_eq!(hex::encode(two.as_bytes()), *one);
    }
}

fn bad_encodings_are_none(encodings: &[String]) {
    assert_eq!(encodings.len(), 29);
    for encoding in encodings {
        assert_eq!(point(&point_bytes(encoding)), None, "{encoding}");
        assert!(!is_key(&point_bytes(encoding)));
    }
}

fn maps_to(input: &[u8; 64], expected: &str) {
    let mapped = RistrettoPoint::from_uniform_bytes(input);
    assert_eq!(encoded(&mapped), expected.replace(' ', ""));
}

fn hashes_map_to(texts: &[String], expected: &[String]) {
    assert_eq!((texts.len(), expected.len()), (7, 7));
    for (text, expected) in texts.iter().zip(expected) {
        maps_to(&Sha512::digest(text.as_bytes()).into(), expected);
    }
}

#[test]
fn rfc_9496_as_noble_has_it() {
    let Some(file) = reference("vectors-ristretto255/rfc9496-ristretto-decaf.test.ts") else {
        return;
    };
    small_multiples_hold(&texts(&file, "const encodingsOfSmallMultiples = [", "];"));
    bad_encodings_are_none(&texts(&file, "const badEncodings = [", "];"));
    let expected = texts(&file, "const encodedHashToPoints = [", "];");
    hashes_map_to(&texts(&file, "const labels = [", "];"), &expected);
    let pairs = texts(&file, "const VECTORS = [", "];");
    assert_eq!(pairs.len(), 22);
    pairs.chunks_exact(2).for_each(|it| maps_to(&point_bytes(&it[0]), &it[1]));
}

#[test]
fn rfc_9496_as_gtank_has_it() {
    let Some(file) = reference("vectors-ristretto255/gtank-ristretto255_test.go") else { return };
    small_multiples_hold(&texts(&file, "var testVectors = [16]string{", "\n\t}"));
    bad_encodings_are_none(&texts(&file, "var testVectors = []string{", "\n\t}"));
    let (_, maps) = file.split_once("func TestRistrettoFromUniformBytesTestVectors").unwrap();
    let expected = texts(maps, "elements := []string{", "\n\t}");
    hashes_map_to(&texts(maps, "inputs := []string{", "\n\t}"), &expected);
    let (_, equal) = file.split_once("func TestEquivalentFromUniformBytes").unwrap();
    let inputs = texts(equal, "inputs := []string{", "\n\t}");
    let expected = texts(equal, "expected := ", "\n\n");
    assert_eq!((inputs.len(), expected.len()), (4, 1));
    inputs.iter().for_each(|it| maps_to(&point_bytes(it), &expected[0]));
}

#[test]
fn products_and_quotients_of_rfc_9497() {
    let Some(file) = reference("vectors-ristretto255/voprf-allVectors.json") else { return };
    let all: serde_json::Value = serde_json::from_str(&file).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_string();
    let scalar = |digits: &str| Scalar::from_canonical_bytes(point_bytes(digits)).unwrap();
    let read = |digits: &str| CompressedRistretto(point_bytes(digits)).decompress().unwrap();
    let mut count = 0;
    let ours =
        all.as_array().unwrap().iter().filter(|it| it["identifier"] == "ristretto255-SHA512");
    for suite in ours {
        let secret = scalar(&text(&suite["skSm"]));
        if let Some(key) = suite["pkSm"].as_str() {
            assert_eq!(encoded(&RistrettoPoint::mul_base(&secret)), key);
        }
        // With public information the secret is another, made of a hash to a scalar.
        if suite["mode"] == 2 {
            continue;
        }
        for vector in suite["vectors"].as_array().unwrap() {
            let fields = ["Input", "Blind", "BlindedElement", "EvaluationElement", "Output"];
            let lists = fields.map(|it| text(&vector[it]));
            let lists = lists.each_ref().map(|it| it.split(',').collect::<Vec<_>>());
            for place in 0..lists[0].len() {
                let [input, blind, blinded, evaluated, output] =
                    lists.each_ref().map(|it| it[place]);
                assert_eq!(encoded(&(read(blinded) * secret)), evaluated);
                let unblinded = read(evaluated) * scalar(blind).invert();
                let input = hex::decode(input).unwrap();
                let len = u16::try_from(input.len()).unwrap().to_be_bytes();
                let hash = Sha512::new().chain_update(len).chain_update(&input);
                let hash = hash.chain_update([0, 32]).chain_update(unblinded.compress().as_bytes());
                let hash = hash.chain_update(b"Finalize").finalize();
                assert_eq!(hex::encode(hash), output);
                count += 1;
            }
        }
    }
    assert_eq!(count, 6);
}

#[test]
fn an_encoding_is_one_of_one_point() {
    let points = (1_u64..200).map(|it| RistrettoPoint::mul_base(&Scalar::from(it)));
    let both: BTreeSet<_> = points.flat_map(|it| [encoded(&it), encoded(&-it)]).collect();
    assert_eq!(both.len(), 398);
}
