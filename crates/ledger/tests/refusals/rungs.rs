//! What ladders stand on: a market, and how one is walked.

use crypto::Amount;
use ledger::{Envelope, Event, Instruction, Reject, memory::Memory, script};
use types::{InstructionId, InstrumentId, KeyId, LedgerTime, PartyId, Wire};

/// A sealed amount.
pub fn sealed() -> Amount {
    let handles = crypto::Handles::new(vec![[2; 32]; 4]).unwrap();
    Amount::Sealed(crypto::Sealed { commitment: [1; 32], handles })
}

/// An open one.
pub const fn open(units: i64) -> Amount {
    Amount::Open(units)
}

/// Who and what the ladders' market has. `slow` and `lapsed` are suspended; `watcher` only observes.
const CAST: &str = "
furikae  admits aoba, botan, lapsed as participant
furikae  admits kinjo, ginko as settlement-bank
furikae  admits sakura, fuji as issuer
furikae  admits watcher, slow as observer
aoba     opens accounts emi, aoba-cash
botan    opens accounts yuki, botan-cash
lapsed   opens account frozen
furikae  lists SAKURA issued by sakura
furikae  lists FUJI issued by fuji sign-off
furikae  lists JPY issued by kinjo
sakura   requests issue of 100 SAKURA to emi   as r1
furikae  approves r1
fuji     requests issue of 100 FUJI to emi   as r2
furikae  approves r2
kinjo    issues 1,000 JPY to botan-cash
furikae  opens day 2026-01-06
furikae  suspends slow
furikae  suspends lapsed
";

/// The market of the ladders.
pub fn market() -> Memory {
    let script = script::parse(CAST).unwrap();
    let mut market = Memory::of(&script);
    let report = market.play(&script);
    assert_eq!(report.failed, []);
    market
}

/// What a line asks after those of the market.
pub fn said(line: &str) -> Instruction {
    let script = script::parse(&format!("{CAST}{line}\n")).unwrap_or_else(|bad| panic!("{bad}"));
    let script::Doing::Ask(said) = &script.steps.last().unwrap().doing else { panic!("{line}") };
    said[0].instructions[0].clone()
}

/// The instrument of a name or a currency.
pub fn named(word: &str) -> InstrumentId {
    if word == "JPY" || word == "USD" {
        return InstrumentId::parse(word).unwrap();
    }
    let isin = types::Isin::complete(&format!("JP{word:0>9}")).unwrap();
    InstrumentId::parse(isin.as_str()).unwrap()
}

/// An instruction with all its faults, and who asks it how.
#[derive(Clone)]
pub struct Asked {
    pub sender: PartyId,
    pub expired: bool,
    pub what: Instruction,
}

/// One rung: the code that is told, and what mends it.
pub type Rung<'a> = (&'a str, &'a dyn Fn(&mut Asked));

/// Mends one field of the instruction: `mend!(Pay(it) => it.amount = open(1))`.
macro_rules! mend {
    ($variant:pat => $mended:expr) => {
        &|asked: &mut $crate::rungs::Asked| {
            #[allow(irrefutable_let_patterns, reason = "one macro for all")]
            #[allow(unused_parens, reason = "patterns of one variant and of several")]
            let ($variant) = &mut asked.what else { panic!("another instruction") };
            $mended;
        }
    };
}
pub(crate) use mend;

/// Asks, and gives the id and why it was refused.
pub fn ask(market: &mut Memory, asked: &Asked) -> (InstructionId, Option<Reject>) {
    let envelope = market.envelope(asked.sender, KeyId(0), vec![asked.what.clone()]);
    let expiry = if asked.expired { LedgerTime(1) } else { envelope.expiry };
    let envelope = Envelope { expiry, ..envelope };
    let id = envelope.ids().next().unwrap();
    let events = market.block(&[envelope]).unwrap();
    let refused = events.into_iter().find_map(|it| match it {
        Event::Refused { instruction, reject } if instruction == id => Some(reject),
        _ => None,
    });
    (id, refused)
}

/// Asks something that has effect.
pub fn must(market: &mut Memory, sender: &str, what: Instruction) -> InstructionId {
    let asked = Asked { sender: script::party(sender), expired: false, what };
    let (id, refused) = ask(market, &asked);
    assert_eq!(refused, None, "{:?}", asked.what);
    id
}

/// Walks a ladder: `worst` has every fault of `rungs`, is expired, and is asked by somebody
/// who is suspended. When all is mended, `sender` asks it and it has effect.
///
/// A sealed amount where only an open one may be comes before all others; an account or an instrument that may not be
/// there is told where it is looked at. The first `role-missing` is that of the sender.
pub fn walk(market: &Memory, sender: &str, worst: Instruction, rungs: &[Rung<'_>]) {
    let sealed = rungs.iter().take_while(|it| it.0 == "sealed-not-allowed").count();
    let (first, rest) = rungs.split_at(sealed);
    let outside = rungs.iter().any(|it| it.0 == "role-missing");
    let begins = script::party(if outside { "watcher" } else { sender });
    let common: [Rung<'_>; 2] = [
        ("expired", &|it: &mut Asked| it.expired = false),
        ("party-suspended", &|it: &mut Asked| it.sender = begins),
    ];
    let mut asked = Asked { sender: script::party("slow"), expired: true, what: worst };
    let (mut of_sender, mut told): (Vec<u8>, Vec<u8>) = Default::default();
    for (code, mend) in first.iter().chain(&common).chain(rest) {
        let (_, refused) = ask(&mut market.clone(), &asked);
        let refused = refused.unwrap_or_else(|| panic!("{code} is not told: {:?}", asked.what));
        assert_eq!(refused.code(), *code, "{:?}", asked.what);
        if *code == "role-missing" && asked.sender == script::party("watcher") {
            of_sender.push(rank(&refused));
            asked.sender = script::party(sender);
            continue;
        }
        let common = common.iter().chain(first).any(|it| it.0 == *code);
        if common {
            of_sender.push(rank(&refused));
        } else if refused != Reject::SealedNotAllowed {
            told.push(rank(&refused));
        }
        mend(&mut asked);
    }
    let (_, refused) = ask(&mut market.clone(), &asked);
    assert_eq!(refused, None, "mended, it has effect: {:?}", asked.what);
    assert!(of_sender.is_sorted(), "refusals come in the order of the list: {of_sender:?}");
    assert!(told.is_sorted(), "refusals come in the order of the list: {told:?}");
}

/// The place of a refusal in the list. What is asked of one account is asked before the next is looked at.
fn rank(reject: &Reject) -> u8 {
    match reject {
        Reject::AccountNotManaged { .. } | Reject::AccountNotEligible { .. } => {
            Reject::AccountUnknown { account: script::account("any") }.to_bytes()[0]
        }
        other => other.to_bytes()[0],
    }
}

/// Nothing to mend but the sender.
pub fn nothing(_: &mut Asked) {}
