//! Messages of an epoch that has not begun here yet: kept for a moment, and read first when it begins.
//!
//! The fastest validators begin an epoch a few milliseconds before the others. Their first votes would
//! be lost, and a view with them.

use std::{collections::VecDeque, num::NonZeroUsize};

use commonware_p2p::{Message, Receiver};

use crate::PublicKey;

/// Messages kept at most: a few views' worth of the largest committee.
const KEPT_MAX: usize = 1_024;
/// Messages kept of one peer at most.
const KEPT_EACH_MAX: usize = 8;
/// Longest message that is kept, in bytes: longer than the certificates of the largest committee.
const LENGTH_MAX: usize = 16 << 10;

/// Messages of the next epoch, until it begins.
#[derive(Debug, Default)]
pub struct Early {
    epoch: u64,
    messages: VecDeque<Message<PublicKey>>,
}

impl Early {
    /// Keeps a message of `epoch` if that is the next one; forgets older ones. No peer can fill it alone.
    pub fn keep(&mut self, next: u64, epoch: u64, message: Message<PublicKey>) {
        if self.epoch != next {
            *self = Self { epoch: next, messages: VecDeque::new() };
        }
        let short = message.1.len() <= LENGTH_MAX;
        if epoch == next && short && self.messages.len() < KEPT_MAX {
            let same = self.messages.iter().filter(|it| it.0 == message.0).count();
            if same < KEPT_EACH_MAX {
                self.messages.push_back(message);
            }
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

#[cfg(test)]
mod tests {
    use commonware_cryptography::Signer as _;

    use super::*;
    use crate::PrivateKey;

    fn message(peer: u64, len: usize) -> Message<PublicKey> {
        (PrivateKey::from_seed(peer).public_key(), vec![0; len].into())
    }

    #[test]
    fn nobody_fills_the_room_alone_or_with_long_messages() {
        let mut early = Early::default();
        for _ in 0..100 {
            early.keep(4, 4, message(1, 100));
            early.keep(4, 5, message(2, 100));
            early.keep(4, 4, message(3, LENGTH_MAX + 1));
        }
        assert_eq!(early.messages.len(), KEPT_EACH_MAX);
        early.keep(4, 4, message(2, 100));
        assert_eq!(early.messages.len(), KEPT_EACH_MAX + 1);
        early.keep(5, 5, message(2, 100));
        assert_eq!(early.messages.len(), 1, "what is of an older epoch is forgotten");
    }
}
