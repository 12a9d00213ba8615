//! What a market script is, and what it is not: each refusal names the line and what to write instead.

use ledger::{
    Instruction,
    memory::Memory,
    script::{self, Doing, Failed, Report},
};

const CAST: &str = "furikae admits aoba, botan as participant
furikae admits kinjo as settlement-bank
furikae admits sakura as issuer
aoba opens accounts emi, aoba-cash
botan opens account yuki
furikae lists SAKURA issued by sakura
furikae lists USD issued by kinjo scale 2
kinjo issues 1,000.50 USD to emi
";

fn play(lines: &str) -> Report {
    let script = script::parse(&format!("{CAST}{lines}")).unwrap_or_else(|bad| panic!("{bad}"));
    Memory::of(&script).play(&script)
}

/// What is said against a line after [`CAST`].
fn flaw(line: &str) -> String {
    let bad = script::parse(&format!("{CAST}{line}\n")).expect_err(line);
    assert_eq!(bad.line, 9, "{bad}");
    assert!(!bad.instead.is_empty());
    bad.to_string()
}

#[test]
fn what_makes_no_sense_is_refused_with_its_line_and_a_better_way() {
    for (line, what, instead) in [
        (
            "aoba delivrs 1 SAKURA from emi to yuki",
            "`delivrs` is nothing that can be asked",
            "delivers",
        ),
        (
            "daichi pays 1 USD from emi to yuki",
            "no party is called `daichi`",
            "furikae admits daichi",
        ),
        ("aoba pays 1 USD from ken to yuki", "no account is called `ken`", "opens account ken"),
        (
            "aoba pays 1 EUR from emi to yuki",
            "no instrument is called `EUR`",
            "lists EUR issued by",
        ),
        ("aoba holds s1", "nothing is called `s1`", "as s1"),
        (
            "aoba pays 1.005 USD from emi to yuki",
            "`1.005` is no quantity with 2 decimals",
            "digits",
        ),
        ("aoba pays 1,00 USD from emi to yuki", "`1,00` is no quantity", "groups of three"),
        ("aoba pays 99999999999999999999 USD from emi to yuki", "is no quantity", "digits"),
        ("aoba pays 1 USD to yuki", "`to` stands where `from` is wanted", "`from`"),
        ("aoba pays 1 USD from emi", "the line ends too early", "`to`"),
        ("aoba pays 1 USD from emi to yuki quickly", "`quickly` is too much", "end the line"),
        ("aoba pays 1 USD from emi to yuki priority urgent", "`urgent` is no priority", "high"),
        ("aoba pays 1 USD from emi to yuki settling tomorrow", "`tomorrow` is no date", "today+2"),
        (
            "aoba pays 1 USD from emi to yuki settling 2026-02-30",
            "`2026-02-30` is no date",
            "today",
        ),
        ("aoba pays 1 USD from emi to yuki as", "the line ends too early", "a name"),
        ("aoba pays 1 USD from emi to yuki as a:b", "`a:b` is no name", "letters"),
        ("aoba pays 1 USD from emi to yuki ref \"x", "a quotation is not closed", "\""),
        ("aoba/x pays 1 USD from emi to yuki", "`aoba/x` names no key", "PARTY/NUMBER"),
        ("furikae admits x as king", "`king` is no role", "participant"),
        ("furikae lists sakura issued by sakura", "no ISIN can be made", "its ISIN"),
        ("furikae sets interest to 3", "`interest` is no parameter", "tolerance"),
        ("expect emi holds", "the line ends too early", "a quantity"),
        ("expect nobody is settled", "nothing is called `nobody`", "as nobody"),
        ("wait 3 fortnights", "`fortnights` is no unit of time", "days"),
        ("wait 400 days", "longer than a year", "shorter"),
        ("blocks many", "`many` is no number", "how many blocks"),
        ("today 2026-01-05", "stands after the first step", "opens day"),
        ("end", "`end` without `together`", "`together`"),
        ("together", "`together` is not closed", "`end`"),
    ] {
        let said = flaw(line);
        assert!(said.contains(what) && said.contains(instead), "{line}\n{said}");
    }
    let names: Vec<String> = (0..1_025).map(|it| format!("p{it}")).collect();
    let many = format!("furikae admits {} as participant", names.join(", "));
    assert!(flaw(&many).contains("at most 1024 things"));
    let twice = "aoba pays 1 USD from emi to yuki as p1\naoba pays 1 USD from emi to yuki as p1\n";
    let bad = script::parse(&format!("{CAST}{twice}")).unwrap_err();
    assert!(bad.line == 10 && bad.what.contains("stands for something else"), "{bad}");
    let bad = script::parse(&format!("{CAST}together\nexpect emi holds 1 USD\nend\n")).unwrap_err();
    assert!(bad.line == 10 && bad.what.contains("between `together` and `end`"), "{bad}");
}

#[test]
fn what_does_not_hold_is_told_with_its_line() {
    let report = play(
        "aoba pays 1 USD from emi to yuki as p1
         aoba pays 1 USD from yuki to emi
         aoba pays 1 USD from emi to yuki refused account-unknown
         aoba pays 1 USD from yuki to emi refused account-unknown
         aoba pays 1 USD from yuki to emi refused account-not-managed
         expect p1 is pending
         expect emi holds 1,000.50 USD
         expect yuki holds 2.00 USD
         expect supply of USD is 1",
    );
    let failed = |line, text: &str| Failed { line, text: text.into() };
    assert_eq!(
        report.failed,
        [
            failed(10, "refused, account-not-managed; it should have effect"),
            failed(11, "it has effect; refused, account-unknown was expected"),
            failed(12, "refused, account-not-managed; refused, account-unknown was expected"),
            failed(14, "p1 is settled, expected was pending"),
            failed(15, "emi holds 99850 units of USD, expected were 100050"),
            failed(17, "100050 units of USD are out, expected were 100"),
        ]
    );
    assert_eq!((report.lines, report.refused, report.held), (13, 3, 11));
}

#[test]
fn the_same_words_have_the_same_ids_everywhere() {
    assert_eq!(script::party(script::FOUNDER).0, 1);
    assert_eq!(script::party("aoba").0, 0xe7c4_0ea9);
    assert_eq!(script::account("emi").to_string(), "f97cae6f2c3bb0d000aa1930c32fc1ab");
    assert_ne!(script::secret("aoba", types::KeyId(0)).public(), script::founder().key);
}

#[test]
fn comments_quotations_and_marks_are_read_as_meant() {
    let script = script::parse(
        "# a comment\n\n   furikae admits aoba,botan , ken as participant, csd called \"A # B\" # end",
    );
    assert!(script.is_err(), "a comma inside a word does not part it");
    let text =
        "today 2026-01-07\nfurikae admits aoba, botan as participant, csd called \"A # B\" # end";
    let script = script::parse(text).unwrap();
    assert_eq!(script.date.to_string(), "2026-01-07");
    let Doing::Ask(said) = &script.steps[0].doing else { panic!("it asks") };
    assert_eq!(said[0].instructions.len(), 2);
    let Instruction::AdmitParty { name, roles, .. } = &said[0].instructions[0] else { panic!() };
    assert_eq!((name.as_str(), roles.0), ("A # B", 1 << 7 | 1 << 2));
}
