//! Reading a market: positions and instructions.

use std::collections::BTreeMap;

use clap::{Args, builder::PossibleValuesParser};
use crypto::proof::Proof;
use gateway::{Follower, Standing, View};
use ledger::settlement::{Instructed, Status};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use types::{AccountId, InstructionId, InstrumentId, PartyId, Sender};

use crate::{
    arguments::{Door, Positions},
    as_of::{self, Wanted},
    door,
    facts::Facts,
    failure::{Failure, Result},
    output::Output,
};

/// `furikae instructions`
#[derive(Debug, Args)]
pub struct Instructions {
    /// Only those of this party
    #[arg(long = "as", value_name = "PARTY")]
    pub party: Option<String>,
    /// Only those in this state
    #[arg(long, value_name = "STATUS", value_parser = PossibleValuesParser::new(statuses()))]
    pub status: Option<String>,
    #[command(flatten)]
    pub door: Door,
    #[command(flatten)]
    pub output: Output,
}

/// The party of this word: of the demo's table, its number, or `party-NUMBER`.
///
/// # Errors
/// Malformed, when it is none of them.
pub fn party(word: &str) -> Result<PartyId> {
    let known = Facts::read()?.parties.iter().find(|it| it.word == word).map(|it| it.party);
    let number = || word.strip_prefix("party-").unwrap_or(word).parse().ok().map(PartyId);
    known.or_else(number).ok_or_else(|| {
        Failure::malformed(format_args!("no party is called {word:?}")).mend("name its number")
    })
}

/// `value` with the height and the time at which it stood.
pub fn dated(view: &View, mut value: Value) -> Value {
    if let Some(object) = value.as_object_mut() {
        object.insert("height".into(), json!(view.height()));
        object.insert("time".into(), json!(door::shown(view.time())));
    }
    value
}

/// Prints `value`, whose rows are those under `list`.
///
/// # Errors
/// As [`Output::print`].
pub fn print(output: Output, value: &Value, list: &str, columns: &[&str]) -> Result<()> {
    let rows: Vec<Value> = value.get(list).and_then(Value::as_array).cloned().unwrap_or_default();
    output.print(value, columns, &rows)
}

/// The instrument of this code.
///
/// # Errors
/// Malformed, when it is none.
pub fn instrument(text: &str) -> Result<InstrumentId> {
    InstrumentId::parse(text)
        .ok_or_else(|| Failure::malformed(format_args!("{text:?} is neither ISIN nor currency")))
}

/// `furikae positions`.
///
/// # Errors
/// Malformed, when a name makes no sense. Unreachable, when the market is. No, when the moment is not yet.
/// With a certificate, as [`as_of::place`], [`must_hold`] and [`as_of::prove`].
pub fn positions(runtime: &Runtime, asked: &Positions) -> Result<()> {
    let manager = asked.party.as_deref().map(party).transpose()?;
    let account = asked.account.as_deref().map(|it| {
        let bad =
            || Failure::malformed(format_args!("--account {it}: 32 hexadecimal digits are wanted"));
        AccountId::parse_hex(it).ok_or_else(bad)
    });
    let account = account.transpose()?;
    let named = asked.instrument.as_deref().map(instrument).transpose()?;
    let value = runtime.block_on(async {
        let mut follower = door::look(&asked.door, asked.as_of.as_deref()).await?;
        let view = follower.view();
        let mut value = dated(view, positions_of(view, manager, account, named));
        if let (Some(out), Some(account), Some(moment)) =
            (&asked.certificate, account, &asked.as_of)
        {
            let place = as_of::place(view, account, named)?;
            if let Some(least) = &asked.at_least {
                must_hold(view, place, least)?;
            }
            let wanted = Wanted::position(place);
            let by = (&asked.door, asked.party.as_deref());
            let (proof, said) = as_of::prove(&wanted, &mut follower, moment, by).await?;
            value["certificate"] = json!(as_of::write(out, &Proof::AsOf(proof), &said)?);
        }
        Ok::<_, Failure>(value)
    })?;
    let columns = ["account", "instrument", "available", "earmarked"];
    print(asked.output, &value, "positions", &columns)
}

/// Refuses to prove a position that is smaller than `least`.
///
/// # Errors
/// Malformed, when that is no quantity of the instrument. No, when the position is smaller.
fn must_hold(view: &View, place: (AccountId, InstrumentId), least: &str) -> Result<()> {
    let (account, instrument) = place;
    let scale = view.scale(instrument).unwrap_or_default();
    let wanted = gateway::fields::units(least, scale).ok_or_else(|| {
        let what = format_args!("--at-least {least}: no quantity of {instrument}");
        Failure::malformed(what).mend(format_args!("a decimal with at most {scale} places"))
    })?;
    let held = view.available(account, instrument);
    if held < wanted {
        let held = view.decimal(instrument, held);
        return Err(Failure::no(format_args!("the account held {held}, not {least} or more")));
    }
    eprintln!("amounts are open: the file shows how much it was, not only that it was enough");
    Ok(())
}

/// The positions of accounts, all or of one manager, all or one, in all instruments or one. Nothing can be
/// earmarked yet, so nothing is.
pub fn positions_of(
    view: &View,
    manager: Option<PartyId>,
    account: Option<AccountId>,
    named: Option<InstrumentId>,
) -> Value {
    let held = view.positions().filter(|it| account.is_none_or(|wanted| wanted == it.0));
    let held = held.filter(|it| named.is_none_or(|wanted| wanted == it.1));
    let held = held.filter(|it| manager.is_none() || view.manager(it.0) == manager);
    let list: Vec<_> = held
        .map(|(account, instrument, units)| {
            json!({"account": account.to_string(), "instrument": instrument.to_string(),
                "available": view.decimal(instrument, units), "earmarked": view.decimal(instrument, 0)})
        })
        .collect();
    json!({"positions": list})
}

/// What became of an instruction that has no state: it was refused, or had its effect at once.
const REFUSED: &str = "refused";
const DONE: &str = "done";

/// The states that an instruction may be in.
fn statuses() -> impl Iterator<Item = &'static str> {
    Status::ALL.iter().map(Status::name).chain([REFUSED, DONE])
}

/// Where an instruction stands.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct State {
    id: String,
    /// A name that stays; `done` for what has its effect at once.
    pub status: String,
    /// Why, where there is a reason.
    pub reason: Option<Reason>,
    /// In which block that was told.
    height: Option<u64>,
}

/// A reason, for programs and for people.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    code: String,
    text: String,
}

/// Where an instruction of a block stands, as blocks tell it.
pub fn state(view: &View, id: InstructionId) -> State {
    let told = view.told(&id);
    let (status, reason) = match told.map(|it| &it.standing) {
        None => (DONE, None),
        Some(Standing::Is(status)) => (status.name(), status.iso().map(|iso| (iso, status.name()))),
        Some(Standing::Refused(reject)) => {
            (REFUSED, Some((reject.iso().unwrap_or("NARR"), reject.code())))
        }
    };
    let reason = reason.map(|(code, text)| Reason { code: code.into(), text: text.into() });
    State { id: id.to_string(), status: status.into(), reason, height: told.map(|it| it.height) }
}

/// `furikae instructions`.
///
/// # Errors
/// Malformed, when there is no such party. Unreachable, when the market is.
pub fn instructions(runtime: &Runtime, asked: &Instructions) -> Result<()> {
    let party = asked.party.as_deref().map(party).transpose()?;
    let follower: Follower = runtime.block_on(door::look(&asked.door, None))?;
    let states = states(follower.view(), party, asked.status.as_deref());
    let rows: Vec<_> = states.iter().filter_map(|it| serde_json::to_value(it).ok()).collect();
    asked.output.print(&states, &["id", "status", "reason.code", "reason.text", "height"], &rows)
}

/// Where instructions stand, all or of one party, all or in one state.
pub fn states(view: &View, party: Option<PartyId>, status: Option<&str>) -> Vec<State> {
    let waiting: BTreeMap<_, Instructed> = view.instructions().collect();
    let ids = view.all_told().map(|it| *it.0).chain(waiting.keys().copied());
    let ids: std::collections::BTreeSet<_> = ids.collect();
    let own = ids.into_iter().filter(|id| party.is_none_or(|it| id.sender == Sender::Party(it)));
    let states = own.map(|id| state(view, id));
    states.filter(|it| status.is_none_or(|wanted| wanted == it.status)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_proved_to_be_large_enough_or_not_at_all() {
        crate::stand_in::with_desk("at-least", async |desk| {
            crate::day::for_tests(desk).await.unwrap();
            let view = desk.view();
            let (account, instrument, units) = view.positions().find(|it| it.2 > 1).unwrap();
            let place = (account, instrument);
            let quantity = |units| view.decimal(instrument, units);
            must_hold(view, place, &quantity(units)).unwrap();
            must_hold(view, place, &quantity(1)).unwrap();
            let why = must_hold(view, place, &quantity(units + 1)).unwrap_err();
            assert_eq!(why.status, crate::failure::Status::No);
            let why = must_hold(view, place, "plenty").unwrap_err();
            assert_eq!(why.status, crate::failure::Status::Malformed);
        });
    }
}
