//! `orders` and `trades`: what stands on the board and what was traded, as a party's gateway says.

use clap::Args;
use tokio::runtime::Runtime;

use crate::{
    failure::Result,
    output::Output,
    read::print,
    user::{User, path},
};

/// `furikae orders`
#[derive(Debug, Args)]
pub struct Orders {
    /// The board of this security, everybody's orders; without it, the party's own orders
    #[arg(long, value_name = "ISIN", requires = "currency")]
    instrument: Option<String>,
    /// Against this currency
    #[arg(long, value_name = "CODE", requires = "instrument")]
    currency: Option<String>,
    /// Of that board, the party's own orders alone
    #[arg(long, requires = "instrument")]
    own: bool,
    /// As of a height, or of a time (RFC 3339)
    #[arg(long, value_name = "T|HEIGHT")]
    as_of: Option<String>,
    #[command(flatten)]
    user: User,
    #[command(flatten)]
    output: Output,
}

/// `furikae trades`
#[derive(Debug, Args)]
pub struct Trades {
    /// Only this instrument
    #[arg(long, value_name = "ISIN")]
    instrument: Option<String>,
    /// Fills of everybody: the board is public
    #[arg(long)]
    public: bool,
    /// As of a height, or of a time (RFC 3339)
    #[arg(long, value_name = "T|HEIGHT")]
    as_of: Option<String>,
    #[command(flatten)]
    user: User,
    #[command(flatten)]
    output: Output,
}

/// `furikae orders`.
///
/// # Errors
/// As [`User::client`] and the gateway.
pub fn orders(runtime: &Runtime, asked: &Orders) -> Result<()> {
    let path = path(
        "/v1/orders",
        &[
            ("instrument", asked.instrument.as_deref()),
            ("currency", asked.currency.as_deref()),
            ("own", asked.own.then_some("true")),
            ("as_of", asked.as_of.as_deref()),
            ("limit", Some("10000")),
        ],
    );
    let client = asked.user.client()?;
    let said = runtime.block_on(client.get_all(&path, "orders"))?;
    let columns =
        ["instrument", "currency", "side", "price", "quantity", "party", "id", "reference"];
    print(asked.output, &said, "orders", &columns)
}

/// `furikae trades`.
///
/// # Errors
/// As [`User::client`] and the gateway.
pub fn trades(runtime: &Runtime, asked: &Trades) -> Result<()> {
    let path = path(
        "/v1/trades",
        &[
            ("instrument", asked.instrument.as_deref()),
            ("own", asked.public.then_some("false")),
            ("as_of", asked.as_of.as_deref()),
            ("limit", Some("10000")),
        ],
    );
    let client = asked.user.client()?;
    let said = runtime.block_on(client.get_all(&path, "trades"))?;
    let columns = [
        "id",
        "origin",
        "status",
        "buyer",
        "seller",
        "instrument",
        "quantity",
        "amount",
        "currency",
        "price",
        "trade_date",
        "intended_date",
    ];
    print(asked.output, &said, "trades", &columns)
}
