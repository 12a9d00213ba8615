//! Refusals in words: what was wrong, and what to ask instead.

use ledger::{governance::Roles, reject::Reject, trade::TradeId, view_key::Reader};

/// Why the market says no, in a sentence.
pub fn words(reject: &Reject) -> String {
    let of_market = of_parties(reject).or_else(|| of_accounts(reject));
    let of_trading =
        || of_trades(reject).or_else(|| of_orders(reject)).or_else(|| of_sealed(reject));
    of_market.or_else(of_trading).unwrap_or_else(|| reject.code().replace('-', " "))
}

fn of_sealed(reject: &Reject) -> Option<String> {
    Some(match reject {
        Reject::ViewKeyUnknown { reader: Reader::Administrators { .. } } => {
            "the administrators have no view key yet".into()
        }
        Reject::ViewKeyUnknown { reader: Reader::Issuer { instrument } } => {
            format!("the issuer of {instrument} has no view key yet")
        }
        Reject::ViewKeyNotAllowed => {
            "it is no view key, is registered already, or has another number than the next".into()
        }
        Reject::NotThisAccount { account } => {
            format!("account {account} gives or receives nothing here, or may not ask it")
        }
        Reject::CoverForNothing => "cover was named where nothing is given".into(),
        Reject::AdministratorsKeyOld { key } => {
            format!("amounts are sealed under the administrators' key {key} now: seal them again")
        }
        Reject::PositionMoved { account, instrument } => {
            format!("the position of {account} in {instrument} has moved: prove over what stands")
        }
        Reject::SetNotAllowed => {
            "the set is empty or too long, or does not name exactly what it debits".into()
        }
        _ => return None,
    })
}

fn of_parties(reject: &Reject) -> Option<String> {
    Some(match reject {
        Reject::SealedNotAllowed => {
            "it mixes open and sealed: an instrument is one of them for life, and so are its accounts".into()
        }
        Reject::Expired => "its envelope came after its expiry: ask again".into(),
        Reject::PartyUnknown { party } => format!("there is no party {}", party.0),
        Reject::PartySuspended { party } => {
            format!("party {} may not act until an administrator reinstates it", party.0)
        }
        Reject::RoleMissing { roles } => {
            format!("who asks it needs one of the roles {}", names(*roles))
        }
        Reject::RolesUnknown { .. } => "the roles are none, or some are unknown".into(),
        Reject::PartyExists { party } => format!("the number {} is taken", party.0),
        Reject::KeyUnknown { party, key } => {
            format!("party {} has no key {}, or it is revoked", party.0, key.0)
        }
        Reject::KeyExists { party, key } => {
            format!("party {} has a key {} already: take another number", party.0, key.0)
        }
        Reject::ParameterOutOfRange { value } => format!("it may not be set to {value}"),
        Reject::ValidatorsNotAllowed => "the validators are none, too many, or one is twice".into(),
        Reject::AlreadyApproved { party } => {
            format!("party {} has asked the same before: another administrator must", party.0)
        }
        _ => return None,
    })
}

fn of_accounts(reject: &Reject) -> Option<String> {
    Some(match reject {
        Reject::AccountUnknown { account } => format!("there is no account {account}"),
        Reject::AccountExists { account } => format!("the number {account} is taken"),
        Reject::AccountNotManaged { account, party } => {
            format!("party {} does not manage account {account}", party.0)
        }
        Reject::AccountNotEligible { account, instrument } => {
            format!(
                "{instrument} may not be held in account {account}: money is for settlement members"
            )
        }
        Reject::InstrumentInvalid { instrument } => format!("{instrument} or its scale is none"),
        Reject::InstrumentUnknown { instrument } => {
            format!("{instrument} is not listed, or is not of the kind that is wanted here")
        }
        Reject::InstrumentExists { instrument } => format!("{instrument} is listed already"),
        Reject::NotIssuer { instrument } => format!("{instrument} is another party's issue"),
        Reject::QuantityNotPositive => "a quantity or an amount is not above zero".into(),
        Reject::PositionUnknown { account, instrument } => {
            format!("account {account} has no position in {instrument}")
        }
        Reject::AmountsDoNotAdd { instrument } => {
            format!("a sum of {instrument} leaves the range of amounts")
        }
        Reject::PositionNotCovered { account, instrument } => {
            format!("account {account} has less {instrument} than that")
        }
        Reject::InstructionUnknown { instruction } => {
            format!("there is no instruction {instruction}, or it has ended")
        }
        Reject::InstructionNotYours { instruction } => {
            format!("instruction {instruction} is another party's")
        }
        Reject::NotInThisState { instruction } => {
            format!("instruction {instruction} does not stand where this can be asked of it")
        }
        _ => return None,
    })
}

fn of_trades(reject: &Reject) -> Option<String> {
    Some(match reject {
        Reject::DateNotAllowed { date } => format!("{date} is before a date that it must follow"),
        Reject::VenueClosed { date } => format!("the venue is closed up to {date} or later"),
        Reject::RequestUnknown { request } => {
            format!("there is no request {request}, or it is decided")
        }
        Reject::TradeUnknown { trade } => format!("there is no trade {}", trade_name(trade)),
        Reject::NotCounterparty { party } => {
            format!("party {} is not the side that is asked", party.0)
        }
        Reject::TradeNotWaiting { trade } => {
            format!("trade {} does not wait for an affirmation", trade_name(trade))
        }
        Reject::TradeNotBinding { trade } => {
            format!(
                "trade {} is not told by both sides, or is settled by others",
                trade_name(trade)
            )
        }
        Reject::TradeDiffers { field } => {
            format!("it differs from the trade in its {}", format!("{field:?}").to_lowercase())
        }
        _ => return None,
    })
}

fn of_orders(reject: &Reject) -> Option<String> {
    Some(match reject {
        Reject::BoardExists { instrument, currency } => {
            format!("{instrument} is traded against {currency} already")
        }
        Reject::BoardUnknown { instrument, currency } => {
            format!("{instrument} is not traded against {currency}")
        }
        Reject::OrderUnknown { order } => format!("there is no order {order}, or it has ended"),
        Reject::OrderNotYours { order } => format!("order {order} is another party's"),
        Reject::PriceOffTick { tick } => {
            format!("a price is a multiple of {tick} minor units, and not below zero")
        }
        Reject::QuantityOffLot { lot } => {
            format!("a quantity is a multiple of {lot} smallest units")
        }
        Reject::OrderTooLarge => "what the bid would cost leaves the range of amounts".into(),
        _ => return None,
    })
}

fn names(roles: Roles) -> String {
    let names = Roles::WORDS.iter().filter(|it| roles.any_of(it.1)).map(|it| it.0);
    names.collect::<Vec<_>>().join(", ")
}

/// A trade by the name that people give it.
fn trade_name(trade: &TradeId) -> String {
    match trade {
        TradeId::Reported { report } => report.to_string(),
        TradeId::Venue { venue, date, number } => format!("{number} of {venue} of {date}"),
    }
}
