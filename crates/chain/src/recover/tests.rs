//! A stopped node is verified, damaged in every file, and rebuilt.

use std::collections::BTreeMap;

use commonware_codec::{Encode as _, Read as _};
use commonware_consensus::simplex::types::Finalization;
use commonware_cryptography::{Digestible as _, Signer as _, ed25519, sha256::Digest};
use commonware_runtime::{Blob as _, ReadOptions, Storage as _, Supervisor as _, WriteOptions};
use commonware_storage::archive::Archive as _;
use crypto::keys::SecretKey;
use types::Committee;

use super::*;
use crate::{
    Block, Scheme,
    testing::{Context, EPOCH, Node, first, genesis, morning, pay, run, signed},
};

const HEIGHT: u64 = 3 * EPOCH + 2;

fn names() -> Names {
    Names { genesis: genesis(), files: crate::Files::of("n") }
}

fn secrets() -> Vec<SecretKey> {
    let seed = |it| ed25519::PrivateKey::from_seed(it).encode();
    (0..4).map(|it| SecretKey::from_seed(seed(it).as_ref().try_into().unwrap())).collect()
}

/// A few days of a market.
async fn blocks(context: &Context) -> Vec<Block> {
    let mut node = Node::start(context, "market").await;
    let mut blocks = vec![first()];
    for height in 1..=HEIGHT {
        if height == 2 {
            for envelope in morning() {
                node.put(&envelope).await;
            }
        }
        if height > 4 {
            node.put(&signed(2, 1, height - 5, vec![pay(2, 3, 1)])).await;
        }
        let block = node.advance(blocks.last().unwrap(), height).await;
        blocks.push(block);
    }
    blocks
}

fn certificate(block: &Block, committee: &types::Committee) -> Finalization<Scheme, Digest> {
    let bytes = crypto::certificate::sign(block.header(), committee, &secrets());
    let mut bytes = bytes::Bytes::from(bytes);
    let any = <Scheme as commonware_cryptography::certificate::Verifier>::certificate_codec_config_unbounded();
    Finalization::read_cfg(&mut bytes, &any).expect("the engine reads it")
}

/// Writes blocks and certificates, as a node does.
async fn keep(context: &Context, blocks: &[Block]) {
    let archives = open(&context.child("keep"), &names()).await;
    let (mut kept, mut certificates) = archives.unwrap();
    let mut committee = Committee::of(0, genesis().validators);
    for block in &blocks[1..] {
        let height = block.header().height;
        kept = kept.put(height, block.digest(), &block.clone().into()).await.unwrap();
        if height % 5 != 2 || height == HEIGHT {
            let certificate = certificate(block, &committee);
            certificates = certificates.put(height, block.digest(), &certificate).await.unwrap();
        }
        committee = block.committee().unwrap_or(&committee).clone();
    }
    kept.sync().await.unwrap();
    certificates.sync().await.unwrap();
}

async fn verified(context: &Context, run: usize) -> Report {
    let context = context.child("verify").with_attribute("run", run);
    verify(&context, &names(), |_, _| ()).await.unwrap()
}

async fn rebuilt(context: &Context, run: usize) -> Result<Rebuilt, Fault> {
    let context = context.child("rebuild").with_attribute("run", run);
    rebuild(&context, &names(), |_, _| ()).await
}

#[test]
fn a_state_made_anew_from_blocks_is_the_certified_one_and_all_of_it_is_verified() {
    run(|context| async move {
        let blocks = blocks(&context).await;
        keep(&context, &blocks).await;
        let header = blocks.last().unwrap().header();
        let root = crypto::state_root(&header.databases);
        let done = rebuilt(&context, 0).await.unwrap();
        assert_eq!(done, Rebuilt { height: HEIGHT, state_root: root });

        let report = verified(&context, 0).await;
        assert_eq!(report.damaged, []);
        assert_eq!((report.height, report.state_root), (HEIGHT, root));
        let paid = HEIGHT - 4;
        assert_eq!((report.counts.accounts, report.counts.settlements), (4, paid));
        let time = |height: u64| Some(blocks[usize::try_from(height).unwrap()].header().time);
        assert_eq!(report.counts.first_settlement, time(5));
        assert_eq!(report.counts.last_settlement, time(HEIGHT));

        let again = rebuilt(&context, 1).await.unwrap();
        assert_eq!(again, done, "as often as one likes");
    });
}

#[test]
fn a_rebuild_that_was_interrupted_is_noticed_until_it_is_done_again() {
    run(|context| async move {
        let blocks = blocks(&context).await;
        keep(&context, &blocks).await;
        rebuilt(&context, 0).await.unwrap();
        let files = names().files;
        assert!(!is_unfinished(&context, &files).await.unwrap());
        crate::mark::make(&context, &files.rebuilding(), 0).await.unwrap();
        assert!(is_unfinished(&context, &files).await.unwrap());
        let damaged = verified(&context, 0).await.damaged;
        assert!(damaged.iter().any(|it| it.what == "a rebuild was interrupted"), "{damaged:?}");
        rebuilt(&context, 1).await.unwrap();
        assert!(!is_unfinished(&context, &files).await.unwrap());
        assert_eq!(verified(&context, 1).await.damaged, []);
    });
}

#[test]
fn a_node_that_has_nothing_yet_is_sound() {
    run(|context| async move {
        let report = verified(&context, 0).await;
        assert_eq!((report.height, report.damaged), (0, vec![]));
        assert_eq!(rebuilt(&context, 0).await.unwrap().height, 0);
        assert_eq!(verified(&context, 1).await.damaged, []);
    });
}

#[test]
fn a_block_of_another_chain_and_a_certificate_of_another_block_are_found() {
    run(|context| async move {
        let blocks = blocks(&context).await;
        let archives = open(&context.child("a"), &names()).await;
        let (mut kept, mut certificates) = archives.unwrap();
        let committee = Committee::of(0, genesis().validators);
        for block in &blocks[1..6] {
            let height = block.header().height;
            let shown = if height == 3 { &blocks[4] } else { block };
            kept = kept.put(height, shown.digest(), &shown.clone().into()).await.unwrap();
            let over = if height == 5 { &blocks[2] } else { block };
            let certificate = certificate(over, &committee);
            certificates = certificates.put(height, over.digest(), &certificate).await.unwrap();
        }
        kept.sync().await.unwrap();
        certificates.sync().await.unwrap();
        let found = verified(&context, 0).await.damaged;
        let found: Vec<_> = found.iter().map(|it| (it.file.as_str(), it.heights.clone())).collect();
        assert!(found.contains(&("n-blocks", Some(3..=3))), "{found:?}");
        assert!(found.contains(&("n-certificates", Some(5..=5))), "{found:?}");
        let fault = rebuilt(&context, 0).await.unwrap_err().to_string();
        assert!(fault.contains("n-blocks") && fault.contains("nothing was changed"), "{fault}");
    });
}

type Files = BTreeMap<(String, Vec<u8>), Vec<u8>>;

const RECORD: [&str; 10] = [
    "n-blocks-metadata",
    "n-blocks-table",
    "n-blocks-keys",
    "n-blocks-values",
    "n-blocks-heights",
    "n-certificates-metadata",
    "n-certificates-table",
    "n-certificates-keys",
    "n-certificates-values",
    "n-certificates-heights",
];

const MADE: [&str; 8] = [
    "n-state-192-log-blobs",
    "n-state-192-tree-blobs",
    "n-state-512-log-blobs",
    "n-state-2112-log-blobs",
    "n-archive-changes-index",
    "n-archive-changes-values",
    "n-archive-headers_data",
    "n-archive-headers_offsets-blobs",
];

async fn read(context: &Context, partition: &str, files: &mut Files) {
    for name in context.scan(partition).await.unwrap_or_default() {
        let (blob, len) = context.open(partition, &name).await.unwrap();
        let len = usize::try_from(len).unwrap();
        let bytes = blob.read_at(0, len, ReadOptions::default()).await.unwrap();
        files.insert((partition.into(), name), bytes.coalesce().as_ref().to_vec());
    }
}

async fn write(context: &Context, files: &Files) {
    let mut cleared = Vec::new();
    for ((partition, name), bytes) in files {
        if !cleared.contains(partition) {
            let _ = context.remove(partition, None).await;
            cleared.push(partition.clone());
        }
        let (blob, _) = context.open(partition, name).await.unwrap();
        blob.write_at(0, bytes.clone(), WriteOptions::default()).await.unwrap();
        blob.sync().await.unwrap();
    }
}

/// Places of bytes that say something, at most `count`.
fn places(bytes: &[u8], count: usize) -> Vec<usize> {
    let said: Vec<_> = (0..bytes.len()).filter(|it| bytes[*it] != 0).collect();
    said.iter().step_by((said.len() / count).max(1)).copied().collect()
}

/// All that a node keeps, whole.
async fn whole(context: &Context) -> (Files, Report) {
    keep(context, &blocks(context).await).await;
    rebuilt(context, 0).await.unwrap();
    let report = verified(context, 0).await;
    assert_eq!(report.damaged, []);
    let mut files = Files::new();
    for partition in RECORD.iter().chain(&MADE) {
        read(context, partition, &mut files).await;
    }
    (files, report)
}

#[test]
fn one_byte_of_what_is_made_from_blocks_is_noticed_named_and_rebuilt() {
    run(|context| async move {
        let (files, clean) = whole(&context).await;
        let (mut run, mut noticed) = (1, BTreeMap::<&str, u32>::new());
        for partition in MADE {
            let (file, bytes) = files.iter().find(|(file, _)| file.0 == partition).unwrap();
            for at in places(bytes, 6) {
                run += 1;
                let mut damaged = files.clone();
                damaged.get_mut(file).unwrap()[at] ^= 0x20;
                write(&context, &damaged).await;
                let report = verified(&context, run).await;
                let family = if partition.contains("state") { "state" } else { "n-archive" };
                let whole_pages = (bytes.len() / 4096).saturating_sub(1) * 4096;
                let paged = partition.contains("state") && at < whole_pages && at % 4096 < 4084;
                assert!(!paged || !report.damaged.is_empty(), "byte {at} of {partition}");
                if report.damaged.is_empty() {
                    assert_eq!((report.height, report.counts), (clean.height, clean.counts));
                    continue;
                }
                *noticed.entry(partition).or_default() += 1;
                let named = report.damaged.iter().any(|it| it.file.contains(family));
                assert!(named, "byte {at} of {partition}: {:?}", report.damaged);
                let done = rebuilt(&context, run).await.unwrap();
                assert_eq!((done.height, done.state_root), (HEIGHT, clean.state_root));
                assert_eq!(verified(&context, run + 10_000).await.damaged, []);
            }
        }
        println!("noticed: {noticed:#?}");
        for partition in
            ["n-state-192-log-blobs", "n-archive-changes-values", "n-archive-headers_data"]
        {
            assert!(noticed.get(partition).is_some_and(|it| *it > 1), "{partition}: {noticed:?}");
        }
    });
}

#[test]
fn one_byte_of_the_record_is_noticed_and_named_or_changes_nothing() {
    run(|context| async move {
        let (files, clean) = whole(&context).await;
        let (mut run, mut noticed) = (1, BTreeMap::<&str, u32>::new());
        for partition in RECORD {
            for (file, bytes) in files.iter().filter(|(file, _)| file.0 == partition) {
                for at in places(bytes, 6) {
                    run += 1;
                    let mut damaged = files.clone();
                    damaged.get_mut(file).unwrap()[at] ^= 0x20;
                    write(&context, &damaged).await;
                    let report = verified(&context, run).await;
                    if report.damaged.is_empty() {
                        assert_eq!(report.height, clean.height, "byte {at} of {partition}");
                        assert_eq!(report.counts, clean.counts);
                        continue;
                    }
                    *noticed.entry(partition).or_default() += 1;
                    let family =
                        if partition.contains("blocks") { "n-blocks" } else { "n-certificates" };
                    let named = report.damaged.iter().any(|it| it.file.contains(family));
                    assert!(named, "byte {at} of {partition}: {:?}", report.damaged);
                }
            }
        }
        println!("noticed: {noticed:#?}");
        assert!(noticed.get("n-blocks-values").is_some_and(|it| *it > 1), "{noticed:?}");
        assert!(noticed.get("n-certificates-values").is_some_and(|it| *it > 1), "{noticed:?}");
    });
}
