//! How much an address may hold at once of what there are only so many of: connections, streams,
//! proofs.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::rate::owner;

/// Places, and who holds them. Clones share them; one remembers no more addresses than it has places.
#[derive(Clone)]
pub struct Places {
    all_max: u32,
    each_max: u32,
    held: Arc<Mutex<Held>>,
}

#[derive(Default)]
struct Held {
    all: u32,
    /// How many each address has, of those that have one.
    each: HashMap<IpAddr, u32>,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// The address has as many as one may have.
    Address,
    /// All are held.
    All,
}

/// A place that is held until this is dropped.
pub struct Place {
    owner: IpAddr,
    held: Arc<Mutex<Held>>,
}

impl Places {
    /// `all_max` places, of which an address may hold `each_max`.
    #[must_use]
    pub fn new(all_max: u32, each_max: u32) -> Self {
        Self { all_max, each_max, held: Arc::default() }
    }

    /// A place for `address`.
    ///
    /// # Errors
    /// [`Full::Address`], [`Full::All`].
    pub fn take(&self, address: IpAddr) -> Result<Place, Full> {
        let owner = owner(address);
        let mut held = lock(&self.held);
        let has = held.each.get(&owner).copied().unwrap_or(0);
        if has >= self.each_max {
            return Err(Full::Address);
        }
        if held.all >= self.all_max {
            return Err(Full::All);
        }
        held.all += 1;
        held.each.insert(owner, has + 1);
        Ok(Place { owner, held: self.held.clone() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut held = lock(&self.held);
        held.all -= 1;
        let left = held.each.remove(&self.owner).expect("who gives a place back has one") - 1;
        if left > 0 {
            held.each.insert(self.owner, left);
        }
    }
}

fn lock(held: &Mutex<Held>) -> MutexGuard<'_, Held> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_cannot_hold_all_and_what_is_given_back_is_forgotten() {
        let places = Places::new(3, 2);
        let address = |it: &str| it.parse::<IpAddr>().unwrap();
        let take = |it: &str| places.take(address(it));
        let (one, two) = (take("2001:db8::1").unwrap(), take("2001:db8::2").unwrap());
        assert_eq!(take("2001:db8::3").err(), Some(Full::Address), "they are one owner's");
        let other = take("127.0.0.1").unwrap();
        assert_eq!(take("127.0.0.2").err(), Some(Full::All));
        assert_eq!(take("2001:db8::1").err(), Some(Full::Address), "that is said first");
        drop(two);
        assert!(take("2001:db8::3").is_ok());
        drop((one, other));
        let held = lock(&places.held);
        assert_eq!((held.all, held.each.len()), (0, 0));
    }
}
