//! Books against the ledger.

use super::*;
use crate::stand_in::{Gate, with_desk};

fn table(desk: &crate::desk::Desk, text: &str) -> Table {
    let path = desk.folder().root().join("books.csv");
    std::fs::write(&path, text).unwrap();
    Table::read(&path).unwrap()
}

/// Books that say what the ledger says, in other words: `7` as `7.00`, some of it in two lines.
fn text(answer: &Value) -> String {
    let mut text = String::from("instrument,quantity,account,remark\n");
    for (place, it) in answer["positions"].as_array().unwrap().iter().enumerate() {
        let word = |name: &str| it[name].as_str().unwrap().to_owned();
        let (account, instrument, quantity) =
            (word("account"), word("instrument"), word("available"));
        let quantity = if quantity.contains('.') { quantity } else { quantity + ".00" };
        text += &format!("{instrument},{quantity},{},x\n", account.to_uppercase());
        if place == 0 {
            text += &format!(
                "{instrument},2.5,{account},one more\n{instrument},-2.50,{account},one less\n"
            );
        }
    }
    text
}

#[test]
fn each_break_is_named_and_nothing_else() {
    with_desk("reconcile", async |desk| {
        crate::day::for_tests(desk).await.unwrap();
        let gate = Gate::of(desk, "aoba", &[]);
        let client = gate.user("clerk");
        gate.run(async {
            let answer = client.get_all("/v1/positions", "positions").await.unwrap();
            let compare = async |text: &str, as_of: Option<&str>| {
                let books = books(&table(desk, text)).unwrap();
                compare(&client, &books, as_of).await.unwrap()
            };
            let good = text(&answer);
            let none = compare(&good, None).await;
            assert_eq!(none["breaks"], json!([]));
            assert!(none["positions"].as_u64() > Some(2), "{none}");
            // One is changed, one left out, one invented.
            let held: Vec<_> = answer["positions"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|it| !Decimal::parse(it["available"].as_str().unwrap()).unwrap().is_zero())
                .collect();
            let one =
                (held[0]["account"].as_str().unwrap(), held[0]["instrument"].as_str().unwrap());
            let more = format!("{good}{},0.01,{},injected\n", one.1, one.0);
            let found = compare(&more, None).await["breaks"].clone();
            assert_eq!(found.as_array().unwrap().len(), 1, "{found}");
            assert_eq!(
                (&found[0]["account"], &found[0]["instrument"]),
                (&json!(one.0), &json!(one.1))
            );
            assert_eq!(
                (&found[0]["differs_by"], &found[0]["kind"]),
                (&json!("0.01"), &json!("differs"))
            );
            let last = held.last().unwrap();
            let without: String = good
                .lines()
                .filter(|it| {
                    !(it.contains(last["instrument"].as_str().unwrap())
                        && it.to_lowercase().contains(last["account"].as_str().unwrap()))
                })
                .map(|it| format!("{it}\n"))
                .collect();
            let invented = format!("{without}JPY,5,{},x\n", "7".repeat(32));
            let found = compare(&invented, None).await["breaks"].clone();
            let mut kinds: Vec<_> = found
                .as_array()
                .unwrap()
                .iter()
                .map(|it| (it["kind"].as_str().unwrap(), it["ledger"].as_str().unwrap()))
                .collect();
            kinds.sort_unstable();
            let quantity = Decimal::parse(last["available"].as_str().unwrap()).unwrap().to_string();
            assert_eq!(
                kinds,
                [("missing-in-books", quantity.as_str()), ("missing-on-ledger", "0")]
            );
            // As of the first block nothing was held, at any way to write it.
            let time = client.get("/v1/positions?as_of=1").await.unwrap()["time"]
                .as_str()
                .unwrap()
                .to_owned();
            for as_of in ["1", time.as_str()] {
                let found = compare(&good, Some(as_of)).await;
                assert_eq!(
                    (&found["height"], found["breaks"].as_array().unwrap().len()),
                    (&json!(1), held.len())
                );
            }
        })
        .await;
    });
}

#[test]
fn books_that_cannot_be_read_are_told_by_line_and_field() {
    with_desk("reconcile-bad", async |desk| {
        let account = "1".repeat(32);
        for (line, part) in [
            (format!("{account},JPY,1e3"), "line 3: quantity"),
            (format!("{account},YEN!,1"), "line 3: instrument"),
            ("12,JPY,1".into(), "line 3: account"),
        ] {
            let text = format!("account,instrument,quantity\n{account},JPY,1\n{line}\n");
            let failure = books(&table(desk, &text)).unwrap_err();
            assert!(
                failure.what.contains("books.csv") && failure.what.contains(part),
                "{}",
                failure.what
            );
            assert_eq!(failure.status, crate::failure::Status::Malformed);
        }
    });
}
