//! Blocks, allocated through a gateway.

use clap::Parser as _;
use ledger::Instruction;
use types::PublicKey;

use super::*;
use crate::{
    arguments::{Arguments, Command},
    desk::Desk,
    facts,
    failure::Status,
    stand_in::{Gate, with_desk},
};

const BROKER: &str = "chidori";

fn account(number: u8) -> AccountId {
    AccountId([number; 16])
}

async fn open_accounts(desk: &mut Desk) {
    let open = |number: u8| Instruction::OpenAccount {
        account: account(number),
        spend_key: PublicKey([0; 32]),
        view_key: PublicKey([0; 32]),
        envelope_key: PublicKey([0; 32]),
        class: 0,
        holder: types::Digest([number; 32]),
        holder_number: [number; 16],
    };
    desk.must(BROKER, (0x21..=0x23).map(open).collect()).await.unwrap();
}

fn asked(from: AccountId, isin: InstrumentId, file: &std::path::Path, more: &[&str]) -> Asked {
    let (from, isin) = (from.to_string(), isin.to_string());
    let all =
        ["furikae", "allocate", "--instrument", &isin, "--from", &from, file.to_str().unwrap()];
    match Arguments::try_parse_from([&all, more].concat()).unwrap().command {
        Command::Allocate(asked) => asked,
        other => panic!("{other:?}"),
    }
}

fn file(desk: &Desk, name: &str, lines: &[(AccountId, &str)]) -> PathBuf {
    let path = desk.folder().root().join(name);
    let lines = lines.iter().map(|it| format!("{},{}\n", it.0, it.1));
    std::fs::write(&path, format!("account,quantity\n{}", lines.collect::<String>())).unwrap();
    path
}

#[test]
fn a_block_is_allocated_once_and_whole() {
    with_desk("allocate", async |desk| {
        crate::day::for_tests(desk).await.unwrap();
        open_accounts(desk).await;
        let sakura = desk.facts.instrument("SAKURA").instrument;
        let ken = facts::account("ken");
        let held = desk.view().available(ken, sakura);
        let parts = [(account(0x21), "5"), (account(0x22), "10"), (account(0x23), "1")];
        let path = file(desk, "parts.csv", &parts);
        let gate = Gate::of(desk, BROKER, &[]);
        let client = gate.user("clerk");
        let of =
            async |asked: &Asked| of_file(&client, asked, &Table::read(&asked.file).unwrap()).await;
        gate.run(async {
            let failure = of(&asked(ken, sakura, &path, &["--total", "17"])).await.unwrap_err();
            assert_eq!(failure.status, Status::Malformed);
            assert!(failure.what.contains("add up to 16, not to 17"), "{}", failure.what);
            let done = of(&asked(ken, sakura, &path, &["--total", "16"])).await.unwrap();
            assert_eq!(done.len(), 3);
            assert!(
                done.iter().all(|it| it.1.status == "done" && it.1.id == done[0].1.id),
                "{done:?}"
            );
            // All that is left is asked for; what was asked before is not asked again.
            let again = of(&asked(ken, sakura, &path, &[])).await.unwrap();
            assert_eq!(again, done);
            let more = (held - 15).to_string();
            let more = file(desk, "more.csv", &[(account(0x21), &more)]);
            let failure = of(&asked(ken, sakura, &more, &[])).await.unwrap_err();
            assert_eq!(failure.status, Status::No, "{}", failure.what);
            assert!(failure.what.contains(&format!("holds {}", held - 16)), "{}", failure.what);
            // The market knows no such account: none of its parts is given.
            let lost = file(desk, "lost.csv", &[(account(0x21), "1"), (account(0x77), "1")]);
            let refused = of(&asked(ken, sakura, &lost, &[])).await.unwrap();
            assert!(refused.iter().all(|it| it.1.status == "refused"), "{refused:?}");
            assert_eq!(refused[0].1.reason["text"], "account-unknown");
        })
        .await;
        desk.follower().catch_up().await.unwrap();
        let left = desk.view().available(ken, sakura);
        assert_eq!((left, desk.view().available(account(0x21), sakura)), (held - 16, 5));
    });
}

#[test]
fn bad_lines_are_told_by_line_and_field() {
    with_desk("allocate-bad", async |desk| {
        let ken = account(9);
        for (lines, part) in [
            (vec![(account(1), "1"), (account(1), "2")], "line 3: account: it stands there twice"),
            (vec![(ken, "1")], "line 2: account: it is the account that gives"),
            (vec![(account(1), "0")], "line 2: quantity: a number above 0"),
            (vec![(account(1), "-1")], "line 2: quantity"),
            (vec![(account(1), "1.255")], "at most 2 places"),
            (vec![], "names none"),
        ] {
            let table = Table::read(&file(desk, "bad.csv", &lines)).unwrap();
            let failure = parts(&table, ken, 2).unwrap_err();
            assert!(
                failure.what.contains("bad.csv") && failure.what.contains(part),
                "{}",
                failure.what
            );
        }
        let path = desk.folder().root().join("other.csv");
        std::fs::write(&path, "account,amount\n1,2\n").unwrap();
        let failure = parts(&Table::read(&path).unwrap(), ken, 2).unwrap_err();
        assert!(failure.what.contains("no column \"quantity\""), "{}", failure.what);
    });
}
