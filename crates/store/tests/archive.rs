//! The archive: durable when it says so, the same again, gaps, paths, times, the past of a row.

#![recursion_limit = "512"]

mod common;

use common::{Chain, Context, key, time};
use commonware_runtime::{Runner as _, Supervisor as _, deterministic};
use crypto::merkle::{Path, domain};
use store::{
    Archive, Class, Fault,
    archive::{AsOf, Config, leaf},
};
use types::LedgerTime;

async fn open(context: &Context, name: &'static str) -> Archive<Context> {
    Archive::open(context.child(name), &Config::small("a")).await.expect("it opens")
}

async fn fill(archive: &mut Archive<Context>, chain: &Chain) {
    for block in &chain.blocks {
        archive.put(block).await.expect("the next block");
    }
    archive.sync().await.expect("the disk is well");
}

#[test]
fn what_was_synced_is_there_after_a_crash_and_what_was_not_is_put_again() {
    for unsynced in 0..6 {
        let chain = Chain::to(20);
        let split = chain.blocks.len() - unsynced;
        let config = deterministic::Config::default().with_seed(u64::try_from(unsynced).unwrap());
        let runner = deterministic::Runner::new(config);
        let ((), checkpoint) = runner.start_and_recover(async |context| {
            let mut archive = open(&context, "before").await;
            for block in &chain.blocks[..split] {
                archive.put(block).await.unwrap();
            }
            archive.sync().await.unwrap();
            for block in &chain.blocks[split..] {
                archive.put(block).await.unwrap();
            }
        });
        deterministic::Runner::from(checkpoint).start(|context| async move {
            let mut archive = open(&context, "after").await;
            let last = archive.last().expect("something was durable");
            assert!(last + 1 >= u64::try_from(split).unwrap(), "{last} with {unsynced} unsynced");
            archive.check(&chain.blocks[split - 1].header).await.unwrap();
            fill(&mut archive, &chain).await;
            fill(&mut archive, &chain).await;
            assert_eq!(archive.last(), Some(20));
            archive.check(&chain.newest().header).await.unwrap();
            for (height, block) in (0..).zip(&chain.blocks) {
                assert_eq!(archive.get(height).await.unwrap().as_ref(), Some(block));
                assert_eq!(archive.header(height).await.unwrap().as_ref(), Some(&block.header));
            }
            assert_eq!(archive.get(21).await.unwrap(), None);
            assert_eq!(archive.peaks(), &chain.peaks);
        });
    }
}

#[test]
fn blocks_come_in_order_and_another_block_is_refused() {
    deterministic::Runner::default().start(|context| async move {
        let chain = Chain::to(9);
        let mut archive = open(&context, "archive").await;
        assert_eq!(archive.last(), None);
        assert_eq!(archive.gap(3), Some(0..=3));
        let fault = archive.put(&chain.blocks[1]).await.unwrap_err();
        assert!(matches!(fault, Fault::Gap { from: 0, to: 0, .. }), "{fault}");
        for block in &chain.blocks[..5] {
            archive.put(block).await.unwrap();
        }
        let fault = archive.put(&chain.blocks[8]).await.unwrap_err();
        assert!(matches!(fault, Fault::Gap { from: 5, to: 7, .. }), "{fault}");

        let mut other = chain.blocks[3].clone();
        other.header.view += 1;
        let fault = archive.put(&other).await.unwrap_err().to_string();
        assert!(fault.contains("a-headers") && fault.contains("height 3"), "{fault}");
        let mut stranger = chain.blocks[5].clone();
        stranger.header.parent.0[0] ^= 1;
        assert!(archive.put(&stranger).await.is_err());
        let mut stranger = chain.blocks[5].clone();
        stranger.header.headers_root.0[0] ^= 1;
        assert!(archive.put(&stranger).await.is_err());
        assert_eq!(archive.last(), Some(4));

        assert!(archive.check(&chain.blocks[4].header).await.is_ok());
        let fault = archive.check(&chain.blocks[7].header).await.unwrap_err();
        assert!(matches!(fault, Fault::Gap { from: 5, to: 7, .. }), "{fault}");
        assert!(archive.check(&other.header).await.is_err());
    });
}

#[test]
fn the_path_of_every_header_leads_to_the_root_that_each_later_one_names() {
    deterministic::Runner::default().start(|context| async move {
        let chain = Chain::to(40);
        let mut archive = open(&context, "archive").await;
        fill(&mut archive, &chain).await;
        let leaves: Vec<_> = chain.blocks.iter().map(|it| leaf(&it.header)).collect();
        for count in 1..=41 {
            for height in 0..count {
                let path = archive.path(height, count).await.unwrap().expect("it is kept");
                let below = &leaves[..usize::try_from(count).unwrap()];
                assert_eq!(Some(&path), Path::among(below, height).as_ref());
                let root = path.root(domain::HEADERS, &leaves[usize::try_from(height).unwrap()]);
                let named = chain.blocks.get(usize::try_from(count).unwrap());
                let named = named.map_or(archive.headers_root(), |it| it.header.headers_root);
                assert_eq!(root, Some(named));
            }
        }
        assert_eq!(archive.path(3, 42).await.unwrap(), None);
        assert_eq!(archive.path(3, 3).await.unwrap(), None);
    });
}

#[test]
fn a_node_that_joins_later_shows_what_it_has() {
    let chain = Chain::to(40);
    for first in [1, 7, 8, 13, 32] {
        let before = Chain::to(first - 1).peaks;
        let blocks = chain.blocks.clone();
        let place = usize::try_from(first).unwrap();
        let runner = deterministic::Runner::default();
        let ((), checkpoint) = runner.start_and_recover(async |context| {
            let config = Config::small("a");
            let begun = Archive::begin(context.child("begin"), &config, before.clone()).await;
            let mut archive = begun.unwrap();
            assert!(archive.put(&blocks[place - 1]).await.is_err(), "it begins later");
            for block in &blocks[place..] {
                archive.put(block).await.unwrap();
            }
            archive.sync().await.unwrap();
        });
        deterministic::Runner::from(checkpoint).start(|context| async move {
            let config = Config::small("a");
            let archive = Archive::begin(context.child("again"), &config, before).await.unwrap();
            assert_eq!((archive.first(), archive.last()), (first, Some(40)));
            archive.check(&blocks[40].header).await.unwrap();
            let leaves: Vec<_> = blocks.iter().map(|it| leaf(&it.header)).collect();
            for count in first + 1..=41 {
                let below = &leaves[..usize::try_from(count).unwrap()];
                for height in 0..count {
                    let path = archive.path(height, count).await.unwrap();
                    let kept = Path::among(below, height).filter(|_| height >= first);
                    assert_eq!(path, kept, "{height} of {count} from {first}");
                }
            }
            assert_eq!(archive.at_time(time(first - 1)).await.unwrap(), None);
            assert_eq!(archive.at_time(time(first)).await.unwrap(), Some(first));
            drop(archive);

            let far = Chain::to(60).peaks;
            let fault = Archive::begin(context.child("far"), &config, far).await.err().unwrap();
            assert!(matches!(fault, Fault::Gap { from: 41, to: 60, .. }), "{fault}");
        });
    }
}

#[test]
fn a_time_names_the_last_block_that_is_not_later() {
    deterministic::Runner::default().start(|context| async move {
        let mut archive = open(&context, "archive").await;
        assert_eq!(archive.at_time(time(0)).await.unwrap(), None);
        fill(&mut archive, &Chain::to(30)).await;
        assert_eq!(archive.at_time(LedgerTime(time(0).0 - 1)).await.unwrap(), None);
        for height in 0..=30 {
            for late in [0, 1, 9] {
                let at = LedgerTime(time(height).0 + late);
                assert_eq!(archive.at_time(at).await.unwrap(), Some(height));
            }
        }
        assert_eq!(archive.at_time(LedgerTime(u64::MAX)).await.unwrap(), Some(30));
    });
}

#[test]
fn the_past_of_a_row_is_its_last_change_and_the_next() {
    deterministic::Runner::default().start(|context| async move {
        let chain = Chain::to(20);
        let mut archive = open(&context, "archive").await;
        fill(&mut archive, &chain).await;
        let third = key(Class::Small, 1);
        for height in 0..=20u64 {
            let found = archive.as_of(&third, chain.changed(&third), height, 100).await.unwrap();
            let AsOf::Found { at: Some(at), after } = found else { panic!("{height}: {found:?}") };
            assert_eq!(at.height(), height / 3 * 3);
            assert_eq!(
                at.change().new,
                chain.blocks[usize::try_from(at.height()).unwrap()]
                    .changes
                    .iter()
                    .find(|it| it.key == third)
                    .unwrap()
                    .new
            );
            assert_eq!(
                after.map(|it| it.height()),
                Some(height / 3 * 3 + 3).filter(|it| *it <= 18)
            );
        }

        let own = key(Class::Small, 1_012);
        let found = archive.as_of(&own, 12, 11, 100).await.unwrap();
        let AsOf::Found { at: None, after: Some(after) } = found else { panic!("{found:?}") };
        assert_eq!((after.height(), after.change().previous), (12, 0));

        let hot = key(Class::Small, 0);
        assert_eq!(archive.as_of(&hot, 20, 5, 10).await.unwrap(), AsOf::Further(11));
        for (as_of, steps) in (0..=20).flat_map(|it| (2..6).map(move |steps| (it, steps))) {
            let whole = archive.as_of(&hot, 20, as_of, 100).await.unwrap();
            let mut walked = archive.as_of(&hot, 20, as_of, steps).await.unwrap();
            while let AsOf::Further(height) = walked {
                walked = archive.as_of(&hot, height, as_of, steps).await.unwrap();
            }
            assert_eq!(walked, whole, "as of {as_of}, {steps} steps at once");
        }
        assert_eq!(archive.as_of(&hot, 21, 5, 10).await.unwrap(), AsOf::NotKept(21));
        let fault = archive.as_of(&third, 20, 5, 10).await.unwrap_err().to_string();
        assert!(fault.contains("height 20"), "{fault}");
    });
}

#[test]
fn headers_lost_at_the_end_are_made_anew() {
    let chain = Chain::to(12);
    let runner = deterministic::Runner::default();
    let ((), checkpoint) = runner.start_and_recover(async |context| {
        let mut archive = open(&context, "archive").await;
        fill(&mut archive, &chain).await;
        drop(archive);
        for part in ["a-headers_data", "a-headers_offsets-blobs", "a-headers_offsets-metadata"] {
            commonware_runtime::Storage::remove(&context, part, None).await.expect(part);
        }
    });
    deterministic::Runner::from(checkpoint).start(|context| async move {
        let archive = open(&context, "archive").await;
        assert_eq!(archive.mended(), Some(&(0..=12)));
        archive.check(&chain.newest().header).await.unwrap();
        assert_eq!(archive.peaks(), &chain.peaks);
    });
}

#[test]
fn what_was_removed_begins_anew() {
    deterministic::Runner::default().start(|context| async move {
        let mut archive = open(&context, "before").await;
        fill(&mut archive, &Chain::to(5)).await;
        drop(archive);
        let config = Config::small("a");
        store::archive::remove(&context, &config).await.unwrap();
        store::archive::remove(&context, &config).await.expect("nothing to remove is fine");
        let archive = open(&context, "after").await;
        assert_eq!((archive.last(), archive.get(1).await.unwrap()), (None, None));
        drop(archive);
    });
}
