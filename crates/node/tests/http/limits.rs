//! Every limit holds, says that it does, and lets others through.

use std::{
    io::{Read as _, Write as _},
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

use node::http::Limits;

use crate::{
    client::{connect, eventually, get, metric, parse, post, post_head, rest, send},
    fake::{self, HEIGHT, start},
};

#[test]
fn bodies_are_bounded_with_and_without_a_length() {
    let node = start(Limits { body_bytes: 1_000, ..Limits::default() });
    let address = node.server.address();
    assert_eq!(post(address, &[b'x'; 1_000]).status, 202);
    assert_eq!(post(address, &[b'x'; 1_001]).code(), "body-too-large");
    let claimed = send(address, post_head(usize::MAX >> 1).as_bytes());
    assert_eq!(claimed.code(), "body-too-large", "nothing of it had to arrive");

    let head = "POST /v1/envelopes HTTP/1.1\r\nhost: n\r\nconnection: close\r\n\
                content-type: application/octet-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let chunk = format!("64\r\n{}\r\n", "x".repeat(100));
    let whole = head.to_owned() + &chunk.repeat(10) + "0\r\n\r\n";
    assert_eq!(send(address, whole.as_bytes()).status, 202);
    let large = head.to_owned() + &chunk.repeat(11);
    assert_eq!(send(address, large.as_bytes()).code(), "body-too-large");
}

#[test]
fn a_body_is_named_as_what_it_is() {
    let node = start(Limits::default());
    for kind in ["", "content-type: application/json\r\n", "content-type: text/plain\r\n"] {
        let request = format!(
            "POST /v1/envelopes HTTP/1.1\r\nhost: n\r\nconnection: close\r\n{kind}content-length: 3\r\n\r\nnew"
        );
        assert_eq!(send(node.server.address(), request.as_bytes()).code(), "content-type");
    }
}

#[test]
fn slow_heads_slow_bodies_and_idle_connections_are_ended() {
    let limits = Limits { head_ms: 300, body_ms: 300, ..Limits::default() };
    let node = start(limits);
    let address = node.server.address();
    let begun = Instant::now();

    let mut silent = connect(address);
    let mut slow_head = connect(address);
    slow_head.write_all(b"GET /v1/status HTTP/1.1\r\nhost").unwrap();
    let mut slow_body = connect(address);
    slow_body.write_all(post_head(3).as_bytes()).unwrap();
    slow_body.write_all(b"n").unwrap();
    let mut cut_body = connect(address);
    cut_body.write_all(post_head(3).as_bytes()).unwrap();
    cut_body.write_all(b"n").unwrap();
    cut_body.shutdown(std::net::Shutdown::Write).unwrap();
    let mut idle = connect(address);
    idle.write_all(b"GET /healthz HTTP/1.1\r\nhost: n\r\n\r\n").unwrap();

    for stream in [&mut silent, &mut slow_head] {
        let came = rest(stream);
        assert!(came.is_empty() || parse(&came).status == 408);
    }
    assert_eq!(parse(&rest(&mut slow_body)).code(), "body-too-slow");
    let cut = rest(&mut cut_body);
    assert!(cut.is_empty() || parse(&cut).code() == "body-cut");
    assert_eq!(parse(&rest(&mut idle)).status, 200, "then it is closed");
    assert!(begun.elapsed() < Duration::from_secs(5));

    // One byte at a time does not help.
    let mut dripping = connect(address);
    dripping.write_all(post_head(100).as_bytes()).unwrap();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(1) && dripping.write_all(b"x").is_ok() {
        thread::sleep(Duration::from_millis(50));
    }
    let came = rest(&mut dripping);
    assert!(came.is_empty() || parse(&came).code() == "body-too-slow");
    assert_eq!(get(address, "/healthz").status, 200);
}

#[test]
fn an_address_that_asks_too_often_waits() {
    let node = start(Limits { requests_per_s: 10, burst: 5, ..Limits::default() });
    let address = node.server.address();
    let mut stream = connect(address);
    let mut answers = Vec::new();
    for turn in 0..8 {
        let close = if turn == 7 { "connection: close\r\n" } else { "" };
        write!(stream, "GET /healthz HTTP/1.1\r\nhost: n\r\n{close}\r\n").unwrap();
    }
    stream.read_to_end(&mut answers).unwrap();
    let text = String::from_utf8(answers).unwrap();
    let refused = text.matches("HTTP/1.1 429").count();
    assert!((2..=3).contains(&refused), "{refused} of 8 in {text}");
    assert_eq!(text.matches("\"code\":\"rate-exceeded\"").count(), refused);
    thread::sleep(Duration::from_millis(300));
    assert_eq!(get(address, "/healthz").status, 200);
}

#[test]
fn connections_are_bounded_and_the_one_too_many_is_told() {
    let node = start(Limits { connections: 3, ..Limits::default() });
    let address = node.server.address();
    let held: Vec<_> = (0..3).map(|_| connect(address)).collect();
    let mut turned_away = connect(address);
    assert_eq!(parse(&rest(&mut turned_away)).code(), "connections-exceeded");
    drop(held);
    eventually("there is room again", || {
        let mut stream = connect(address);
        let asked = b"GET /healthz HTTP/1.1\r\nhost: n\r\nconnection: close\r\n\r\n";
        stream.write_all(asked).is_ok() && parse(&rest(&mut stream)).status == 200
    });
    assert!(metric(address, "furikae_http_turned_away_total") >= 1);
}

#[test]
fn streams_are_bounded_and_one_who_does_not_read_loses_his() {
    let limits = Limits { streams: 2, write_ms: 400, ..Limits::default() };
    // More than the sockets of both sides hold.
    let node = fake::with(limits, true, 32 << 20);
    let address = node.server.address();
    node.status.send_modify(|it| it.height = HEIGHT + 10);
    let follow = |address: SocketAddr| {
        let mut stream = connect(address);
        write!(stream, "GET /v1/blocks?from={HEIGHT} HTTP/1.1\r\nhost: n\r\n\r\n").unwrap();
        let mut begun = [0; 12];
        stream.read_exact(&mut begun).unwrap();
        assert_eq!(&begun, b"HTTP/1.1 200");
        stream
    };
    let held = [follow(address), follow(address)];
    let third = get(address, "/v1/blocks?from=1");
    assert_eq!((third.status, third.code().as_str()), (503, "streams-exceeded"));
    eventually("who does not read is cut off", || metric(address, "furikae_http_streams") == 0);
    drop(follow(address));
    drop(held);
}

#[test]
fn one_address_holds_a_share_of_connections_and_streams() {
    let limits = Limits { streams_of_address: 1, connections_of_address: 4, ..Limits::default() };
    let node = start(limits);
    let address = node.server.address();
    let mut stream = connect(address);
    write!(stream, "GET /v1/blocks?from={HEIGHT} HTTP/1.1\r\nhost: n\r\n\r\n").unwrap();
    eventually("the stream is read", || metric(address, "furikae_http_streams") == 1);
    let another = get(address, &format!("/v1/blocks?from={HEIGHT}"));
    assert_eq!((another.status, another.code().as_str()), (429, "address-streams-exceeded"));

    eventually("only the stream is left", || metric(address, "furikae_http_connections") == 2);
    let held: Vec<_> = (0..3).map(|_| connect(address)).collect();
    let turned_away = parse(&rest(&mut connect(address)));
    assert_eq!(turned_away.status, 429);
    assert_eq!(turned_away.code(), "address-connections-exceeded");
    drop(held);
}

#[test]
fn nobody_holds_a_stream_for_blocks_that_are_far_away() {
    let node = start(Limits { streams: 1, ..Limits::default() });
    let address = node.server.address();
    for from in [HEIGHT + 2, u64::MAX] {
        let answer = get(address, &format!("/v1/blocks?from={from}"));
        assert_eq!((answer.status, answer.code().as_str()), (404, "block-not-here"));
    }
    let mut stream = connect(address);
    write!(stream, "GET /v1/blocks?from={} HTTP/1.1\r\nhost: n\r\n\r\n", HEIGHT + 1).unwrap();
    let mut begun = [0; 12];
    stream.read_exact(&mut begun).unwrap();
    assert_eq!(&begun, b"HTTP/1.1 200", "the next block is waited for");
}

#[test]
fn an_answer_that_does_not_come_is_not_waited_for_for_ever() {
    let node = start(Limits { answer_ms: 200, ..Limits::default() });
    let answer = post(node.server.address(), b"silent");
    assert_eq!((answer.status, answer.code().as_str()), (503, "no-answer-in-time"));
}
