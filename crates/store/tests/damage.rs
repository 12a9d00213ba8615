//! One byte of a stored file is changed: noticed and named, or nothing that is read differs.

#![recursion_limit = "512"]

mod common;

use std::collections::BTreeMap;

use common::{Chain, Context, Files, key, places};
use commonware_runtime::{Runner as _, Supervisor as _, deterministic};
use crypto::changes::BlockChanges;
use store::{
    Archive, Class, Fault, Key, Row, State, archive,
    state::{self, Config},
};
use types::DatabaseRange;

/// How many places of a file are damaged, each in a run of its own.
const PLACES: usize = 24;

/// How often damage to a partition was noticed, and how often it changed nothing that is read.
type Tally = BTreeMap<String, (u32, u32)>;

fn names(prefix: &str, parts: &[&str]) -> Vec<String> {
    parts.iter().map(|it| format!("{prefix}-{it}")).collect()
}

fn context(context: &Context, run: usize) -> Context {
    context.child("run").with_attribute("number", run)
}

/// Opens the archive, compares it with the certified header and reads all of it.
async fn read_archive(context: Context, chain: &Chain) -> Result<(), Fault> {
    let archive = Archive::open(context, &archive::Config::small("a")).await?;
    archive.check(&chain.newest().header).await?;
    for (height, block) in (0..).zip(&chain.blocks) {
        let read = archive.get(height).await?;
        assert_eq!(read.as_ref(), Some(block), "height {height} is served otherwise");
        assert_eq!(archive.header(height).await?.as_ref(), Some(&block.header));
        assert!(archive.path(height, 31).await?.is_some());
    }
    Ok(())
}

#[test]
fn every_file_of_the_archive() {
    deterministic::Runner::default().start(|runtime| async move {
        let chain = Chain::to(30);
        let config = archive::Config::small("a");
        let mut whole = Archive::open(context(&runtime, 0), &config).await.unwrap();
        for block in &chain.blocks {
            whole.put(block).await.unwrap();
            whole.sync().await.unwrap();
        }
        whole.prune(1).await.unwrap();
        drop(whole);

        let headers = ["headers_data", "headers_offsets-blobs", "headers_offsets-metadata"];
        let changes = ["changes-index", "changes-values", "changes-marks", "start"];
        let partitions = names("a", &[&headers[..], &changes[..]].concat());
        let files = Files::read(&runtime, &partitions).await;
        assert!(archive::damaged(&runtime, &config).await.is_empty());
        let (mut tally, mut run) = (Tally::new(), 1);
        for (file, bytes) in &files.0 {
            for at in places(bytes.len(), PLACES) {
                files.with_flip(file, at).restore(&runtime, &partitions).await;
                run += 1;
                let counts = tally.entry(file.0.clone()).or_default();
                match read_archive(context(&runtime, run), &chain).await {
                    Ok(()) => counts.1 += 1,
                    Err(fault) => {
                        let named = fault.to_string();
                        let part = if file.0.contains("headers") { "a-headers" } else { "a-" };
                        assert!(named.contains(part), "byte {at} of {}: {named}", file.0);
                        counts.0 += 1;
                    }
                }
            }
        }
        println!("noticed, without effect: {tally:#?}");
        let noticed = |part: &str| tally[&format!("a-{part}")].0;
        assert!(noticed("changes-values") > 20, "most of its bytes are changes");
        assert!(noticed("headers_data") > 10, "most of its bytes are headers");
        assert!(noticed("changes-index") > 0);
    });
}

#[test]
fn changes_with_a_right_checksum_under_a_wrong_root() {
    use bytes::Bytes;
    use commonware_codec::RangeCfg;
    use commonware_runtime::buffer::paged::CacheRef;
    use commonware_storage::{
        archive::{Archive as _, prunable},
        translator::EightCap,
    };
    use commonware_utils::{NZU16, NZU64, NZUsize, sequence::FixedBytes};
    use types::Wire as _;

    deterministic::Runner::default().start(|runtime| async move {
        let chain = Chain::to(9);
        let config = archive::Config::small("a");
        let mut whole = Archive::open(context(&runtime, 0), &config).await.unwrap();
        for block in &chain.blocks {
            whole.put(block).await.unwrap();
        }
        whole.sync().await.unwrap();
        drop(whole);
        let tampered: [fn(&mut BlockChanges); 3] = [
            |it| it.changes[0].new = None,
            |it| it.events[0].0.push(1),
            |it| {
                it.events.clear();
                it.header.changes_root = it.root();
            },
        ];
        for (run, tamper) in (1..).zip(tampered) {
            let parts = names("a-changes", &["index", "values", "marks"]);
            for part in &parts {
                commonware_runtime::Storage::remove(&runtime, part, None).await.unwrap();
            }
            let engine = prunable::Config {
                translator: EightCap,
                metadata_partition: parts[2].clone(),
                key_partition: parts[0].clone(),
                key_page_cache: CacheRef::new(NZU16!(4084), NZUsize!(16)),
                value_partition: parts[1].clone(),
                compression: None,
                codec_config: RangeCfg::from(0..=1 << 20),
                items_per_section: NZU64!(1 << 16),
                key_write_buffer: NZUsize!(1024),
                value_write_buffer: NZUsize!(1024),
                replay_buffer: NZUsize!(1024),
            };
            type Raw = prunable::Archive<EightCap, Context, FixedBytes<32>, Bytes>;
            let mut raw = Raw::init(context(&runtime, 10 + run), engine).await.unwrap();
            for mut block in chain.blocks.clone() {
                if block.header.height == 4 {
                    tamper(&mut block);
                }
                let digest = FixedBytes::new(crypto::header_digest(&block.header).0);
                let bytes = Bytes::from(block.to_bytes());
                raw = raw.put(block.header.height, digest, &bytes).await.unwrap();
            }
            raw.sync().await.unwrap();

            let archive = Archive::open(context(&runtime, 20 + run), &config).await.unwrap();
            assert_eq!(archive.get(3).await.unwrap().as_ref(), Some(&chain.blocks[3]));
            let fault = archive.get(4).await.unwrap_err();
            assert!(
                matches!(&fault, Fault::Damaged { file, .. } if file == "a-changes"),
                "{fault}"
            );
            assert!(fault.to_string().contains("height 4"), "{fault}");
        }
    });
}

/// Opens the state and proves every operation against the certified ranges.
async fn read_state(
    context: Context,
    certified: &[DatabaseRange],
    rows: &BTreeMap<Key, Row>,
) -> Result<(), Fault> {
    let state = State::open(context, &Config::small("s", 7)).await?;
    let mut seen = BTreeMap::new();
    let show = |key, row| drop(seen.insert(key, row));
    state::scan(state.databases(), Some(certified), show, |_| ()).await?;
    assert_eq!(seen, *rows, "the state serves other rows");
    Ok(())
}

/// Damages one byte of each file of the parts of the state, one after another.
async fn damage_state(
    runtime: &Context,
    first: u64,
    last: u64,
    width: u64,
    parts: &[&str],
) -> Tally {
    let state = State::open(context(runtime, 0), &Config::small("s", 7)).await.unwrap();
    let mut rows = BTreeMap::new();
    for height in first..=last {
        let mut draft = state.draft().await;
        for name in (0..width).chain([width + height]) {
            let (key, row) = (key(Class::Small, name), Row { changed: height, value: vec![1; 60] });
            draft = draft.write(key, Some(&row));
            rows.insert(key, row);
        }
        state.commit(draft.seal(height).await.unwrap()).await;
        state.prune().await;
    }
    let certified = state.ranges().await;
    drop(state);

    let all = ["log-blobs", "log-metadata", "tree-blobs", "tree-metadata", "pins"];
    let partitions = names("s-192", &all);
    let files = Files::read(runtime, &partitions).await;
    assert!(state::damaged(runtime, &Config::small("s", 7)).await.is_empty());
    let (mut tally, mut run) = (Tally::new(), 1);
    let damaged = names("s-192", parts);
    for (file, bytes) in files.0.iter().filter(|(file, _)| damaged.contains(&file.0)) {
        for at in places(bytes.len(), PLACES) {
            files.with_flip(file, at).restore(runtime, &partitions).await;
            run += 1;
            let told = state::damaged(runtime, &Config::small("s", 7)).await;
            // The record of checksums has an older slot, which says nothing.
            let in_pages = file.0.ends_with("-blobs")
                && at < bytes.len() / 4096 * 4096 - 4096
                && at % 4096 < 4084;
            assert!(!in_pages || told.len() == 1, "byte {at} of {}: {told:?}", file.0);
            let counts = tally.entry(file.0.clone()).or_default();
            match read_state(context(runtime, run), &certified, &rows).await {
                Ok(()) => counts.1 += 1,
                Err(fault) => {
                    let named = fault.to_string();
                    assert!(named.contains("192"), "byte {at} of {}: {named}", file.0);
                    counts.0 += 1;
                }
            }
        }
    }
    println!("noticed, without effect: {tally:#?}");
    tally
}

#[test]
fn every_file_of_the_state() {
    deterministic::Runner::default().start(|runtime| async move {
        let parts = ["log-blobs", "log-metadata", "tree-blobs", "tree-metadata"];
        let tally = damage_state(&runtime, 1, 12, 1, &parts).await;
        assert!(tally["s-192-log-blobs"].0 > 5, "operations above the floor are proved");
        assert!(tally["s-192-tree-blobs"].0 > 5, "the tree is not trusted");
    });
}

#[test]
fn the_pins_of_a_state_that_was_pruned() {
    deterministic::Runner::default().start(|runtime| async move {
        // Beyond one file of operations, so that there is something to prune.
        let tally = damage_state(&runtime, 1, 36, 2_000, &["pins"]).await;
        let (noticed, without) = tally["s-192-pins"];
        assert!(noticed + without > 0, "there are pins");
    });
}
