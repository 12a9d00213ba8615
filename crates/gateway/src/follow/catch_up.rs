//! Catching up: to the newest block, although a node may lie about how far it is.
//!
//! Each node says a height, and nothing proves it. What two nodes say is waited for, and it is a fault
//! if nobody serves it. What only one says is gone after as long as blocks come at once, as those do that
//! a node has; when six seconds were spent in waiting, it is not believed any more. So one node that lies
//! costs seconds, and one that alone has the newest block is heard. Whoever follows reads in the view how
//! far it came.

use std::time::{Duration, Instant};

use super::{Follower, Last};
use crate::{Answer, Fault};

/// A block that a node has is there so soon. What takes longer was waited for.
const AT_ONCE: Duration = Duration::from_millis(20);
/// Who takes so long for a block that there is already may be meaning to: another is asked.
const SLOW: Duration = Duration::from_secs(1);

/// How far the nodes say they are.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    /// The highest height.
    newest: u64,
    /// The nodes that say so, by their places.
    by: Vec<usize>,
    /// The highest height that two nodes say they have; `None` when one node alone says anything.
    by_two: Option<u64>,
}

impl Said {
    /// Of places and heights; `None` of none.
    fn of(said: &[(usize, u64)]) -> Option<Self> {
        let mut heights: Vec<_> = said.iter().map(|(_, height)| *height).collect();
        heights.sort_unstable_by(|a, b| b.cmp(a));
        let newest = *heights.first()?;
        let by = said.iter().filter(|(_, height)| *height == newest).map(|(place, _)| *place);
        Some(Self { newest, by: by.collect(), by_two: heights.get(1).copied() })
    }
}

impl Follower {
    /// Goes on to the newest block that two nodes have, and to that of any node which serves it at once.
    ///
    /// # Errors
    /// As [`Self::next`]; [`Fault::Unreachable`], when no node says how far it is, or none serves the
    /// blocks that two nodes say they have, or the only node does not serve those that it says.
    pub async fn catch_up(&mut self) -> Result<(), Fault> {
        self.go_on(None).await.map(drop)
    }

    /// Goes on to `last`, by the same rule.
    ///
    /// # Errors
    /// As [`Self::catch_up`]; [`Fault::Unreachable`], when no block that is served reaches `last`, or shows
    /// that the time is over.
    pub async fn catch_up_to(&mut self, last: Last) -> Result<(), Fault> {
        if self.go_on(Some(last)).await? {
            return Ok(());
        }
        let reached = self.view().height();
        let why = format!("block {reached} is the newest that is served, and not enough");
        Err(Fault::Unreachable { tried: vec![why] })
    }

    /// Whether it came to `last`.
    async fn go_on(&mut self, last: Option<Last>) -> Result<bool, Fault> {
        let said = self.said().await?;
        let count = self.doors.urls().len();
        if !said.by.contains(&(self.place % count)) {
            self.read_from(said.by.first().copied().unwrap_or_default());
        }
        let mut waited = Duration::ZERO;
        loop {
            if matches!(last, Some(Last::Height(last)) if self.view().height() >= last) {
                return Ok(true);
            }
            if self.view().height() >= said.newest {
                return Ok(false);
            }
            let sure = said.by_two.is_some_and(|it| self.view().height() >= it);
            let patience = if sure { self.patience.silence } else { self.patience.all };
            let asked = Instant::now();
            let filled = tokio::time::timeout(patience.saturating_sub(waited), self.fill()).await;
            match filled {
                Ok(filled) => filled?,
                Err(_) if sure => return Ok(false),
                Err(_) => return Err(self.not_served(said.newest)),
            }
            let took = asked.elapsed();
            if took > AT_ONCE {
                waited = waited.saturating_add(took);
            }
            if took > SLOW && !sure {
                self.read_from(self.place.wrapping_add(1));
            }
            let next = self.followed.next_time();
            if matches!((last, next), (Some(Last::Time(last)), Some(next)) if next > last) {
                return Ok(true);
            }
            self.followed.lay()?;
        }
    }

    /// Whether two nodes, or the only one that answers, have a block that was not followed to yet.
    ///
    /// # Errors
    /// [`Fault::Unreachable`], [`Fault::NotUnderstood`].
    pub async fn is_behind(&self) -> Result<bool, Fault> {
        let said = self.said().await?;
        Ok(said.by_two.unwrap_or(said.newest) > self.view().height())
    }

    fn not_served(&self, newest: u64) -> Fault {
        let reached = self.view().height();
        let why = format!("block {newest} is said to be the newest, and {reached} the last served");
        Fault::Unreachable { tried: vec![why] }
    }

    async fn said(&self) -> Result<Said, Fault> {
        let answers = self.doors.get_all("/v1/status").await?;
        let place = |answer: &Answer| self.doors.urls().iter().position(|it| *it == answer.url);
        let said: Vec<_> =
            answers.iter().filter_map(|it| Some((place(it)?, height(it)?))).collect();
        let url = answers.first().map(|it| it.url.clone()).unwrap_or_default();
        let why = "its status names no height".into();
        Said::of(&said).ok_or(Fault::NotUnderstood { url, why })
    }
}

fn height(answer: &Answer) -> Option<u64> {
    serde_json::from_slice::<serde_json::Value>(&answer.body).ok()?.get("height")?.as_u64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_node_alone_is_not_believed() {
        assert_eq!(Said::of(&[]), None);
        let of = |said: &[(usize, u64)]| Said::of(said).map(|it| (it.newest, it.by, it.by_two));
        assert_eq!(of(&[(2, 5)]), Some((5, vec![2], None)));
        let (lie, liar) = (u64::MAX, vec![1]);
        assert_eq!(of(&[(0, 5), (1, lie), (2, 6), (3, 4)]), Some((lie, liar, Some(6))));
        assert_eq!(of(&[(0, 5), (1, 5), (2, 0)]), Some((5, vec![0, 1], Some(5))));
    }
}
