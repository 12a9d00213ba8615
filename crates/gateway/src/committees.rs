//! The validators of every epoch, for whoever checks proofs without following blocks.
//!
//! ```text
//!   epoch   0 .. 6    7 .. 11     12 ..
//!   set     first     changed     not known: the one before is believed to stand
//!                          ^ known up to here
//! ```
//!
//! The last block of an epoch names the validators of the next one, and always has a certificate of its
//! own: one block an epoch is enough to go on. Sets change seldom, and only changes are kept.

use std::collections::BTreeMap;

use crypto::{
    certificate::{self, Certified},
    changes::BlockChanges,
};
use futures::StreamExt as _;
use types::{ChainId, Committee, Text, Validator, Wire as _};

use crate::{Answer, Doors, Fault};

/// Who certifies in which epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committees {
    chain: ChainId,
    /// Each set under the epoch from which it stands, the first under 0; without addresses.
    sets: BTreeMap<u64, Vec<Validator>>,
    known_to: u64,
}

impl Committees {
    /// Believes these validators of the first epoch of `chain`.
    #[must_use]
    pub fn new(chain: ChainId, first: Vec<Validator>) -> Self {
        Self { chain, sets: BTreeMap::from([(0, bare(first))]), known_to: 0 }
    }

    /// Adds a set that stands from this epoch on, and is believed as the first one is. It comes after those
    /// that are there; `false`, and nothing is added, if it does not.
    pub fn believe(&mut self, from_epoch: u64, validators: Vec<Validator>) -> bool {
        let comes_last = self.sets.keys().last().is_none_or(|it| *it < from_epoch);
        if comes_last {
            self.sets.insert(from_epoch, bare(validators));
            self.known_to = self.known_to.max(from_epoch);
        }
        comes_last
    }

    /// Believes that no set has changed since up to this epoch.
    pub fn believe_known_to(&mut self, epoch: u64) {
        self.known_to = self.known_to.max(epoch);
    }

    /// Which market's they are.
    #[must_use]
    pub const fn chain(&self) -> ChainId {
        self.chain
    }

    /// Each set under the epoch from which it stands, in this order.
    pub fn sets(&self) -> impl Iterator<Item = (u64, &[Validator])> {
        self.sets.iter().map(|(epoch, it)| (*epoch, it.as_slice()))
    }

    /// The last epoch whose validators are known. In later ones the newest set is believed to stand.
    #[must_use]
    pub const fn known_to(&self) -> u64 {
        self.known_to
    }

    /// The validators of an epoch.
    #[must_use]
    pub fn of(&self, epoch: u64) -> Committee {
        let set = self.sets.range(..=epoch).next_back().map(|it| it.1.clone());
        Committee::of(epoch, set.unwrap_or_default())
    }

    /// Takes the last block of the epoch up to which the validators are known: it names the next ones.
    ///
    /// # Errors
    /// What is wrong with it, in words. Nothing is known then that was not before.
    pub fn take(&mut self, block: &Certified) -> Result<(), String> {
        let Certified { changes, certificate } = block;
        let BlockChanges { header, committee, .. } = changes;
        if header.chain != self.chain {
            return Err("it is of another market".into());
        }
        if header.epoch != self.known_to {
            return Err(format!("it is of epoch {}, not of {}", header.epoch, self.known_to));
        }
        let certificate = certificate.as_ref().ok_or("it is without a certificate")?;
        certificate::check(header, &certificate.0, &self.of(header.epoch))
            .map_err(|why| why.to_string())?;
        if changes.root() != header.changes_root {
            return Err("its changes are not those that its header names".into());
        }
        let named = committee.as_ref().ok_or("it is not the last of its epoch")?;
        let next =
            Committee::from_bytes(&named.0).map_err(|why| format!("its committee: {why}"))?;
        if header.epoch.checked_add(1) != Some(next.epoch) {
            return Err("its committee is of another epoch than the next".into());
        }
        let validators = bare(next.validators);
        if self.of(next.epoch).validators != validators {
            self.sets.insert(next.epoch, validators);
        }
        self.known_to = next.epoch;
        Ok(())
    }

    /// Goes on to the newest epoch that nodes have begun, by the last block of each of `epoch_blocks` blocks.
    /// What was wrong with what nodes serve of an epoch that another says has not ended is given back.
    ///
    /// # Errors
    /// [`Fault::Unreachable`]; [`Fault::NotUnderstood`], [`Fault::NotCertified`], when all nodes that answer serve
    /// a block, and none of them the right one. What was shown before stays known.
    pub async fn renew(
        &mut self,
        doors: &Doors,
        epoch_blocks: u64,
    ) -> Result<Option<Fault>, Fault> {
        let last = |epoch: u64| epoch.checked_add(1)?.checked_mul(epoch_blocks)?.checked_sub(1);
        while let Some(height) = last(self.known_to) {
            if let Served::NotYet { wrong } = self.take_served(doors, height).await? {
                return Ok(wrong);
            }
        }
        Ok(None)
    }

    /// Takes the block at `height` from the first node that serves the right one.
    async fn take_served(&mut self, doors: &Doors, height: u64) -> Result<Served, Fault> {
        let path = format!("/v1/blocks/{height}");
        let (mut is_coming, mut wrong, mut tried) = (false, None, Vec::new());
        let mut answers = std::pin::pin!(doors.get_each(&path));
        while let Some(answer) = answers.next().await {
            match answer {
                Err(fault) => tried.push(fault.to_string()),
                Ok(Answer { status, .. }) if !status.is_success() => is_coming = true,
                Ok(Answer { url, body, .. }) => match self.take_bytes(height, url, &body) {
                    Ok(()) => return Ok(Served::Taken),
                    Err(fault) => wrong = Some(fault),
                },
            }
        }
        match wrong {
            wrong if is_coming => Ok(Served::NotYet { wrong }),
            Some(fault) => Err(fault),
            None => Err(Fault::Unreachable { tried }),
        }
    }

    fn take_bytes(&mut self, height: u64, url: String, bytes: &[u8]) -> Result<(), Fault> {
        let block = Certified::from_bytes(bytes);
        let block = block.map_err(|why| Fault::NotUnderstood {
            url: url.clone(),
            why: format!("block {height}: {why}"),
        })?;
        let wrong = |why| Fault::NotCertified { height, why: format!("{url}: {why}") };
        self.take(&block).map_err(wrong)
    }
}

/// What came of asking for a block.
enum Served {
    /// It was taken.
    Taken,
    /// A node says that it is not there yet. What another serves in its place is wrong.
    NotYet { wrong: Option<Fault> },
}

/// Validators in the order of their keys, without the addresses that proofs do not need.
fn bare(validators: Vec<Validator>) -> Vec<Validator> {
    let bare = validators.into_iter().map(|it| Validator { address: Text::default(), ..it });
    Committee::of(0, bare.collect()).validators
}

#[cfg(test)]
mod tests {
    use std::{
        io::{self, BufRead as _, BufReader, Write as _},
        net::{TcpListener, TcpStream},
        thread,
        time::Duration,
    };

    use crypto::keys::SecretKey;
    use types::{Bytes, Header, LedgerTime, PartyId};

    use super::*;

    const CHAIN: ChainId = ChainId([7; 32]);

    fn secrets(seeds: &[u8]) -> Vec<SecretKey> {
        seeds.iter().map(|it| SecretKey::from_seed([*it; 32])).collect()
    }

    fn validators(seeds: &[u8]) -> Vec<Validator> {
        let address = Text::new("127.0.0.1:1").unwrap();
        let of = |it: &SecretKey| Validator {
            key: it.public(),
            party: PartyId(1),
            address: address.clone(),
        };
        secrets(seeds).iter().map(of).collect()
    }

    /// The last block of an epoch, certified by `by`, that names `next`.
    fn last(epoch: u64, next: Option<&[u8]>, by: &[u8]) -> Certified {
        let header = Header {
            time: LedgerTime(5_000),
            epoch,
            view: 9,
            parent_view: 8,
            ..Header::blank(CHAIN, epoch * 10 + 9)
        };
        let mut changes = BlockChanges::nothing(header);
        let named = next.map(|it| Committee::of(epoch + 1, validators(it)));
        changes.committee = named.map(|it| Bytes(it.to_bytes()));
        changes.header.changes_root = changes.root();
        let committee = Committee::of(epoch, validators(by));
        let certificate = certificate::sign(&changes.header, &committee, &secrets(by));
        Certified { changes, certificate: Some(Bytes(certificate)) }
    }

    #[test]
    fn a_change_of_the_set_is_followed_by_the_last_block_of_each_epoch() {
        let (old, new): (&[u8], &[u8]) = (&[1, 2, 3, 4], &[2, 3, 4, 5]);
        let mut known = Committees::new(CHAIN, validators(old));
        known.take(&last(0, Some(old), old)).unwrap();
        known.take(&last(1, Some(new), old)).unwrap();
        known.take(&last(2, Some(new), new)).unwrap();
        assert_eq!(known.known_to(), 3);
        let from: Vec<_> = known.sets().map(|it| it.0).collect();
        assert_eq!(from, [0, 2], "only changes are kept");
        for (epoch, seeds) in [(0, old), (1, old), (2, new), (3, new), (99, new)] {
            assert_eq!(known.of(epoch), Committee::of(epoch, bare(validators(seeds))), "{epoch}");
        }
    }

    #[test]
    fn what_names_no_next_set_is_refused_and_changes_nothing() {
        let (own, strangers): (&[u8], &[u8]) = (&[1, 2, 3, 4], &[5, 6, 7, 8]);
        let known = Committees::new(CHAIN, validators(own));
        let bent = |bend: fn(&mut Certified)| {
            let mut block = last(0, Some(own), own);
            bend(&mut block);
            block
        };
        for (block, why) in [
            (bent(|it| it.changes.header.chain = ChainId([8; 32])), "it is of another market"),
            (last(1, Some(own), own), "it is of epoch 1, not of 0"),
            (bent(|it| it.certificate = None), "it is without a certificate"),
            (last(0, Some(own), strangers), "a validator's signature is wrong"),
            (bent(|it| it.changes.committee = None), "its changes are not those"),
            (last(0, None, own), "it is not the last of its epoch"),
        ] {
            let mut taken = known.clone();
            let told = taken.take(&block).unwrap_err();
            assert!(told.contains(why), "{told}");
            assert_eq!(taken, known);
        }
    }

    /// A node that answers with these bytes for a block of this height, and its address.
    fn node(serves: impl Fn(u64) -> Option<Vec<u8>> + Send + 'static) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        thread::spawn(move || {
            for stream in listener.incoming().map(Result::unwrap) {
                // Who has asked goes as soon as another node has answered.
                let _ = answer(&stream, &serves);
            }
        });
        url
    }

    fn answer(mut to: &TcpStream, serves: impl Fn(u64) -> Option<Vec<u8>>) -> io::Result<()> {
        let mut head = BufReader::new(to).lines();
        let path = head.next().unwrap_or(Ok(String::new()))?;
        while !head.next().unwrap_or(Ok(String::new()))?.is_empty() {}
        let height = path.split(['/', ' ']).nth(4).and_then(|it| it.parse().ok());
        let (status, body) = match height.and_then(serves) {
            Some(body) => ("200 OK", body),
            None => ("404 Not Found", Vec::new()),
        };
        let length = body.len();
        write!(to, "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n")?;
        to.write_all(&body)
    }

    #[tokio::test]
    async fn one_node_that_tells_the_truth_is_enough_to_go_on() {
        let own: &[u8] = &[1, 2, 3, 4];
        let lasts = |height: u64, by: &[u8]| {
            let last = |it: u64| last(it, Some(own), by).to_bytes();
            Some(height / 10).filter(|it| *it < 3).map(last)
        };
        let nonsense = node(|_| Some(b"no block".to_vec()));
        let liar = node(move |height| lasts(height, &[5, 6, 7, 8]));
        let behind = node(|_| None);
        let honest = node(move |height| lasts(height, own));
        let doors = |urls: &[&String]| Doors::new(urls.iter().map(ToString::to_string).collect());
        let mut known = Committees::new(CHAIN, validators(own));
        let wrong = known.renew(&doors(&[&behind, &honest]).unwrap(), 10).await.unwrap();
        assert!((known.known_to(), wrong.is_none()) == (3, true));
        let mut known = Committees::new(CHAIN, validators(own));
        let holds = TcpListener::bind("127.0.0.1:0").unwrap();
        let silent = format!("http://{}", holds.local_addr().unwrap());
        let mut all = doors(&[&nonsense, &liar, &silent, &behind, &honest]).unwrap();
        all.patience = Duration::from_millis(300);
        known.renew(&all, 10).await.unwrap();
        assert_eq!(known.known_to(), 3, "nobody has a block of epoch 3 yet");
        let wrong = known.renew(&doors(&[&behind, &nonsense]).unwrap(), 10).await.unwrap();
        assert!(matches!(wrong, Some(Fault::NotUnderstood { url, .. }) if url == nonsense));
        let fault = known.renew(&doors(&[&nonsense]).unwrap(), 10).await.unwrap_err();
        assert!(matches!(fault, Fault::NotUnderstood { url, .. } if url == nonsense));
        assert_eq!(known.known_to(), 3, "what was shown before stays known");
        let mut known = Committees::new(CHAIN, validators(own));
        let fault = known.renew(&doors(&[&liar]).unwrap(), 10).await.unwrap_err();
        assert!(fault.to_string().contains("a validator's signature is wrong"), "{fault}");
        assert_eq!(known.known_to(), 0);
    }

    #[test]
    fn sets_that_are_believed_come_in_their_order() {
        let mut known = Committees::new(CHAIN, validators(&[1]));
        assert!(known.believe(7, validators(&[2])));
        assert!(!known.believe(7, validators(&[3])));
        assert!(!known.believe(0, validators(&[3])));
        assert_eq!((known.known_to(), known.of(8).validators.len()), (7, 1));
        known.believe_known_to(3);
        assert_eq!(known.known_to(), 7);
    }
}
