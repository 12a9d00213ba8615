//! Published signatures, right and wrong: each alone and all together get the verdict that is published.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    process::Command,
};

use crypto::keys::{SecretKey, verify, verify_all};
use serde_json::Value;
use types::PublicKey;

/// A file of reference data, which lies beside the repository; says so when it is not there.
fn reference(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(name);
    let also = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/data").join(name);
    let found = [path, also].into_iter().find(|it| it.exists());
    if found.is_none() {
        eprintln!("skipped: {name} is not beside the repository");
    }
    found
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

struct Vector {
    name: String,
    public: PublicKey,
    message: Vec<u8>,
    signature: [u8; 64],
}

impl Vector {
    /// `None` if the signature or the key has not its length, as some of those that are wrong.
    fn new(name: String, public: Vec<u8>, message: Vec<u8>, signature: Vec<u8>) -> Option<Self> {
        let public = PublicKey(public.try_into().ok()?);
        Some(Self { name, public, message, signature: signature.try_into().ok()? })
    }

    fn holds(&self) -> bool {
        verify(&self.public, &self.message, &self.signature)
    }
}

fn together<'a>(vectors: impl IntoIterator<Item = &'a Vector>) -> bool {
    verify_all(vectors.into_iter().map(|it| (&it.public, &it.message[..], &it.signature)))
}

/// One more signature beside a wrong one does not hide it, nor does a right one suffer.
fn alone_and_together(vectors: &[Vector], right: impl Fn(&Vector) -> bool) {
    let secret = SecretKey::from_seed([1; 32]);
    let message = b"beside".to_vec();
    let signature = secret.sign(&message);
    let beside = Vector { name: "beside".into(), public: secret.public(), message, signature };
    for it in vectors {
        assert_eq!(it.holds(), right(it), "{}", it.name);
        assert_eq!(together([it]), right(it), "{}", it.name);
        assert_eq!(together([&beside, it]), right(it), "{}", it.name);
    }
    assert_eq!(together(vectors), vectors.iter().all(&right));
    assert!(together(vectors.iter().filter(|it| right(it))));
}

#[test]
fn the_cases_of_zip_215() {
    let Some(path) = reference("vectors-ed25519/zip215.json") else { return };
    let cases = json(&path);
    let vectors = cases.as_array().unwrap().iter().enumerate().map(|(place, it)| {
        assert_eq!(it["valid_zip215"], true);
        let (public, signature) = (bytes(&it["vk_bytes"]), bytes(&it["sig_bytes"]));
        Vector::new(place.to_string(), public, b"Zcash".to_vec(), signature).unwrap()
    });
    let vectors: Vec<_> = vectors.collect();
    assert_eq!(vectors.len(), 196);
    alone_and_together(&vectors, |_| true);
}

#[test]
fn the_corners_of_the_curve_hold_as_zip_215_says() {
    let Some(path) = reference("vectors-ed25519/dalek-VALIDATIONVECTORS") else { return };
    let cases = json(&path);
    let cases = cases.as_array().unwrap();
    let (mut right, mut wrong) = (Vec::new(), Vec::new());
    for it in cases {
        let message = it["msg"].as_str().unwrap().as_bytes().to_vec();
        let (public, signature) = (bytes(&it["key"]), bytes(&it["sig"]));
        let vector = Vector::new(it["number"].to_string(), public, message, signature).unwrap();
        // Small components and unusual forms are no flaw. A hash over other bytes than those of the key
        // is one, unless the key is of so small an order that the hash plays no part.
        let has =
            |flag: &str| it["flags"].as_array().is_some_and(|it| it.iter().any(|it| it == flag));
        let flawed = has("reencoded_k") && !has("low_order_A");
        if flawed { &mut wrong } else { &mut right }.push(vector);
    }
    assert_eq!(right.len() + wrong.len(), 914);
    alone_and_together(&right, |_| true);
    alone_and_together(&wrong, |_| false);
    assert!(!wrong.is_empty());
}

#[test]
fn the_signatures_of_wycheproof() {
    let Some(path) = reference("vectors-wycheproof/ed25519_test.json") else { return };
    let file = json(&path);
    let (mut right, mut wrong, mut unread) = (Vec::new(), Vec::new(), 0);
    for group in file["testGroups"].as_array().unwrap() {
        let public = bytes(&group["publicKey"]["pk"]);
        for it in group["tests"].as_array().unwrap() {
            let (message, signature) = (bytes(&it["msg"]), bytes(&it["sig"]));
            // An unusual form of a point; ZIP 215 takes it, other rules do not.
            let unusual = it["tcId"] == 151;
            let valid = it["result"] == "valid" || unusual;
            let name = it["tcId"].to_string();
            match Vector::new(name, public.clone(), message, signature) {
                Some(it) if valid => right.push(it),
                Some(it) => wrong.push(it),
                None => {
                    assert!(!valid, "a right one has its length");
                    unread += 1;
                }
            }
        }
    }
    assert_eq!(right.len() + wrong.len() + unread, 151);
    assert!(right.len() > 80 && wrong.len() > 30);
    alone_and_together(&right, |_| true);
    alone_and_together(&wrong, |_| false);
}

#[test]
fn the_first_signatures_of_all_are_made_again() {
    let Some(path) = reference("vectors-ed25519/sign.input.gz") else { return };
    let unpacked = match Command::new("gzip").arg("-dc").arg(path).output() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            eprintln!("skipped: there is no gzip");
            return;
        }
        unpacked => unpacked.unwrap(),
    };
    let mut vectors = Vec::new();
    for line in String::from_utf8(unpacked.stdout).unwrap().lines() {
        let fields: Vec<_> = line.split(':').map(|it| hex::decode(it).unwrap()).collect();
        let secret = SecretKey::from_seed(fields[0][..32].try_into().unwrap());
        let name = format!("of {} bytes", fields[2].len());
        let it = Vector::new(name, fields[1].clone(), fields[2].clone(), fields[3][..64].to_vec());
        let it = it.unwrap();
        assert_eq!(secret.public(), it.public);
        assert_eq!(secret.sign(&it.message), it.signature);
        vectors.push(it);
    }
    assert_eq!(vectors.len(), 1_024);
    assert!(vectors.iter().all(Vector::holds));
    assert!(together(&vectors));
    vectors[500].message[7] ^= 1;
    assert!(!together(&vectors));
}
