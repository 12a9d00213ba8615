//! What is asked is answered, and what is malformed is refused with a code.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc,
    },
    thread,
    time::Duration,
};

use crypto::proof::Proof;
use node::{
    Fault,
    http::{
        Limits,
        disk::{Disk, Room},
    },
};

use crate::{
    client::{connect, eventually, get, metric, parse, post, post_head, rest, send},
    fake::{self, HEIGHT, LOST, SLOW, as_of, block, refusals, roomy, start},
};

#[test]
fn only_loopback_is_served_without_tls() {
    let node = start(Limits::default());
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.7:80"] {
        let address = address.parse().unwrap();
        let fault = node::http::serve(address, node.door.clone(), Limits::default(), roomy());
        let fault = fault.err().expect("it is refused");
        assert!(matches!(fault, Fault::Http(listen::Fault::NotLoopback(_))));
        assert!(fault.to_string().contains("TLS"), "{fault}");
    }
    let taken = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let holder = TcpListener::bind(taken).unwrap();
    let fault =
        node::http::serve(taken, node.door.clone(), Limits::default(), roomy()).err().unwrap();
    assert!(matches!(fault, Fault::Http(listen::Fault::Listen { .. })), "{fault}");
    drop(holder);
}

#[test]
fn an_envelope_is_taken_or_refused_with_the_code_of_the_refusal() {
    let node = start(Limits::default());
    let address = node.server.address();
    assert_eq!(post(address, b"new").status, 202);
    let known = post(address, b"known");
    assert_eq!((known.status, known.code().as_str()), (409, "envelope-known"));
    for (place, (why, code, status)) in refusals().into_iter().enumerate() {
        let answer = post(address, format!("refused {place}").as_bytes());
        assert_eq!((answer.status, answer.code().as_str()), (status, code));
        assert_eq!(answer.json()["detail"], why.to_string());
    }
    let damaged = post(address, b"damaged");
    assert_eq!((damaged.status, damaged.code().as_str()), (500, "damaged"));
    assert_eq!(damaged.json()["detail"], "changes: height 3");
}

#[test]
fn a_node_that_is_not_ready_takes_nothing_and_says_so() {
    let node = fake::with(Limits::default(), false, 100);
    let address = node.server.address();
    assert_eq!(post(address, b"new").code(), "not-ready");
    assert_eq!(get(address, "/readyz").code(), "not-ready");
    assert_eq!(get(address, "/healthz").status, 200);
    node.status.send_modify(|it| it.ready = true);
    assert_eq!(post(address, b"new").status, 202);
    assert_eq!(get(address, "/readyz").status, 200);
}

#[test]
fn a_node_whose_disk_is_full_takes_nothing_until_there_is_room() {
    let free = Arc::new(AtomicU64::new(0));
    let seen = free.clone();
    let disk = Disk::seen_by(move || Ok(Room { free: seen.load(Relaxed), all: 1 << 30 }));
    let node = fake::on(disk, Limits::default(), true, 100);
    let address = node.server.address();
    let refused = post(address, b"new");
    assert_eq!((refused.status, refused.code().as_str()), (507, "disk-full"));
    assert_eq!(get(address, "/readyz").code(), "disk-full");
    assert_eq!(get(address, "/v1/status").json()["ready"], false);
    assert_eq!(metric(address, "furikae_ready"), 0);
    assert_eq!(get(address, "/healthz").status, 200);
    assert_eq!(get(address, "/v1/blocks/4").status, 200, "what it has it serves");
    free.store(1 << 29, Relaxed);
    eventually("there is room", || post(address, b"new").status == 202);
    assert_eq!(get(address, "/readyz").status, 200);
}

#[test]
fn the_status_blocks_rows_and_times() {
    let node = start(Limits::default());
    let address = node.server.address();
    let status = get(address, "/v1/status").json();
    assert_eq!(status["height"], HEIGHT);
    assert_eq!(status["chain"], "ab".repeat(32));
    assert_eq!(status["root"], "03".repeat(32));
    assert_eq!((&status["voting"], &status["ready"]), (&true.into(), &true.into()));
    assert_eq!((&status["time"], &status["waiting"]), (&1_000.into(), &6.into()));

    let answer = get(address, "/v1/blocks/4");
    assert_eq!((answer.status, answer.body), (200, block(4, 100)));
    for height in [LOST, HEIGHT + 1, u64::MAX] {
        assert_eq!(get(address, &format!("/v1/blocks/{height}")).code(), "block-not-here");
        let envelopes = format!("/v1/blocks/{height}/envelopes");
        assert_eq!(get(address, &envelopes).code(), "block-not-here");
    }

    let envelopes = get(address, "/v1/blocks/4/envelopes");
    assert_eq!((envelopes.status, envelopes.body), (200, vec![0, 0, 0, 1, 0, 0, 0, 3, 4, 4, 4]));
    assert_eq!(get(address, "/v1/blocks/x/envelopes").code(), "query-malformed");

    assert_eq!(get(address, "/v1/heights?time=14").json()["height"], 4);
    assert_eq!(get(address, "/v1/heights?time=9").code(), "block-not-here");

    let (there, absent) =
        ("01ff".to_owned() + &"00".repeat(46), "01".to_owned() + &"00".repeat(47));
    let rows = get(address, &format!("/v1/rows?key={there}&key={absent}")).json();
    assert_eq!(rows["height_min"], HEIGHT);
    assert_eq!(rows["rows"][0]["key"], there.as_str());
    assert_eq!(
        (&rows["rows"][0]["changed"], &rows["rows"][0]["value"]),
        (&4.into(), &"01ff".into())
    );
    assert!(rows["rows"][1]["value"].is_null());

    assert_eq!(metric(address, "furikae_height"), HEIGHT);
    assert_eq!(metric(address, "furikae_voting"), 1);
    assert!(metric(address, "furikae_http_answers_total{status=\"2xx\"}") > 3);
}

#[test]
fn a_proof_is_the_bytes_of_its_file_or_a_refusal_that_says_what_to_do() {
    let node = start(Limits::default());
    let address = node.server.address();
    let mut key = [0; 48];
    (key[0], key[1]) = (1, 0xff);
    let (there, absent) = (hex::encode(key), "01".to_owned() + &"00".repeat(47));
    for query in ["as_of=6", "time=67"] {
        let answer = get(address, &format!("/v1/proofs/{there}?{query}"));
        assert!(answer.head.contains("content-type: application/octet-stream"), "{answer:?}");
        assert_eq!((answer.status, answer.body), (200, Proof::AsOf(as_of(key, 6)).to_file()));
    }
    for (height, status, code, detail) in [
        (1, 409, "row-unchanged", ""),
        (2, 409, "moment-not-covered", ""),
        (3, 422, "moment-too-far", "the row changed too often since: read back to height 7"),
        (4, 404, "change-not-here", "height 8"),
    ] {
        let answer = get(address, &format!("/v1/proofs/{there}?as_of={height}"));
        assert_eq!((answer.status, answer.code().as_str()), (status, code));
        assert_eq!(answer.json()["detail"], detail);
    }
    let answer = get(address, &format!("/v1/proofs/{absent}?as_of=6"));
    assert_eq!((answer.status, answer.code().as_str()), (404, "row-not-here"));
}

#[test]
fn a_proof_that_takes_long_keeps_only_other_proofs_waiting() {
    let node = start(Limits { answer_ms: 300, ..Limits::default() });
    let address = node.server.address();
    let key = "01ff".to_owned() + &"00".repeat(46);
    let slow = format!("/v1/proofs/{key}?as_of={SLOW}");
    assert_eq!(get(address, &slow).code(), "no-answer-in-time");
    let quick = format!("/v1/proofs/{key}?as_of=6");
    assert_eq!(get(address, &quick).code(), "no-answer-in-time", "the first one is still made");
    assert_eq!(post(address, b"new").status, 202);
    assert_eq!(post(address, b"go on").status, 202);
    assert_eq!(get(address, &quick).status, 200);
}

#[test]
fn so_many_proofs_are_made_and_no_more() {
    let limits =
        |proofs, proofs_of_address| Limits { proofs, proofs_of_address, ..Limits::default() };
    let refusals =
        [(limits(3, 2), "address-proofs-exceeded", 429), (limits(2, 3), "proofs-exceeded", 503)];
    for (limits, code, status) in refusals {
        let node = start(limits);
        let address = node.server.address();
        let slow = format!("/v1/proofs/01ff{}?as_of={SLOW}", "00".repeat(46));
        let (says, said) = mpsc::channel();
        for _ in 0..3 {
            let (says, slow) = (says.clone(), slow.clone());
            thread::spawn(move || says.send(get(address, &slow)));
        }
        // One is being made, one waits, and neither ends before the node goes on.
        let refused = said.recv().unwrap();
        assert_eq!((refused.code().as_str(), refused.status), (code, status));
        let mut shown = 0;
        while shown < 2 {
            assert_eq!(post(address, b"go on").status, 202);
            if let Ok(answer) = said.recv_timeout(Duration::from_millis(10)) {
                assert_eq!(answer.status, 200, "{answer:?}");
                shown += 1;
            }
        }
        let quick = slow.replace(&SLOW.to_string(), "6");
        assert_eq!(get(address, &quick).status, 200, "places are free again");
    }
}

#[test]
fn paths_methods_and_queries_that_make_no_sense() {
    let node = start(Limits::default());
    let address = node.server.address();
    let long = format!("/v1/rows?key={}", "01".repeat(48));
    let proof = format!("/v1/proofs/{}", "01".repeat(48));
    let many = "&key=".to_owned() + &"01".repeat(48);
    for (path, code) in [
        ("/", "not-found"),
        ("/v2/status", "not-found"),
        ("/v1/blocks/", "not-found"),
        ("/v1/blocks/x", "query-malformed"),
        ("/v1/blocks/-1", "query-malformed"),
        ("/v1/blocks/+1", "query-malformed"),
        ("/v1/blocks/18446744073709551616", "query-malformed"),
        ("/v1/blocks/%31%00", "query-malformed"),
        ("/v1/blocks", "query-malformed"),
        ("/v1/blocks?from=", "query-malformed"),
        ("/v1/blocks?from=1&from=2", "query-malformed"),
        ("/v1/blocks?to=1", "query-malformed"),
        ("/v1/blocks?from", "query-malformed"),
        ("/v1/heights?time=soon", "query-malformed"),
        ("/v1/rows", "query-malformed"),
        ("/v1/rows?key=01", "query-malformed"),
        (&format!("/v1/rows?key=g{}", "0".repeat(95)), "query-malformed"),
        (&format!("/v1/rows?key=ff{}", "00".repeat(47)), "query-malformed"),
        (&format!("/v1/rows?name=01{}", "00".repeat(47)), "query-malformed"),
        ("/v1/proofs/01?as_of=1", "query-malformed"),
        (&format!("{proof}?as_of=-1"), "query-malformed"),
        (&format!("{proof}?time=now"), "query-malformed"),
        (&format!("{proof}?as_of=1&time=1"), "query-malformed"),
        (&format!("{proof}?as_of=1&as_of=1"), "query-malformed"),
        (&format!("{proof}?height=1"), "query-malformed"),
        (&proof, "query-malformed"),
        (&format!("/v1/proofs/ff{}?as_of=1", "00".repeat(47)), "query-malformed"),
        (&format!("/v1/proofs/g{}?as_of=1", "0".repeat(95)), "query-malformed"),
        ("/v1/proofs", "not-found"),
        (&(long + &many.repeat(100) + "&key=0"), "query-malformed"),
    ] {
        assert_eq!(get(address, path).code(), code, "{path}");
    }
    for (method, path) in [("DELETE", "/v1/envelopes"), ("POST", "/v1/status"), ("PUT", "/metrics")]
    {
        let request = format!("{method} {path} HTTP/1.1\r\nhost: n\r\nconnection: close\r\n\r\n");
        assert_eq!(
            send(address, request.as_bytes()).code(),
            "method-not-allowed",
            "{method} {path}"
        );
    }
}

#[test]
fn bytes_that_are_no_request_end_the_connection_and_nothing_else() {
    let node = start(Limits::default());
    let address = node.server.address();
    let huge = format!("GET / HTTP/1.1\r\nhost: n\r\nx: {}\r\n\r\n", "x".repeat(64 << 10));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(2_000));
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /v1/envelopes HTTP/1.1\r\ncontent-length: x\r\n\r\n",
        b"POST /v1/envelopes HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        huge.as_bytes(),
        many.as_bytes(),
    ] {
        let mut stream = connect(address);
        // The server may close before it has read all of it.
        let _ = stream.write_all(bytes);
        let came = rest(&mut stream);
        assert!(
            came.is_empty() || parse(&came).status >= 400,
            "{}",
            String::from_utf8_lossy(&came)
        );
    }
    assert_eq!(get(address, "/healthz").status, 200);
}

/// The next framed block.
fn framed(stream: &mut impl std::io::Read) -> Vec<u8> {
    let mut len = [0; 4];
    stream.read_exact(&mut len).expect("a length");
    let mut block = vec![0; usize::try_from(u32::from_be_bytes(len)).unwrap()];
    stream.read_exact(&mut block).expect("a block");
    block
}

/// A stream's bytes without the marks of their chunks.
struct Chunks<R> {
    from: R,
    left: usize,
    ended: bool,
}

impl<R: std::io::BufRead> std::io::Read for Chunks<R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if self.left == 0 && !self.ended {
            let mut line = String::new();
            self.from.read_line(&mut line)?;
            if line == "\r\n" {
                line.clear();
                self.from.read_line(&mut line)?;
            }
            self.left =
                usize::from_str_radix(line.trim_end(), 16).map_err(std::io::Error::other)?;
            self.ended = self.left == 0;
        }
        let len = into.len().min(self.left);
        let read = self.from.read(&mut into[..len])?;
        self.left -= read;
        Ok(read)
    }
}

fn follow(address: std::net::SocketAddr, from: u64) -> Chunks<impl std::io::BufRead> {
    use std::io::BufRead as _;
    let mut stream = connect(address);
    write!(stream, "GET /v1/blocks?from={from} HTTP/1.1\r\nhost: n\r\n\r\n").unwrap();
    let mut from = std::io::BufReader::new(stream);
    let mut line = String::new();
    from.read_line(&mut line).unwrap();
    assert!(line.contains(" 200 "), "{line}");
    while line != "\r\n" {
        line.clear();
        from.read_line(&mut line).unwrap();
    }
    Chunks { from, left: 0, ended: false }
}

#[test]
fn a_stream_gives_each_block_as_soon_as_it_is_final() {
    let node = start(Limits::default());
    let address = node.server.address();
    let mut stream = follow(address, HEIGHT);
    assert_eq!(framed(&mut stream), block(HEIGHT, 100));
    for height in HEIGHT + 1..HEIGHT + 20 {
        node.status.send_modify(|it| it.height = height);
        assert_eq!(framed(&mut stream), block(height, 100));
    }
    drop(stream);
    eventually("the stream is given up", || {
        node.status.send_modify(|it| it.height += 1);
        metric(address, "furikae_http_streams") == 0
    });

    assert_eq!(get(address, &format!("/v1/blocks?from={LOST}")).code(), "block-not-here");
    let mut ends = follow(address, LOST - 1);
    assert_eq!(framed(&mut ends), block(LOST - 1, 100));
    let mut rest = Vec::new();
    ends.read_to_end(&mut rest).unwrap();
    assert!(rest.is_empty(), "it ends before the block that is lost");
}

#[test]
fn a_stop_lets_answers_go_out_ends_streams_and_frees_the_port() {
    let node = start(Limits { answer_ms: 1_000, ..Limits::default() });
    let address = node.server.address();
    let mut stream = follow(address, HEIGHT);
    assert_eq!(framed(&mut stream), block(HEIGHT, 100));
    let mut waits = connect(address);
    waits.write_all(&[post_head(6).as_bytes(), b"silent"].concat()).unwrap();
    let idle = connect(address);
    eventually("three are connected", || metric(address, "furikae_http_connections") == 4);

    let begun = std::time::Instant::now();
    node.server.stop();
    assert!(begun.elapsed().as_secs() < 4);
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
    assert!(rest.is_empty());
    assert_eq!(parse(&self::rest(&mut waits)).code(), "no-answer-in-time");
    drop(idle);
    assert!(TcpListener::bind(address).is_ok());
}

#[test]
fn a_chain_that_has_stopped_is_told() {
    let node = start(Limits::default());
    let address = node.server.address();
    assert_eq!(post(address, b"stop").code(), "stopping");
    assert_eq!(get(address, "/healthz").code(), "stopping");
    assert_eq!(get(address, "/v1/blocks/4").code(), "stopping");
    assert!(node.server.is_serving());
}
