//! Proofs of the past made from an archive, and checked without it.

#![recursion_limit = "512"]

mod common;

use common::{Chain, Context, key, time};
use commonware_runtime::{Runner as _, Supervisor as _, deterministic};
use crypto::{
    certificate,
    keys::SecretKey,
    proof::{AsOf, Moment, Proof, State},
};
use store::{
    Archive, Class, Key,
    archive::{Config, Proved, When},
};
use types::{Bytes, ChainId, Committee, LedgerTime, PartyId, Text, Validator};

/// The certified header is that of this height; the archive goes on beyond it.
const NEWEST: u64 = 17;

struct Market {
    chain: Chain,
    archive: Archive<Context>,
    committee: Committee,
    certificate: Bytes,
}

impl Market {
    async fn new(context: &Context) -> Self {
        let chain = Chain::to(20);
        let mut archive =
            Archive::open(context.child("archive"), &Config::small("prove")).await.unwrap();
        for block in &chain.blocks {
            archive.put(block).await.unwrap();
        }
        archive.sync().await.unwrap();
        let secrets: Vec<_> = (1..5).map(|it| SecretKey::from_seed([it; 32])).collect();
        let validator = |it: &SecretKey| Validator {
            key: it.public(),
            party: PartyId(1),
            address: Text::new("127.0.0.1:1").unwrap(),
        };
        let mut validators: Vec<_> = secrets.iter().map(validator).collect();
        validators.sort();
        let committee = Committee { epoch: 0, validators };
        let header = &chain.blocks[usize::try_from(NEWEST).unwrap()].header;
        let certificate = Bytes(certificate::sign(header, &committee, &secrets));
        Self { chain, archive, committee, certificate }
    }

    async fn prove(&self, key: &Key, when: When, steps_max: u32) -> Proved {
        let newest = &self.chain.blocks[usize::try_from(NEWEST).unwrap()].header;
        let certified = (newest, &self.certificate);
        let changed = self.chain.changed(key);
        self.archive.prove(key, changed, when, certified, steps_max).await.unwrap()
    }

    /// The proof, through the bytes of its file, and the height that it is about.
    async fn shown(&self, key: &Key, when: When) -> (AsOf, u64) {
        let proved = self.prove(key, when, 100).await;
        let Proved::Shown(proof) = proved else { panic!("{when:?}: {proved:?}") };
        let file = Proof::AsOf(*proof).to_file();
        let Ok(Proof::AsOf(proof)) = Proof::from_file(&file) else { panic!("a file is read") };
        let height = proof.check(&ChainId([7; 32]), &self.committee).unwrap();
        (proof, height)
    }
}

#[test]
fn a_row_of_the_past_is_proved_by_a_later_certificate() {
    deterministic::Runner::default().start(|context| async move {
        let market = Market::new(&context).await;
        let (third, own) = (key(Class::Small, 1), key(Class::Small, 1_012));
        for height in 3..15 {
            let (proof, shown) = market.shown(&third, When::Height(height)).await;
            assert_eq!(shown, height);
            let State::Had { value, next, .. } = proof.state else { panic!("{height}") };
            assert_eq!(value.0, format!("third {}", height / 3 * 3).into_bytes());
            assert_eq!(next.is_none(), height % 3 == 0);
        }
        for height in 0..12 {
            let (proof, _) = market.shown(&own, When::Height(height)).await;
            assert!(matches!(proof.state, State::WasNot { .. }), "{height}");
        }
        // The row changed in the certified block itself.
        let (proof, _) = market.shown(&key(Class::Small, 0), When::Height(NEWEST)).await;
        assert!(matches!(proof.state, State::Had { next: None, .. }));
    });
}

#[test]
fn a_time_is_proved_with_two_neighbours() {
    deterministic::Runner::default().start(|context| async move {
        let market = Market::new(&context).await;
        let third = key(Class::Small, 1);
        let between = LedgerTime(time(7).0 + 5);
        let (proof, height) = market.shown(&third, When::Time(between)).await;
        assert_eq!(height, 7);
        assert!(matches!(proof.moment, Moment::Time { time, .. } if time == between));
        for time in [time(NEWEST), time(20), LedgerTime(u64::MAX)] {
            assert_eq!(market.prove(&third, When::Time(time), 100).await, Proved::NotYet);
        }
        assert_eq!(market.prove(&third, When::Time(LedgerTime(0)), 100).await, Proved::NotYet);
    });
}

#[test]
fn what_cannot_be_proved_yet_is_said_so() {
    deterministic::Runner::default().start(|context| async move {
        let market = Market::new(&context).await;
        let (third, own, hot) =
            (key(Class::Small, 1), key(Class::Small, 1_012), key(Class::Small, 0));
        // The next change of the row is beyond the certified header.
        assert_eq!(market.prove(&third, When::Height(16), 100).await, Proved::Unchanged);
        assert_eq!(market.prove(&own, When::Height(14), 100).await, Proved::Unchanged);
        assert_eq!(market.prove(&third, When::Height(18), 100).await, Proved::NotYet);
        assert_eq!(market.prove(&hot, When::Height(3), 10).await, Proved::Further(11));
        let newest = &market.chain.blocks[usize::try_from(NEWEST).unwrap()].header;
        let certified = (newest, &market.certificate);
        let proved = market.archive.prove(&hot, 21, When::Height(3), certified, 100).await.unwrap();
        assert_eq!(proved, Proved::NotKept(21));
    });
}
