//! The state: roots that depend on rows only, branches, reopening, scans.

#![recursion_limit = "512"]

use commonware_glue::stateful::db::DatabaseSet as _;
use commonware_runtime::{Runner as _, Supervisor as _, deterministic};
use store::{
    Class, Databases, Draft, Fault, Key, Row, Sealed, State,
    state::{self, Config, empty_ranges, ranges, targets},
};

type Context = deterministic::Context;

fn key(class: Class, name: u64) -> Key {
    let mut key = [0; 48];
    key[40..].copy_from_slice(&name.to_be_bytes());
    key[0] = [0x01, 0x41, 0x81][class as usize];
    key
}

fn row(changed: u64, value: &[u8]) -> Row {
    Row { changed, value: value.to_vec() }
}

async fn open(context: &Context, name: &'static str) -> State<Context> {
    let config = Config::small(name, 7);
    State::open(context.child(name), &config).await.expect("a fresh folder opens")
}

/// Rows of every class at `height`, some rewritten, some ended.
fn writes(height: u64) -> Vec<(Key, Option<Row>)> {
    let mut writes = Vec::new();
    for class in [Class::Small, Class::Medium, Class::Large] {
        let value = vec![u8::try_from(height % 251).unwrap(); class.value_max()];
        writes.push((key(class, height), Some(row(height, &value))));
        writes.push((key(class, 0), Some(row(height, &height.to_be_bytes()))));
        if height.is_multiple_of(3) {
            writes.push((key(class, height - 1), None));
        }
    }
    writes
}

async fn seal(
    mut draft: Draft<Context>,
    height: u64,
    writes: impl IntoIterator<Item = (Key, Option<Row>)>,
) -> Sealed<Context> {
    for (key, row) in writes {
        draft = draft.write(key, row.as_ref());
    }
    draft.seal(height).await.expect("the branch lives")
}

#[test]
fn an_empty_state_has_the_ranges_that_genesis_names() {
    deterministic::Runner::default().start(|context| async move {
        let state = open(&context, "a").await;
        assert_eq!(state.ranges().await, empty_ranges::<Context>());
        assert!(targets::<Context>(&empty_ranges::<Context>()).is_some());
        assert!(targets::<Context>(&empty_ranges::<Context>()[..2]).is_none());
    });
}

#[test]
fn the_order_of_writes_and_the_salt_do_not_change_the_root() {
    deterministic::Runner::default().start(|context| async move {
        let one = open(&context, "a").await;
        let config = Config::small("b", 99);
        let two = State::open(context.child("b"), &config).await.unwrap();
        for height in 1..=20 {
            let sealed = seal(one.draft().await, height, writes(height)).await;
            one.commit(sealed).await;
            let sealed = seal(two.draft().await, height, writes(height).into_iter().rev()).await;
            assert_eq!(ranges::<Context>(&sealed), one.ranges().await, "at {height}");
            two.commit(sealed).await;
            two.prune().await;
            assert_eq!(two.ranges().await, one.ranges().await, "at {height}");
        }
    });
}

#[test]
fn the_height_and_an_unchanged_row_written_again_do_change_it() {
    deterministic::Runner::default().start(|context| async move {
        let state = open(&context, "a").await;
        let roots = async |height, writes| {
            ranges::<Context>(&seal(state.draft().await, height, writes).await)
        };
        let once = vec![(key(Class::Small, 1), Some(row(1, b"x")))];
        assert_ne!(roots(1, once.clone()).await, roots(2, once.clone()).await);
        assert_ne!(roots(1, once).await, roots(1, vec![]).await);
    });
}

#[test]
fn a_draft_sees_its_own_writes_its_parents_and_nothing_of_its_siblings() {
    deterministic::Runner::default().start(|context| async move {
        let state = open(&context, "a").await;
        let keys = [key(Class::Large, 1), key(Class::Small, 1), key(Class::Medium, 1)];
        let [large, small, medium] = keys;
        let parent = seal(state.draft().await, 1, [(small, Some(row(1, b"parent")))]).await;
        let fork = || Draft::<Context>::of(Databases::<Context>::fork_batches(&parent));
        let left = fork().write(large, Some(&row(2, b"left")));
        let right = fork().write(medium, Some(&row(2, b"right"))).write(small, None);
        let seen = left.get_many(&keys).await.unwrap();
        assert_eq!(seen, [Some(row(2, b"left")), Some(row(1, b"parent")), None]);
        let seen = right.get_many(&keys).await.unwrap();
        assert_eq!(seen, [None, None, Some(row(2, b"right"))]);
    });
}

#[test]
fn a_branch_beside_the_committed_one_is_dead() {
    deterministic::Runner::default().start(|context| async move {
        let state = open(&context, "a").await;
        let keys = [key(Class::Small, 1)];
        let parent = seal(state.draft().await, 1, []).await;
        let sibling = seal(state.draft().await, 1, [(keys[0], Some(row(1, b"x")))]).await;
        let dead = Draft::<Context>::of(Databases::<Context>::fork_batches(&parent));
        state.commit(sibling).await;
        assert!(matches!(dead.get_many(&keys).await, Err(Fault::Stale)));
        assert!(matches!(dead.seal(2).await, Err(Fault::Stale)));
    });
}

#[test]
fn what_was_committed_is_there_after_reopening_and_a_scan_shows_each_row_once() {
    let (expected, checkpoint) =
        deterministic::Runner::default().start_and_recover(|context| async move {
            let state = open(&context, "a").await;
            for height in 1..=50 {
                state.commit(seal(state.draft().await, height, writes(height)).await).await;
                state.prune().await;
            }
            state.ranges().await
        });
    deterministic::Runner::from(checkpoint).start(|context| async move {
        let state = open(&context, "a").await;
        assert_eq!(state.ranges().await, expected);

        let mut model = std::collections::BTreeMap::new();
        for (key, row) in (1..=50).flat_map(writes) {
            match row {
                Some(row) => model.insert(key, row),
                None => model.remove(&key),
            };
        }
        let mut seen = std::collections::BTreeMap::new();
        let mut steps = 0;
        let found = state::scan(
            state.databases(),
            Some(&expected),
            |key, row| assert!(seen.insert(key, row).is_none(), "a row was shown twice"),
            |it| steps += u32::from(it.done <= it.total),
        );
        assert_eq!(found.await.unwrap(), expected);
        assert_eq!(seen, model);
        assert!(steps >= 3);

        let keys: Vec<_> = model.keys().copied().chain([key(Class::Small, 777)]).collect();
        let rows = state::read(state.databases(), &keys).await.unwrap();
        let wanted = model.into_values().map(Some).chain([None]).collect::<Vec<_>>();
        assert_eq!(rows, wanted);

        let mut other = expected;
        other[1].root.0[0] ^= 1;
        let fault = state::scan(state.databases(), Some(&other), |_, _| (), |_| ()).await;
        assert!(matches!(fault, Err(Fault::OtherState { size: 512, .. })));
    });
}

#[test]
fn what_was_applied_and_synced_is_there_and_what_was_removed_is_not() {
    deterministic::Runner::default().start(|context| async move {
        let state = open(&context, "a").await;
        for height in 1..=9 {
            state.apply(seal(state.draft().await, height, writes(height)).await).await;
        }
        state.sync().await;
        let ranges = state.ranges().await;
        drop(state);
        let config = Config::small("a", 7);
        let state = State::open(context.child("again"), &config).await.unwrap();
        assert_eq!(state.ranges().await, ranges);
        drop(state);
        state::remove(&context, &config).await.unwrap();
        state::remove(&context, &config).await.expect("nothing to remove is fine");
        let state = State::open(context.child("anew"), &config).await.unwrap();
        assert_eq!(state.ranges().await, empty_ranges::<Context>());
    });
}
