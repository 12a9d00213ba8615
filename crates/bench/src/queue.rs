//! How long a block takes that touches a few of many waiting instructions.

use std::{
    fmt,
    time::{Duration, Instant},
};

use crypto::Amount;
use ledger::{
    Genesis, Instruction,
    governance::{GenesisParty, Party, Roles},
    issuance::Kind as InstrumentKind,
    memory::Memory,
    settlement::{AgainstPayment, OpenTerms, Pay, Priority, Side, Terms},
};
use types::{
    AccountId, BusinessDate, Cfi, Digest, InstrumentId, KeyId, LedgerTime, PartyId, PublicKey, Text,
};

const TODAY: BusinessDate = BusinessDate(20_000);
const INSTRUMENTS: u64 = 50;
/// The party that holds every role here.
const OPERATOR: PartyId = PartyId(1);

/// Accounts of the published figures, each with a position in the one currency.
pub const ACCOUNTS: u64 = 10_000;
/// Instructions that wait, to compare with: all of them on the accounts that are touched.
pub const FEW: u64 = 100;
/// How many accounts are touched.
pub const TOUCHED: u64 = 10;
/// Instructions that wait.
pub const MANY: u64 = 100_000;
/// Blocks of which the median is told.
pub const RUNS: usize = 101;

/// Why a crowd waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Pairs short of securities and of cash.
    ShortOfBoth,
    /// Pairs whose buyers are short of cash and sell nothing.
    ShortOfCash,
    /// Payments behind a first one that nothing covers.
    BehindTheFirst,
}

/// All of them.
pub const KINDS: [Kind; 3] = [Kind::ShortOfBoth, Kind::ShortOfCash, Kind::BehindTheFirst];

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::ShortOfBoth => "pairs short of securities and of cash",
            Self::ShortOfCash => "pairs short of cash",
            Self::BehindTheFirst => "payments behind a first that is not covered",
        })
    }
}

/// A market with a number of instructions that wait, all in one currency.
pub struct Crowd {
    market: Memory,
    among: u64,
}

impl Crowd {
    /// `accounts` accounts, each holding cash and one of fifty securities, and `waiting` instructions that
    /// wait for one another among the first `among` accounts.
    ///
    /// # Panics
    /// When the crowd does not wait.
    #[must_use]
    pub fn new(kind: Kind, accounts: u64, among: u64, waiting: u64) -> Self {
        let mut market = market();
        let mut setup: Vec<Instruction> = (0..INSTRUMENTS).map(list).collect();
        setup.push(list_as(yen(), InstrumentKind::OpenMoney));
        setup.extend((0..=accounts).map(open));
        setup.extend((0..accounts).map(|it| issue(account(it), 10)));
        block(&mut market, &setup);
        if kind == Kind::ShortOfCash {
            give_securities(&mut market, accounts);
        }
        let crowd: Vec<Instruction> = match kind {
            Kind::ShortOfBoth | Kind::ShortOfCash => {
                (0..waiting / 2).flat_map(|pair| sides(kind, among, pair)).collect()
            }
            Kind::BehindTheFirst => (0..waiting).map(|it| behind(accounts, among, it)).collect(),
        };
        for some in crowd.chunks(1_000) {
            block(&mut market, some);
        }
        (0..200).for_each(|_| block(&mut market, &[]));
        let wait = market.rows().keys().filter(|it| it.kind() == ledger::row::kind::INSTRUCTION);
        assert_eq!(wait.count() as u64, waiting, "the crowd waits");
        Self { market, among }
    }

    fn one_block(&mut self, run: u64) -> Duration {
        let market = &mut self.market;
        let to = |it: u64| (run * TOUCHED + it) * 7 % self.among;
        let asked: Vec<Instruction> = (0..TOUCHED).map(|it| issue(account(to(it)), 1)).collect();
        let envelopes = [market.envelope(OPERATOR, KeyId(0), asked)];
        let start = Instant::now();
        let told = market.block(&envelopes);
        let took = start.elapsed();
        let settles = |it: &ledger::Event| matches!(it, ledger::Event::Settled { .. });
        assert!(
            told.is_ok_and(|it| it.len() as u64 == TOUCHED && !it.iter().any(settles)),
            "ten are credited"
        );
        took
    }
}

/// Times one block that credits ten accounts on which others wait, in each of these: the medians of `runs`, which
/// go through the accounts one after the other, and take turns, so that the machine is the same for all.
pub fn touch_ten<const N: usize>(crowds: &mut [Crowd; N], runs: usize) -> [Duration; N] {
    let mut times = [const { Vec::new() }; N];
    for run in 0..runs as u64 {
        for (crowd, times) in crowds.iter_mut().zip(&mut times) {
            times.push(crowd.one_block(run));
        }
    }
    times.map(|mut it: Vec<Duration>| {
        it.sort();
        it[it.len() / 2]
    })
}

/// A market whose only party holds every role.
fn market() -> Memory {
    let row = Party {
        lei: types::Lei::parse("5493001KJTIIGC8Y1R12").expect("a valid LEI"),
        name: Text::default(),
        roles: Roles::ALL,
        suspended: false,
    };
    Memory::begin(&Genesis {
        name: Text::default(),
        time: LedgerTime(1),
        date: TODAY,
        epoch_blocks: 1_000,
        leader: 0,
        parties: vec![GenesisParty { party: OPERATOR, row, key: PublicKey([0; 32]) }],
        validators: Vec::new(),
        parameters: Vec::new(),
    })
}

/// One block in which the operator asks all of this.
fn block(market: &mut Memory, asked: &[Instruction]) {
    let mut envelopes = Vec::new();
    for some in asked.chunks(usize::from(ledger::INSTRUCTIONS_MAX)) {
        let mut envelope = market.envelope(OPERATOR, KeyId(0), some.to_vec());
        envelope.sequence += envelopes.len() as u64;
        envelopes.push(envelope);
    }
    let told = market.block(&envelopes).expect("admissible");
    let refused = told.iter().find(|it| matches!(it, ledger::Event::Refused { .. }));
    assert_eq!(refused, None, "a market of its own");
}

/// Enough of each security for everybody who may sell it.
fn give_securities(market: &mut Memory, accounts: u64) {
    let requests: Vec<Instruction> = (0..accounts)
        .map(|it| Instruction::RequestIssue {
            instrument: security(it % INSTRUMENTS),
            account: account(it),
            quantity: Amount::Open(1 << 40),
        })
        .collect();
    for some in requests.chunks(1_000) {
        let ids: Vec<_> = market.envelope(OPERATOR, KeyId(0), some.to_vec()).ids().collect();
        block(market, some);
        let decide = |request| Instruction::DecideRequest { request, approved: true };
        block(market, &ids.into_iter().map(decide).collect::<Vec<_>>());
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
    list_as(security(number), InstrumentKind::OpenSecurity)
}

fn list_as(instrument: InstrumentId, kind: InstrumentKind) -> Instruction {
    let cfi = Cfi::parse("ESVUFR").expect("a valid CFI");
    let name = Text::default();
    Instruction::List { instrument, kind, scale: 0, issuer: OPERATOR, name, cfi, sign_off: false }
}

fn open(number: u64) -> Instruction {
    Instruction::OpenAccount {
        account: account(number),
        spend_key: PublicKey([0; 32]),
        view_key: PublicKey([0; 32]),
        envelope_key: PublicKey([0; 32]),
        class: 0,
        holder: Digest([0; 32]),
        holder_number: [0; 16],
    }
}

fn issue(account: AccountId, amount: i64) -> Instruction {
    Instruction::IssueMoney { currency: yen(), account, amount: Amount::Open(amount) }
}

/// Payment number `number`: the first of each account is one that nothing covers, to an account that pays
/// nobody; the others are small.
fn behind(accounts: u64, among: u64, number: u64) -> Instruction {
    let from = number % among;
    let other = (from * 7_919 + number / among * 104_729 + 1) % among;
    Instruction::Pay(Pay {
        from: account(from),
        to: account(if number < among { accounts } else { other }),
        currency: yen(),
        amount: Amount::Open(if number < among { 1 << 40 } else { 5 }),
        intended_date: TODAY,
        priority: Priority::Normal,
        hold: false,
        reference: Text::default(),
    })
}

/// Both sides of pair number `pair`, between two accounts spread over all.
fn sides(kind: Kind, among: u64, pair: u64) -> [Instruction; 2] {
    let seller = pair * 7_919 % among;
    let buyer = (pair * 104_729 + 1) % among;
    let (seller, buyer) = match kind {
        Kind::ShortOfCash => (seller / 2 * 2, buyer / 2 * 2 + 1),
        _ if buyer == seller => (seller, (buyer + 1) % among),
        _ => (seller, buyer),
    };
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
        for kind in KINDS {
            let [took] = touch_ten(&mut [Crowd::new(kind, 30, 20, 100)], 1);
            assert!(took > Duration::ZERO);
        }
    }
}
