//! Following from nodes of which some lie.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    thread,
};

use super::*;

/// Between blocks that are new.
const PACE: Duration = Duration::from_millis(60);
/// So long the followers of these tests wait.
const QUICK: Patience =
    Patience { silence: Duration::from_millis(500), all: Duration::from_secs(2) };
/// As many blocks as a market of these tests has at last.
const BLOCKS: u64 = 200;

/// What a node of these tests does.
#[derive(Clone, Copy)]
enum Node {
    /// It has blocks up to this height, says that it has those up to the other, and has a new one now
    /// and then.
    Lives(u64, u64),
    /// It says that it has blocks up to this height, and serves what is no block.
    Babbles(u64),
    /// It answers, and serves no stream: it refuses with words that never come.
    Full(u64),
}

/// The blocks of a market, certified.
fn blocks() -> Vec<Vec<u8>> {
    let mut last = first();
    let mut all = vec![certified(&last)];
    for _ in 1..BLOCKS {
        last = after(&last, Vec::new());
        all.push(certified(&last));
    }
    all
}

impl Node {
    /// Its address. It serves for as long as the tests run.
    fn start(self, blocks: &[Vec<u8>]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (blocks, began) = (blocks.to_vec(), Instant::now());
        thread::spawn(move || {
            for stream in listener.incoming() {
                let blocks = blocks.clone();
                // The follower may go at any time.
                thread::spawn(move || self.serve(&stream.unwrap(), &blocks, began).ok());
            }
        });
        url
    }

    fn serve(self, mut to: &TcpStream, blocks: &[Vec<u8>], began: Instant) -> std::io::Result<()> {
        let mut head = BufReader::new(to).lines();
        let asked = head.next().unwrap()?;
        while !head.next().unwrap()?.is_empty() {}
        let said = match self {
            Self::Lives(_, said) | Self::Babbles(said) | Self::Full(said) => said,
        };
        let Some(from) = asked.split("from=").nth(1) else {
            let body = format!("{{\"height\":{said}}}");
            let length = body.len();
            return write!(
                to,
                "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
            );
        };
        let from: usize = from.split(' ').next().unwrap().parse().unwrap();
        let had = match self {
            Self::Full(_) => {
                write!(to, "HTTP/1.1 503 Full\r\ncontent-length: 9\r\n\r\n")?;
                thread::sleep(Duration::from_secs(60));
                return Ok(());
            }
            Self::Babbles(_) => None,
            Self::Lives(had, _) => Some(usize::try_from(had).unwrap()),
        };
        write!(to, "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")?;
        let Some(had) = had else { return to.write_all(&[0, 0, 0, 1, 9]) };
        for (height, block) in (1..).zip(blocks).skip(from - 1) {
            let age = u32::try_from(height - height.min(had)).unwrap();
            thread::sleep((PACE * age).saturating_sub(began.elapsed()));
            to.write_all(&u32::try_from(block.len()).unwrap().to_be_bytes())?;
            to.write_all(block)?;
        }
        // It is silent then.
        thread::sleep(Duration::from_secs(60));
        Ok(())
    }
}

/// What came of it with these nodes, how far it went, and how long it took.
async fn caught_up(nodes: &[Node], last: Option<Last>) -> (Result<(), Fault>, u64, Duration) {
    let blocks = blocks();
    let urls = nodes.iter().map(|it| it.start(&blocks)).collect();
    let mut doors = Doors::new(urls).unwrap();
    doors.patience = QUICK.silence;
    let mut follower = Follower::of_validators(doors, CHAIN, validators(&secrets(0)));
    follower.patience = QUICK;
    let began = Instant::now();
    let done = match last {
        None => follower.catch_up().await,
        Some(last) => follower.catch_up_to(last).await,
    };
    (done, follower.view().height(), began.elapsed())
}

#[tokio::test]
async fn nodes_that_say_the_truth_are_followed_to_the_newest() {
    let nodes = [Node::Lives(30, 30), Node::Lives(40, 40), Node::Lives(20, 20)];
    let (done, height, took) = caught_up(&nodes, None).await;
    done.unwrap();
    assert!((40..60).contains(&height), "{height}");
    assert!(took < QUICK.all, "{took:?}");
    let (done, height, _) = caught_up(&nodes, Some(Last::Height(33))).await;
    done.unwrap();
    assert_eq!(height, 33);
    let (done, height, _) = caught_up(&nodes, Some(Last::Time(LedgerTime(7)))).await;
    done.unwrap();
    assert_eq!(height, 7);
    let (done, height, _) = caught_up(&nodes[..1], None).await;
    done.unwrap();
    assert!((30..40).contains(&height), "one node that says the truth: {height}");
}

#[tokio::test]
async fn one_that_lies_about_its_height_does_not_keep_a_follower() {
    let liar = u64::MAX;
    for nodes in [
        [Node::Lives(30, liar), Node::Lives(30, 30), Node::Lives(30, 30)],
        [Node::Lives(30, 30), Node::Babbles(liar), Node::Lives(30, 30)],
        [Node::Lives(30, 30), Node::Lives(30, 30), Node::Full(liar)],
    ] {
        let (done, height, took) = caught_up(&nodes, None).await;
        done.unwrap();
        assert!((30..BLOCKS).contains(&height), "{height}");
        assert!(took < QUICK.all + QUICK.silence, "{took:?}");
        // Who asks for a moment that is not there learns it.
        for last in [Last::Height(BLOCKS - 1), Last::Time(LedgerTime(BLOCKS - 1))] {
            let (done, height, _) = caught_up(&nodes, Some(last)).await;
            assert!(matches!(done, Err(Fault::Unreachable { .. })), "{done:?}");
            assert!((30..BLOCKS - 1).contains(&height), "{height}");
        }
    }
}

#[tokio::test]
async fn blocks_that_are_said_to_be_there_and_are_not_served_are_a_fault() {
    for nodes in [&[Node::Lives(30, 1_000)][..], &[Node::Lives(30, 1_000), Node::Full(1_000)]] {
        let (done, height, _) = caught_up(nodes, None).await;
        let why = done.unwrap_err();
        assert!(matches!(why, Fault::Unreachable { .. }), "{why}");
        assert!((30..BLOCKS).contains(&height), "{height}");
    }
}

#[tokio::test]
async fn nonsense_of_one_node_ends_nothing_while_another_serves() {
    for nodes in [
        [Node::Babbles(30), Node::Lives(30, 30), Node::Full(30)],
        [Node::Full(30), Node::Babbles(30), Node::Lives(30, 30)],
        [Node::Full(30), Node::Lives(30, 30), Node::Babbles(30)],
    ] {
        let (done, height, _) = caught_up(&nodes, None).await;
        done.unwrap();
        assert!(height >= 30, "{height}");
    }
    let (done, height, took) = caught_up(&[Node::Babbles(30), Node::Babbles(30)], None).await;
    assert!(matches!(done, Err(Fault::NotCertified { .. })), "{done:?}");
    assert!(height == 0 && took < QUICK.silence, "there is nobody else: {took:?}");
}
