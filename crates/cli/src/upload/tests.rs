//! Files, through a gateway.

use clap::Parser as _;
use types::{AccountId, InstrumentId};

use super::*;
use crate::{
    arguments::{Arguments, Command},
    desk::Desk,
    stand_in::{Gate, with_desk},
};

const LINES: u64 = 600;

fn asked(more: &[&str]) -> Asked {
    let all = [&["furikae", "upload", "pay.csv", "--patience", "20"], more].concat();
    match Arguments::try_parse_from(all).unwrap().command {
        Command::Upload(asked) => asked,
        other => panic!("{other:?}"),
    }
}

fn yen() -> InstrumentId {
    InstrumentId::parse("JPY").unwrap()
}

/// An account of aoba with money, and one of another party.
fn accounts(desk: &Desk) -> [AccountId; 2] {
    let aoba = desk.who("aoba").unwrap().party;
    let view = desk.view();
    let rich: Vec<_> =
        view.positions().filter(|it| it.1 == yen() && it.2 > 1_000).map(|it| it.0).collect();
    let own = |it: &&AccountId| view.manager(**it) == Some(aoba);
    let from = *rich.iter().find(own).unwrap();
    [from, *rich.iter().find(|it| **it != from && !own(it)).unwrap()]
}

/// Payments of one yen each; the third line is one that the market refuses.
fn payments(desk: &Desk) -> String {
    let [from, to] = accounts(desk);
    let date = desk.today();
    let mut text =
        String::from("ask,from,to,currency,amount,intended_date,reference,instruction\n");
    for number in 1..=LINES {
        text += &if number == 3 {
            "hold,,,,,,,2-9-9-0\n".into()
        } else {
            format!("pay,{from},{to},JPY,1,{date},p{number},\n")
        };
    }
    text
}

fn counts(outcomes: &[Outcome]) -> std::collections::BTreeMap<String, usize> {
    let mut counts = std::collections::BTreeMap::new();
    outcomes.iter().for_each(|it| *counts.entry(it.status.clone()).or_default() += 1);
    counts
}

#[test]
fn every_line_has_its_effect_once_though_the_gateway_and_the_command_end() {
    with_desk("upload", async |desk| {
        crate::day::for_tests(desk).await.unwrap();
        let (gate, text) = (Gate::of(desk, "aoba", &[]), payments(desk));
        let [from, _] = accounts(desk);
        let before = desk.view().available(from, yen());
        let (client, asked) = (gate.user("clerk"), asked(&[]));
        // Two windows are sent; then all of it ends.
        let scale = |_: InstrumentId| Some(0);
        let mut lines = file::read(&text, Form::Csv).unwrap();
        lines.iter_mut().for_each(|it| it.check(&scale));
        let digest = asked.way.digest(text.as_bytes());
        gate.run(async {
            for window in &windows(&lines)[..2] {
                let values: Vec<_> = window.iter().map(|it| it.asked.clone().unwrap()).collect();
                let key = format!("u1-{digest}-{}", window[0].number);
                assert!(post(&client, &asked.way, &key, &json!(values)).await.is_ok());
            }
        })
        .await;
        let (first, again) = gate
            .run(async {
                let first = send_file(&client, &asked, Form::Csv, &text).await.unwrap();
                (first, send_file(&client, &asked, Form::Csv, &text).await.unwrap())
            })
            .await;
        assert_eq!(first, again);
        let numbers = first.iter().map(|it| it.line);
        assert!(numbers.eq(2..2 + LINES), "in the order of the file");
        assert_eq!(counts(&first)["settled"], 599, "{:?}", counts(&first));
        assert_eq!(
            (first[2].status.as_str(), &first[2].reason["text"]),
            ("refused", &"instruction-unknown".into())
        );
        let ids: std::collections::BTreeSet<_> = first.iter().map(|it| it.id.clone()).collect();
        assert_eq!(ids.len(), 600);
        desk.follower().catch_up().await.unwrap();
        assert_eq!(desk.view().available(from, yen()), before - 599, "once each");
        assert_eq!(summary(&first).unwrap_err().status, crate::failure::Status::No);
        // Under another reference it is another.
        let other = super::tests::asked(&["--reference", "tomorrow"]);
        assert_ne!(other.way.digest(text.as_bytes()), digest);
    });
}

#[test]
fn bad_lines_are_told_before_anything_is_sent() {
    with_desk("upload-bad", async |desk| {
        crate::day::for_tests(desk).await.unwrap();
        let gate = Gate::of(desk, "aoba", &[]);
        let text = payments(desk).lines().take(3).collect::<Vec<_>>().join("\n");
        let text = text + "\npay,nobody,,JPY,1,2026-01-05,x,\n";
        let client = gate.user("clerk");
        gate.run(async {
            let bad = send_file(&client, &asked(&[]), Form::Csv, &text).await.unwrap();
            assert_eq!((bad.len(), bad[0].line, bad[0].status.as_str()), (1, 4, "malformed"));
            let why = bad[0].reason["text"].as_str().unwrap();
            assert!(why.starts_with("from: \"nobody\" is not an account"), "{why}");
            let known = client.get("/v1/instructions").await.unwrap();
            let skip = asked(&["--skip-bad"]);
            let sent = send_file(&client, &skip, Form::Csv, &text).await.unwrap();
            let statuses: Vec<_> = sent.iter().map(|it| it.status.as_str()).collect();
            assert_eq!(statuses, ["settled", "settled", "malformed"]);
            let now = client.get("/v1/instructions").await.unwrap();
            let count = |it: &Value| it["instructions"].as_array().unwrap().len();
            assert_eq!(count(&now), count(&known) + 2, "the first time nothing was sent");
            // The same key for other lines: what was sent before is not sent beside others.
            let key = format!("u1-{}-2", skip.way.digest(text.as_bytes()));
            let other = json!({"ask": "hold", "instruction": "2-9-9-0"});
            let refused = post(&client, &skip.way, &key, &other).await.err().unwrap();
            assert!(refused.of_lines(2, 4).what.contains("lines 2 to 4 were sent before"));
        })
        .await;
    });
}

#[test]
fn what_needs_a_second_person_waits_line_by_line() {
    with_desk("upload-approval", async |desk| {
        crate::day::for_tests(desk).await.unwrap();
        let gate = Gate::of(desk, "aoba", &["pay"]);
        let text = payments(desk).lines().take(3).collect::<Vec<_>>().join("\n");
        let (client, boss) = (gate.user("clerk"), gate.user("boss"));
        gate.run(async {
            let waits = send_file(&client, &asked(&[]), Form::Csv, &text).await.unwrap();
            assert_eq!(counts(&waits)["awaiting-approval"], 2, "{waits:?}");
            summary(&waits).unwrap();
            let list = boss.get("/v1/approvals").await.unwrap();
            let digest = &list["approvals"][0]["digest"];
            let decision = json!({"approved": true, "digest": digest});
            boss.post("/v1/approvals/1", "any", &decision).await.unwrap();
            let done = send_file(&client, &asked(&[]), Form::Csv, &text).await.unwrap();
            assert_eq!(counts(&done)["settled"], 2, "{done:?}");
        })
        .await;
    });
}
