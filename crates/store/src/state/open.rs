//! The state when nobody else drives it: genesis, rebuild, verify and tests.

use commonware_glue::stateful::db::{DatabaseSet, Shared};
use types::DatabaseRange;

use super::{
    Config, Database, Databases, Draft, Engine, Sealed,
    config::partition,
    configs,
    draft::{fault, fill, pick, rows},
    ranges_of,
};
use crate::{Class, Fault, Key, Row};

/// Open databases, with a commit of our own. Under consensus `glue::stateful` holds them instead.
pub struct State<E: Engine> {
    databases: Databases<E>,
}

impl<E: Engine> State<E> {
    /// Opens the newest committed state, or an empty one.
    ///
    /// # Errors
    /// [`Fault::Damaged`], naming the size class whose files do not open.
    pub async fn open(context: E, config: &Config) -> Result<Self, Fault> {
        let (small, medium, large) = configs(config);
        let prefix = &config.prefix;
        macro_rules! open {
            ($size:expr, $config:expr, $name:literal) => {
                Shared::new(
                    $name,
                    Database::<E, { $size }>::init(context.child($name), $config, None)
                        .await
                        .map_err(|why| Fault::damaged(&partition(prefix, $size), why))?,
                )
            };
        }
        let databases = (
            open!(Class::SMALL, small, "small"),
            open!(Class::MEDIUM, medium, "medium"),
            open!(Class::LARGE, large, "large"),
        );
        Ok(Self { databases })
    }

    /// The databases, for [`super::scan`] and [`read`].
    #[must_use]
    pub const fn databases(&self) -> &Databases<E> {
        &self.databases
    }

    /// Roots and ranges as they stand.
    pub async fn ranges(&self) -> Vec<DatabaseRange> {
        ranges_of::<E>(&self.databases.committed_targets().await)
    }

    /// A draft over what is committed.
    pub async fn draft(&self) -> Draft<E> {
        Draft::of(self.databases.new_batches().await)
    }

    /// Commits `sealed`; durable when this returns.
    ///
    /// # Panics
    /// If the disk fails: the state is then what was durable before (see `glue::stateful::db`).
    pub async fn commit(&self, sealed: Sealed<E>) {
        self.databases.apply(sealed).await;
        self.databases.finalize().await.durable().await;
    }

    /// Takes over `sealed`; durable after [`Self::sync`].
    ///
    /// # Panics
    /// As [`Self::commit`].
    pub async fn apply(&self, sealed: Sealed<E>) {
        self.databases.apply(sealed).await;
    }

    /// Makes all that was applied durable.
    ///
    /// # Panics
    /// As [`Self::commit`].
    pub async fn sync(&self) {
        self.databases.finalize().await.durable().await;
    }

    /// Removes what is no longer needed for the present state.
    pub async fn prune(&self) {
        self.databases.prune(&self.databases.committed_targets().await).await;
    }
}

/// The committed rows of `keys`, in the same order.
///
/// # Errors
/// [`Fault::Engine`], [`Fault::Damaged`].
///
/// # Panics
/// If a key is of the fourth class, which does not exist.
pub async fn read<E: Engine>(
    databases: &Databases<E>,
    keys: &[Key],
) -> Result<Vec<Option<Row>>, Fault> {
    macro_rules! read {
        ($database:expr) => {
            |keys| async move {
                let keys: Vec<_> = keys.iter().collect();
                rows($database.read().await.get_many(&keys).await.map_err(fault)?)
            }
        };
    }
    let mut out = vec![None; keys.len()];
    fill(&mut out, pick(keys, Class::Small), read!(databases.0)).await?;
    fill(&mut out, pick(keys, Class::Medium), read!(databases.1)).await?;
    fill(&mut out, pick(keys, Class::Large), read!(databases.2)).await?;
    Ok(out)
}
