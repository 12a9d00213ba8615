//! Lines of files, and where they are cut.

use serde_json::json;

use super::*;

const ACCOUNT: &str = "11111111111111111111111111111111";

fn csv(text: &str) -> Vec<Line> {
    read(text, Form::Csv).unwrap()
}

fn checked(text: &str, form: Form) -> Vec<Line> {
    let scale = |it: InstrumentId| Some(if it.is_currency() { 2 } else { 0 });
    let mut lines = read(text, form).unwrap();
    lines.iter_mut().for_each(|it| it.check(&scale));
    lines
}

/// A cell for each field of what JSON asks, as a spreadsheet has them.
fn cells(value: &Value, path: &str, into: &mut Vec<(String, String)>) {
    for (name, value) in value.as_object().unwrap() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        match value {
            Value::Object(_) => cells(value, &path, into),
            Value::String(text) => into.push((path, text.clone())),
            other => into.push((path, other.to_string())),
        }
    }
}

/// One of each kind of field, of every word that has a field which is no text.
fn examples() -> Vec<Value> {
    let (key, id, share) = ("ab".repeat(32), "7-0-3-1", "JP3999001005");
    let trade = json!({"instrument": share, "currency": "JPY", "counterparty": 4, "side": "buy",
        "quantity": "5", "amount": "100.50", "trade_date": "2026-01-05", "intended_date": "2026-01-07",
        "reference": "1-a"});
    let with = |more: Value| {
        let mut all = trade.as_object().unwrap().clone();
        all.extend(more.as_object().unwrap().clone());
        Value::Object(all)
    };
    vec![
        json!({"ask": "admit-party", "party": 7, "lei": "5493001KJTIIGC8Y1R12", "name": "7",
            "roles": ["participant"], "key": key}),
        json!({"ask": "suspend-party", "party": 7, "suspended": true}),
        json!({"ask": "add-key", "party": 7, "key": 1, "public": key}),
        json!({"ask": "revoke-key", "party": 7, "key": 1}),
        json!({"ask": "list", "instrument": share, "scale": 0, "issuer": 8, "name": "A, B", "cfi": "ESVUFR",
            "sign_off": false}),
        json!({"ask": "open-account", "account": ACCOUNT, "class": 2, "holder": key,
            "holder_number": ACCOUNT}),
        json!({"ask": "decide-request", "request": id, "approved": true}),
        json!({"ask": "allocate", "instrument": share, "from": ACCOUNT,
            "to": [{"account": "2".repeat(32), "quantity": "1"}]}),
        with(json!({"ask": "report-trade"})),
        with(json!({"ask": "affirm-trade", "trade": id})),
        json!({"ask": "import-trades", "venue": "XTKS", "date": "2026-01-05", "trades": [{"number": "1",
            "buyer": 2, "seller": 3, "instrument": share, "currency": "JPY", "quantity": "1", "amount": "2",
            "intended_date": "2026-01-07"}]}),
        json!({"ask": "settle", "side": "deliver", "trade_date": "2026-01-05", "intended_date": "2026-01-07",
            "instrument": share, "quantity": "5", "account": ACCOUNT, "counterparty": 4,
            "counterparty_account": "2".repeat(32), "partial": false, "hold": true, "reference": "1",
            "payment": {"currency": "JPY", "account": ACCOUNT, "amount": "100.50"},
            "trade": {"venue": "XTKS", "date": "2026-01-05", "number": "9"}}),
        json!({"ask": "sign-off", "instruction": id, "approved": false}),
    ]
}

#[test]
fn a_line_of_cells_asks_what_json_asks() {
    for example in examples() {
        let mut found = Vec::new();
        cells(&example, "", &mut found);
        let mut out = csv::Writer::from_writer(Vec::new());
        out.write_record(found.iter().map(|it| &it.0)).unwrap();
        out.write_record(found.iter().map(|it| &it.1)).unwrap();
        let text = String::from_utf8(out.into_inner().unwrap()).unwrap();
        let lines = checked(&text, Form::Csv);
        assert_eq!(lines[0].asked, Ok(example), "{text}");
        assert_eq!(lines[0].number, 2);
    }
}

#[test]
fn the_published_examples_make_sense() {
    for (text, form) in [
        (include_str!("../../../../../docs/how-to/instructions.csv"), Form::Csv),
        (include_str!("../../../../../docs/how-to/instructions.jsonl"), Form::JsonLines),
    ] {
        let lines = checked(text, form);
        assert!(lines.len() > 2 && lines.iter().all(|it| it.asked.is_ok()), "{lines:?}");
    }
}

#[test]
fn what_is_wrong_is_told_by_line_and_field() {
    let text = format!(
        "ask,account,instrument,approved,class\n\
         attest-position,{ACCOUNT},JPY,,\n\
         attest-position,11,JPY,,\n\
         \n\
         attest-position,{ACCOUNT},JPY,perhaps,\n\
         dance,,,,\n\
         attest-position,{ACCOUNT},JPY\n"
    );
    // Whatever ends a line.
    for text in [&text, &text.replace('\n', "\r\n")] {
        let lines = checked(text, Form::Csv);
        let told: Vec<_> =
            lines.iter().filter_map(|it| Some((it.number, it.asked.as_ref().err()?))).collect();
        let wanted = [
            (3, "account", "11"),
            (5, "approved", "no such field"),
            (6, "ask", "dance"),
            (7, "", "3 cells"),
        ];
        assert_eq!(told.len(), wanted.len(), "{told:?}");
        for ((line, why), (number, field, part)) in told.iter().zip(wanted) {
            assert_eq!((*line, why.field.as_str()), (number, field));
            assert!(why.to_string().contains(part), "{why}");
        }
    }
    let text = format!(
        "{{\"ask\": \"attest-instrument\", \"instrument\": \"JPY\"}}\n\n[]\n{{\"ask\"\n{}",
        json!({"ask": "hold", "instruction": "x"})
    );
    let lines = checked(&text, Form::JsonLines);
    let bad: Vec<_> = lines.iter().filter(|it| it.asked.is_err()).map(|it| it.number).collect();
    assert_eq!(bad, [3, 4, 5]);
    for (header, why) in [("a,b", "\"ask\""), ("ask,a,a", "column 3"), ("ask,,a", "column 2")] {
        assert!(read(header, Form::Csv).unwrap_err().contains(why), "{header}");
    }
}

#[test]
fn a_file_is_cut_by_its_text_alone() {
    let line = format!("attest-position,{ACCOUNT},JPY\n");
    let text = format!("ask,account,instrument\n{}", line.repeat(620));
    let firsts = |lines: &[Line]| windows(lines).iter().map(|it| it[0].number).collect::<Vec<_>>();
    let lines = csv(&text);
    assert_eq!(
        firsts(&lines),
        [2, 252, 502],
        "who goes on with a file cuts it as it was cut before"
    );
    // A bad line is in its window, whether it is left out or not.
    let bad = text.replacen("attest-position", "attest-nothing!", 3);
    assert_eq!(firsts(&checked(&bad, Form::Csv)), [2, 252, 502]);
    assert_eq!(windows(&lines).iter().map(|it| it.len()).sum::<usize>(), 620);
    let long = format!("{{\"ask\": \"{}\"}}\n", "x".repeat(100 << 10));
    let lines = read(&long.repeat(5), Form::JsonLines).unwrap();
    assert_eq!(firsts(&lines), [1, 3, 5], "256 KiB of text, or 250 lines");
    assert_eq!(windows(&[]), Vec::<&[Line]>::new());
}
