//! How long a block takes that touches a few of many waiting instructions.

use std::time::{Duration, Instant};

use crypto::Amount;
use ledger::{
    Event, Instruction,
    issuance::Kind,
    settlement::{AgainstPayment, OpenTerms, Pay, Priority, Side, Terms},
};
use types::{AccountId, BusinessDate, Cfi, Digest, InstrumentId, PublicKey, Text};

use crate::book::{Book, OPERATOR};

const TODAY: BusinessDate = BusinessDate(20_000);
const INSTRUMENTS: u64 = 50;

/// A book with a number of matched pairs that wait, each short of cash and of securities.
pub struct Crowd {
    book: Book,
    accounts: u64,
}

impl Crowd {
    /// `accounts` accounts, each holding cash and one of fifty securities (two positions an account),
    /// and `pairs` matched pairs between them, in one currency.
    #[must_use]
    pub fn new(accounts: u64, pairs: u64) -> Self {
        let mut book = Book::new();
        let mut setup: Vec<Instruction> = (0..INSTRUMENTS).map(list).collect();
        setup.push(list_money());
        setup.extend((0..accounts).map(open));
        setup.extend((0..accounts).map(|it| issue(account(it), 10)));
        book.block(setup);
        let sides = (0..pairs).flat_map(|pair| sides(accounts, pair));
        let sides: Vec<Instruction> = sides.collect();
        for some in sides.chunks(1_000) {
            book.block(some.to_vec());
        }
        (0..200).for_each(|_| drop(book.block(Vec::new())));
        Self { book, accounts }
    }

    /// Times one block of ten payments that each credit an account others wait on: the median of `runs`.
    #[must_use]
    pub fn touch_ten(&self, runs: usize) -> Duration {
        let mut times: Vec<Duration> = (0..runs as u64).map(|run| self.one_block(run)).collect();
        times.sort();
        times[times.len() / 2]
    }

    fn one_block(&self, run: u64) -> Duration {
        let mut book = self.book.clone();
        let to = |it: u64| (run * 10 + it) * 7 % self.accounts;
        let asked = (0..10).map(|it| pay((to(it) + 3) % self.accounts, to(it))).collect();
        let start = Instant::now();
        book.block(asked);
        start.elapsed()
    }
}

fn account(number: u64) -> AccountId {
    AccountId((u128::from(number) | 1 << 127).to_be_bytes())
}

fn security(number: u64) -> InstrumentId {
    let body = format!("JP{:09}", 300_000_000 + number);
    let digit = (0..10).find_map(|digit| types::Isin::parse(&format!("{body}{digit}")).ok());
    InstrumentId::parse(&digit.expect("one digit is the check digit").to_string()).expect("an ISIN")
}

fn yen() -> InstrumentId {
    InstrumentId::of_currency(*b"JPY")
}

fn list(number: u64) -> Instruction {
    list_as(security(number), Kind::OpenSecurity)
}

fn list_money() -> Instruction {
    list_as(yen(), Kind::OpenMoney)
}

fn list_as(instrument: InstrumentId, kind: Kind) -> Instruction {
    let cfi = Cfi::parse("ESVUFR").expect("a valid CFI");
    let name = Text::default();
    Instruction::List { instrument, kind, scale: 0, issuer: OPERATOR, name, cfi, sign_off: false }
}

fn open(number: u64) -> Instruction {
    Instruction::OpenAccount {
        account: account(number),
        spend_key: PublicKey([0; 32]),
        view_key: PublicKey([0; 32]),
        class: 0,
        holder: Digest([0; 32]),
        holder_number: [0; 16],
    }
}

fn issue(account: AccountId, amount: i64) -> Instruction {
    Instruction::IssueMoney { currency: yen(), account, amount: Amount::Open(amount) }
}

fn pay(from: u64, to: u64) -> Instruction {
    Instruction::Pay(Pay {
        from: account(from),
        to: account(to),
        currency: yen(),
        amount: Amount::Open(1),
        intended_date: TODAY,
        priority: Priority::Normal,
        hold: false,
        reference: Text::default(),
    })
}

/// Both sides of pair number `pair`, between two accounts spread over all.
fn sides(accounts: u64, pair: u64) -> [Instruction; 2] {
    let seller = pair * 7_919 % accounts;
    let buyer = (pair * 104_729 + 1) % accounts;
    let (seller, buyer) = (seller, if buyer == seller { (buyer + 1) % accounts } else { buyer });
    let terms = |side, mine, other| {
        Instruction::Settle(Terms::Open(OpenTerms {
            side,
            trade_date: TODAY,
            intended_date: TODAY,
            instrument: security(seller % INSTRUMENTS),
            quantity: Amount::Open(100 + i64::try_from(pair).expect("small")),
            account: account(mine),
            counterparty: OPERATOR,
            counterparty_account: account(other),
            payment: Some(AgainstPayment {
                account: account(mine),
                amount: Amount::Open(1_000),
                currency: yen(),
            }),
            priority: Priority::Normal,
            partial: false,
            hold: false,
            reference: Text::default(),
            common_reference: Text::default(),
            trade: None,
        }))
    };
    [terms(Side::Deliver, seller, buyer), terms(Side::Receive, buyer, seller)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_crowd_waits_and_a_touch_settles_nothing() {
        let crowd = Crowd::new(20, 50);
        assert!(crowd.touch_ten(1) > Duration::ZERO);
    }

    #[test]
    #[ignore = "a measurement: cargo test --release -p bench -- --ignored --nocapture"]
    fn touching_ten_of_many() {
        let few = Crowd::new(5_000, 50).touch_ten(101);
        let many = Crowd::new(5_000, 50_000).touch_ten(101);
        println!("100 waiting {few:?}, 100,000 waiting {many:?}");
    }
}
