//! Identifiers against published examples: valid, invalid, and one character away from valid.

#![allow(clippy::disallowed_types, reason = "nothing here is stored")]

use std::{env, fs, path::PathBuf};

use types::{
    BadIdentifier, Bic, BusinessDate, Cfi, Currency, Flaw, Identifier, InstrumentId, Isin, Lei,
    Mic, Weekday, Wire,
};

const ISINS: [&str; 8] = [
    "US0378331005",
    "JP3633400001",
    "JP3902900004",
    "JP3435000009",
    "AU0000XVGZA3",
    "GB0002634946",
    "XS0110106365",
    "AN8068571086",
];
const LEIS: [&str; 3] = ["5493001KJTIIGC8Y1R12", "5493006W3QUS5LMH6R84", "213800WSGIIZCXF1P572"];

/// A file of reference examples, kept beside the repository; `None` where it is not.
fn reference(name: &str) -> Option<String> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let root = env::var_os("FURIKAE_SHARED").map_or_else(beside, PathBuf::from);
    let text = fs::read_to_string(root.join("data/identifiers-stdnum").join(name)).ok();
    if text.is_none() {
        eprintln!("skipped: {name} is not beside the repository");
    }
    text
}

/// The examples that the file lists as valid.
fn listed(text: &str) -> Vec<&str> {
    let start = text.find("numbers = '''").expect("a list");
    let words = text[start..].split_whitespace().skip(3);
    words.take_while(|it| *it != "'''").filter(|it| *it != "...").collect()
}

/// The examples that the file expects to be refused.
fn refused(text: &str) -> Vec<&str> {
    let calls = text
        .split(".validate('")
        .skip(1)
        .filter(|it| it.lines().nth(1).is_some_and(|next| next.starts_with("Traceback")));
    calls.filter_map(|it| it.split('\'').next()).collect()
}

fn check<T: Wire + PartialEq + std::fmt::Display>(
    file: &str,
    valid_min: usize,
    parse: fn(&str) -> Result<T, BadIdentifier>,
) {
    let Some(text) = reference(file) else { return };
    let valid = listed(&text);
    assert!(valid.len() >= valid_min, "{file}: {} examples", valid.len());
    for example in valid {
        let code = parse(example).unwrap_or_else(|why| panic!("{example}: {why}"));
        assert_eq!(code.to_string(), example);
        assert!(T::from_bytes(&code.to_bytes()).is_ok_and(|it| it == code), "{example}");
    }
    for example in refused(&text) {
        assert!(parse(example).is_err(), "{example} is accepted");
    }
}

#[test]
fn published_examples() {
    check("test_isin.doctest", 200, Isin::parse);
    check("test_lei.doctest", 90, Lei::parse);
    check("test_bic.doctest", 400, Bic::parse);
    check("test_cfi.doctest", 80, Cfi::parse);
}

#[test]
fn known_ones_are_read_and_completed() {
    for text in ISINS {
        let isin = Isin::parse(text).expect(text);
        assert_eq!(Isin::complete(&text[..11]), Ok(isin));
        assert_eq!(Isin::from_bytes12(isin.bytes()), Ok(isin));
        assert_eq!(Some(InstrumentId::from(isin)), InstrumentId::parse(text));
    }
    for text in LEIS {
        assert_eq!(Lei::complete(&text[..18]), Lei::parse(text));
        assert!(Lei::parse(text).is_ok());
    }
}

#[test]
fn one_changed_character_is_found() {
    let digits = '0'..='9';
    for isin in ISINS {
        // Luhn finds every changed digit. (Letters count as two digits, so a few changes of them cancel out.)
        for (place, old) in isin.char_indices().filter(|(_, it)| it.is_ascii_digit()) {
            for new in digits.clone().filter(|it| *it != old) {
                let mut changed = String::from(isin);
                changed.replace_range(place..=place, &new.to_string());
                assert_eq!(Isin::parse(&changed).map_err(|it| it.flaw), Err(CHECK_12), "{changed}");
            }
        }
    }
    for lei in LEIS {
        for (place, old) in lei.char_indices() {
            // A digit that becomes a letter shifts the rest, and may cancel out.
            let alike = |it: &char| it.is_ascii_digit() == old.is_ascii_digit() && *it != old;
            for new in ('0'..='9').chain('A'..='Z').filter(alike) {
                let mut changed = String::from(lei);
                changed.replace_range(place..=place, &new.to_string());
                assert!(Lei::parse(&changed).is_err(), "{changed}");
            }
        }
    }
}

const CHECK_12: Flaw = Flaw::CheckDigit { place: 12 };

#[test]
fn a_refusal_says_what_and_where() {
    use Flaw::{Character, CheckDigit, Country, Length, Unknown};
    let flaw = |it: Result<(), BadIdentifier>| it.expect_err("refused").flaw;
    let isin = |text| flaw(Isin::parse(text).map(|_| ()));
    assert_eq!(isin("US037833100"), Length);
    assert_eq!(isin("U50378331005"), Character { place: 2 });
    assert_eq!(isin("US03783310-5"), Character { place: 11 });
    assert_eq!(isin("US037833100A"), Character { place: 12 });
    assert_eq!(isin("ZZ0378331005"), Country { place: 1 });
    assert_eq!(isin("US0378331006"), CHECK_12);
    let lei = |text| flaw(Lei::parse(text).map(|_| ()));
    assert_eq!(lei("5493001KJTIIGC8Y1R1"), Length);
    assert_eq!(lei("5493001kJTIIGC8Y1R12"), Character { place: 8 });
    assert_eq!(lei("5493001KJTIIGC8Y1R1A"), Character { place: 20 });
    assert_eq!(lei("353800PEEUDBIK7X8W96"), CheckDigit { place: 19 });
    let bic = |text| flaw(Bic::parse(text).map(|_| ()));
    assert_eq!(bic("DEUTDEF"), Length);
    assert_eq!(bic("DEUTDEFF5"), Length);
    assert_eq!(bic("DEUTDEFF\0\0\0"), Character { place: 9 });
    assert_eq!(bic("DEUTDEFFx00"), Character { place: 9 });
    assert_eq!(bic("DEUT1EFF"), Character { place: 5 });
    assert_eq!(bic("MULTIPLE"), Country { place: 5 });
    let cfi = |text| flaw(Cfi::parse(text).map(|_| ()));
    assert_eq!(cfi("ELNUF"), Length);
    assert_eq!(cfi("123456"), Character { place: 1 });
    assert_eq!(cfi("AAAAAA"), Unknown { place: 1 });
    assert_eq!(cfi("EAVUFR"), Unknown { place: 2 });
    assert_eq!(cfi("IFXXXZ"), Unknown { place: 6 });
    let currency = |text| flaw(Currency::parse(text).map(|_| ()));
    assert_eq!(currency("JP"), Length);
    assert_eq!(currency("JPy"), Character { place: 3 });
    assert_eq!(currency("ZZZ"), Unknown { place: 1 });
    assert_eq!(flaw(Mic::parse("XTK").map(|_| ())), Length);
    assert_eq!(flaw(Mic::parse("xTKS").map(|_| ())), Character { place: 1 });
    let why = Isin::parse("US0378331006").expect_err("refused");
    assert_eq!(why.kind, Identifier::Isin);
    assert_eq!(why.to_string(), "not an ISIN: the check digits at 12 are wrong");
}

#[test]
fn decoding_refuses_what_parsing_refuses() {
    assert!(Isin::from_bytes(b"US0378331006").is_err());
    assert!(Lei::from_bytes(b"353800PEEUDBIK7X8W96").is_err());
    assert!(Bic::from_bytes(b"MULTIPLE\0\0\0").is_err());
    assert!(Bic::from_bytes(b"DEUTDEFF5\0\0").is_err());
    assert!(Bic::from_bytes(b"DEUTDEFF\0\0\0").is_ok());
    assert!(Mic::from_bytes(b"xTKS").is_err());
    assert!(Currency::from_bytes(b"ZZZ").is_err());
    assert!(Cfi::from_bytes(b"AAAAAA").is_err());
    assert!(Isin::from_bytes(b"US03783310055").is_err());
    assert!(Isin::from_bytes(b"US037833100").is_err());
    assert!(BusinessDate::from_bytes(&BusinessDate::LAST.to_bytes()).is_ok());
    assert!(BusinessDate::from_bytes(&(BusinessDate::LAST.0 + 1).to_bytes()).is_err());
}

#[test]
fn currencies_have_their_decimals() {
    let decimals = |code| Currency::parse(code).expect(code).decimals();
    assert_eq!(decimals("JPY"), Some(0));
    assert_eq!(decimals("USD"), Some(2));
    assert_eq!(decimals("EUR"), Some(2));
    assert_eq!(decimals("KWD"), Some(3));
    assert_eq!(decimals("CLF"), Some(4));
    assert_eq!(decimals("XAU"), None);
    let yen = InstrumentId::from(Currency::parse("JPY").expect("yen"));
    assert!(yen.is_currency());
}

#[test]
fn dates_count_days_and_back() {
    let (mut day, mut year, mut month) = (1, 1970, 1);
    for days in 0..=BusinessDate::LAST.0 {
        let date = BusinessDate(days);
        assert_eq!(date.ymd(), (year, month, day));
        assert_eq!(BusinessDate::from_ymd(year, month, day), Ok(date));
        day += 1;
        if BusinessDate::from_ymd(year, month, day).is_err() {
            (day, month) = (1, month + 1);
        }
        if month > 12 {
            (month, year) = (1, year + 1);
        }
    }
    assert_eq!((year, month, day), (10_000, 1, 1));
}

#[test]
fn dates_are_read_and_shown() {
    let date = BusinessDate::parse("2026-11-24").expect("a date");
    assert_eq!((date.0, date.weekday()), (20_781, Weekday::Tuesday));
    assert_eq!(date.to_string(), "2026-11-24");
    assert_eq!(date.plus(7).map(|it| it.to_string()), Some("2026-12-01".into()));
    assert_eq!(BusinessDate::LAST.plus(1), None);
    assert_eq!(BusinessDate(0).weekday(), Weekday::Thursday);
    assert_eq!(BusinessDate(u32::MAX).to_string(), "11761191-01-20");
    assert!(BusinessDate::parse("2000-02-29").is_ok());
    for (text, flaw) in [
        ("2026-1-24", Flaw::Length),
        ("2026/11-24", Flaw::Character { place: 5 }),
        ("2026-11-2x", Flaw::Character { place: 10 }),
        ("1969-12-31", Flaw::Unknown { place: 1 }),
        ("2026-13-01", Flaw::Unknown { place: 6 }),
        ("2026-00-01", Flaw::Unknown { place: 6 }),
        ("2100-02-29", Flaw::Unknown { place: 9 }),
        ("2026-11-31", Flaw::Unknown { place: 9 }),
        ("2026-11-00", Flaw::Unknown { place: 9 }),
    ] {
        assert_eq!(BusinessDate::parse(text).map_err(|it| it.flaw), Err(flaw), "{text}");
    }
}
