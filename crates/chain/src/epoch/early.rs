//! Messages of an epoch that has not begun here yet: kept for a moment, and read first when it begins.
//!
//! The fastest validators begin an epoch a few milliseconds before the others. Their first votes would
//! be lost, and a view with them.

use std::{collections::VecDeque, num::NonZeroUsize};

use commonware_p2p::{Message, Receiver};

use crate::PublicKey;

/// Messages kept at most: more than a view's worth of the largest committee.
const KEPT_MAX: usize = 512;

/// Messages of the next epoch, until it begins.
#[derive(Debug, Default)]
pub struct Early {
    epoch: u64,
    messages: VecDeque<Message<PublicKey>>,
}

impl Early {
    /// Keeps a message of `epoch` if that is the next one; forgets older ones.
    pub fn keep(&mut self, next: u64, epoch: u64, message: Message<PublicKey>) {
        if self.epoch != next {
            *self = Self { epoch: next, messages: VecDeque::new() };
        }
        if epoch == next && self.messages.len() < KEPT_MAX {
            self.messages.push_back(message);
        }
    }

    /// What was kept of `epoch`, before what `receiver` receives.
    pub fn before<R>(&mut self, epoch: u64, receiver: R) -> Before<R> {
        let kept = std::mem::take(self);
        let messages = if kept.epoch == epoch { kept.messages } else { VecDeque::new() };
        Before { messages, receiver }
    }
}

/// A receiver with messages that came before it.
#[derive(Debug)]
pub struct Before<R> {
    messages: VecDeque<Message<PublicKey>>,
    receiver: R,
}

impl<R: Receiver<PublicKey = PublicKey>> Receiver for Before<R> {
    type Error = R::Error;
    type PublicKey = PublicKey;

    async fn recv(&mut self) -> Result<Message<PublicKey>, R::Error> {
        match self.messages.pop_front() {
            Some(message) => Ok(message),
            None => self.receiver.recv().await,
        }
    }

    fn capacity(&self) -> NonZeroUsize {
        self.receiver.capacity()
    }
}
