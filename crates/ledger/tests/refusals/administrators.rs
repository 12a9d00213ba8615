//! Ladders of what administrators, issuers and the settlement bank ask.

use ledger::{
    Instruction as I,
    governance::{OPERATOR, ParameterName, Roles},
    issuance::Kind,
    script,
};
use types::{BusinessDate, KeyId, PublicKey, Text, Validator};

use crate::rungs::{market, mend, must, named, nothing, open, said, sealed, walk};

#[test]
fn admit_party() {
    let mut worst = said("furikae admits newcomer as participant");
    let I::AdmitParty { party, roles, .. } = &mut worst else { panic!() };
    (*party, *roles) = (script::party("aoba"), Roles(1 << 10));
    walk(
        &market(),
        "furikae",
        worst,
        &[
            ("role-missing", &nothing),
            ("roles-unknown", mend!(I::AdmitParty { roles, .. } => *roles = Roles(0))),
            ("roles-unknown", mend!(I::AdmitParty { roles, .. } => *roles = Roles::PARTICIPANT)),
            ("party-exists", mend!(I::AdmitParty { party, .. } => *party = OPERATOR)),
            (
                "party-exists",
                mend!(I::AdmitParty { party, .. } => *party = script::party("newcomer")),
            ),
        ],
    );
}

#[test]
fn suspend_party() {
    walk(
        &market(),
        "furikae",
        said("furikae suspends ?nobody"),
        &[
            ("role-missing", &nothing),
            (
                "party-unknown",
                mend!(I::SuspendParty { party, .. } => *party = script::party("aoba")),
            ),
        ],
    );
}

#[test]
fn keys() {
    walk(
        &market(),
        "furikae",
        said("furikae adds key 0 to ?nobody"),
        &[
            ("role-missing", &nothing),
            ("party-unknown", mend!(I::AddKey { party, .. } => *party = script::party("aoba"))),
            ("key-exists", mend!(I::AddKey { key, .. } => *key = KeyId(1))),
        ],
    );
    walk(
        &market(),
        "aoba",
        said("aoba adds key 0 to aoba"),
        &[
            ("role-missing", &nothing),
            ("key-exists", mend!(I::AddKey { key, .. } => *key = KeyId(1))),
        ],
    );
    walk(
        &market(),
        "furikae",
        said("furikae revokes key 5 of aoba"),
        &[
            ("role-missing", &nothing),
            ("key-unknown", mend!(I::RevokeKey { key, .. } => *key = KeyId(0))),
        ],
    );
    let mut market = market();
    must(&mut market, "furikae", said("furikae revokes key 0 of aoba"));
    walk(
        &market,
        "furikae",
        said("furikae revokes key 0 of aoba"),
        &[
            ("role-missing", &nothing),
            ("key-unknown", mend!(I::RevokeKey { party, .. } => *party = script::party("botan"))),
        ],
    );
}

#[test]
fn set_parameter() {
    for (name, bad, good) in [
        (ParameterName::Threshold { verb: 0 }, [0, 17], 16),
        (ParameterName::Tolerance { currency: named("JPY") }, [-1, i64::MIN], i64::MAX),
        (ParameterName::AffirmWithin, [999, 366 * 86_400_000 + 1], 1_000),
        (ParameterName::MatchWithin, [-1, i64::MAX], 366 * 86_400_000),
    ] {
        walk(
            &market(),
            "furikae",
            I::SetParameter { name, value: bad[0] },
            &[
                ("role-missing", &nothing),
                ("parameter-out-of-range", mend!(I::SetParameter { value, .. } => *value = bad[1])),
                ("parameter-out-of-range", mend!(I::SetParameter { value, .. } => *value = good)),
            ],
        );
    }
    walk(
        &market(),
        "furikae",
        I::SetParameter { name: ParameterName::BusinessDate, value: 1 },
        &[
            ("role-missing", &nothing),
            (
                "parameter-out-of-range",
                mend!(I::SetParameter { name, .. } => {
                    *name = ParameterName::Threshold { verb: 9 };
                }),
            ),
        ],
    );
}

fn validator(number: u8, party: &str) -> Validator {
    let address = Text::new("10.0.0.1:7000").unwrap();
    Validator { key: PublicKey([number; 32]), party: script::party(party), address }
}

#[test]
fn set_validators() {
    let many = |count: u8| (0..count).map(|it| validator(it, "aoba")).collect::<Vec<_>>();
    let mut worst = many(100);
    worst.push(validator(100, "nobody"));
    walk(
        &market(),
        "furikae",
        I::SetValidators { validators: worst },
        &[
            ("role-missing", &nothing),
            ("party-unknown", mend!(I::SetValidators { validators } => *validators = many(101))),
            (
                "validators-not-allowed",
                mend!(I::SetValidators { validators } => validators.clear()),
            ),
            (
                "validators-not-allowed",
                mend!(I::SetValidators { validators } => {
                    *validators = vec![validator(1, "aoba"), validator(1, "botan")];
                }),
            ),
            (
                "validators-not-allowed",
                mend!(I::SetValidators { validators } => *validators = many(100)),
            ),
        ],
    );
}

#[test]
fn open_day() {
    walk(
        &market(),
        "furikae",
        said("furikae opens day 2026-01-05"),
        &[
            ("role-missing", &nothing),
            ("date-not-allowed", mend!(I::OpenDay { date } => *date = BusinessDate(date.0 + 1))),
            ("date-not-allowed", mend!(I::OpenDay { date } => *date = BusinessDate(date.0 + 1))),
        ],
    );
}

#[test]
fn several_administrators() {
    let mut market = market();
    must(&mut market, "furikae", said("furikae sets threshold of suspends to 2"));
    must(&mut market, "furikae", said("furikae suspends aoba"));
    walk(
        &market,
        "furikae",
        said("furikae suspends aoba"),
        &[
            ("role-missing", &nothing),
            ("already-approved", mend!(I::SuspendParty { suspended, .. } => *suspended = false)),
        ],
    );
}

#[test]
fn list() {
    let mut worst = said("furikae lists MINATO issued by sakura");
    let I::List { instrument: listed, kind, scale, issuer, .. } = &mut worst else { panic!() };
    (*listed, *kind, *scale) = (named("JPY"), Kind::SealedSecurity, 13);
    *issuer = script::party("nobody");
    walk(
        &market(),
        "furikae",
        worst,
        &[
            ("role-missing", &nothing),
            ("party-unknown", mend!(I::List { issuer, .. } => *issuer = script::party("kinjo"))),
            ("role-missing", mend!(I::List { issuer, .. } => *issuer = script::party("sakura"))),
            ("instrument-invalid", mend!(I::List { instrument: it, .. } => *it = named("SAKURA"))),
            ("instrument-invalid", mend!(I::List { scale, .. } => *scale = 12)),
            ("instrument-exists", mend!(I::List { instrument: it, .. } => *it = named("MINATO"))),
        ],
    );
}

#[test]
fn request() {
    for line in [
        "sakura requests issue of 0 FUJI to ?nobody",
        "sakura requests redemption of 0 FUJI from ?nobody",
    ] {
        let mut worst = said(line);
        let (I::RequestIssue { instrument: of, quantity, .. }
        | I::RequestRedeem { instrument: of, quantity, .. }) = &mut worst
        else {
            panic!()
        };
        (*of, *quantity) = (named("JPY"), sealed());
        macro_rules! either {
            ($field:ident = $value:expr) => {
                mend!(I::RequestIssue { $field, .. } | I::RequestRedeem { $field, .. } => *$field = $value)
            };
        }
        walk(
            &market(),
            "sakura",
            worst,
            &[
                ("sealed-not-allowed", either!(quantity = open(0))),
                ("role-missing", &nothing),
                ("account-unknown", either!(account = script::account("emi"))),
                ("instrument-unknown", either!(instrument = named("MINATO"))),
                ("instrument-unknown", either!(instrument = named("FUJI"))),
                ("not-issuer", either!(instrument = named("SAKURA"))),
                ("quantity-not-positive", either!(quantity = open(-1))),
                ("quantity-not-positive", either!(quantity = open(1))),
            ],
        );
    }
}

#[test]
fn decide_request() {
    let mut market = market();
    let request = must(&mut market, "sakura", said("sakura requests issue of 1 SAKURA to emi"));
    walk(
        &market,
        "furikae",
        said("furikae approves ?r"),
        &[
            ("role-missing", &nothing),
            ("request-unknown", mend!(I::DecideRequest { request: it, .. } => *it = request)),
        ],
    );
    let most = said("sakura requests issue of 9,223,372,036,854,775,807 SAKURA to emi");
    let most = must(&mut market, "sakura", most);
    let more = said("sakura requests redemption of 101 SAKURA from emi");
    let more = must(&mut market, "sakura", more);
    walk(
        &market,
        "furikae",
        I::DecideRequest { request: most, approved: true },
        &[
            ("role-missing", &nothing),
            ("amounts-do-not-add", mend!(I::DecideRequest { request: it, .. } => *it = more)),
            ("position-not-covered", mend!(I::DecideRequest { approved, .. } => *approved = false)),
        ],
    );
}

#[test]
fn issue_money() {
    let mut worst = said("ginko issues 0 JPY to ?nobody");
    let I::IssueMoney { currency, amount, .. } = &mut worst else { panic!() };
    (*currency, *amount) = (named("USD"), sealed());
    walk(
        &market(),
        "kinjo",
        worst,
        &[
            ("sealed-not-allowed", mend!(I::IssueMoney { amount, .. } => *amount = open(0))),
            ("role-missing", &nothing),
            (
                "account-unknown",
                mend!(I::IssueMoney { account, .. } => *account = script::account("frozen")),
            ),
            (
                "account-not-eligible",
                mend!(I::IssueMoney { account, .. } => *account = script::account("emi")),
            ),
            (
                "instrument-unknown",
                mend!(I::IssueMoney { currency, .. } => *currency = named("SAKURA")),
            ),
            (
                "instrument-unknown",
                mend!(I::IssueMoney { currency, .. } => *currency = named("JPY")),
            ),
            ("quantity-not-positive", mend!(I::IssueMoney { amount, .. } => *amount = open(-5))),
            (
                "quantity-not-positive",
                mend!(I::IssueMoney { amount, .. } => *amount = open(i64::MAX)),
            ),
            ("amounts-do-not-add", mend!(I::IssueMoney { amount, .. } => *amount = open(7))),
        ],
    );
    walk(
        &market(),
        "ginko",
        said("ginko issues 1 JPY to emi"),
        &[("role-missing", &nothing), ("not-issuer", &|it| it.sender = script::party("kinjo"))],
    );
}

#[test]
fn sign_off() {
    let mut market = market();
    let unmatched = must(&mut market, "aoba", said("aoba delivers 1 FUJI from emi to yuki"));
    let pair = must(&mut market, "aoba", said("aoba delivers 2 FUJI from emi to yuki"));
    must(&mut market, "botan", said("botan receives 2 FUJI into yuki from emi"));
    walk(
        &market,
        "furikae",
        said("furikae signs off ?s"),
        &[
            ("role-missing", &nothing),
            (
                "instruction-unknown",
                mend!(I::SignOff { instruction, .. } => *instruction = unmatched),
            ),
            ("not-in-this-state", mend!(I::SignOff { instruction, .. } => *instruction = pair)),
        ],
    );
}

#[test]
fn attest_instrument() {
    walk(
        &market(),
        "sakura",
        said("sakura attests registry of ?EUR"),
        &[
            (
                "instrument-unknown",
                mend!(I::AttestInstrument { instrument: it } => *it = named("FUJI")),
            ),
            ("not-issuer", mend!(I::AttestInstrument { instrument: it } => *it = named("SAKURA"))),
        ],
    );
}
