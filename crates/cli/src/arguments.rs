//! The command line: names, flags and their meaning. What does not exist yet does not stand here.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, builder::RangedU64ValueParser};
use serde::{Deserialize, Serialize};

use crate::{market::process::Process, output::Output};

/// The shared ledger of a capital market
#[derive(Debug, Parser)]
#[command(name = "furikae", version, max_term_width = 100, after_help = STATUS)]
pub struct Arguments {
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

const STATUS: &str = "Exit status: 0 done; 1 the answer is no; 2 the request is malformed; \
    3 the market or node cannot be reached; 4 a fault of this machine.";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// A whole market on this machine
    #[command(subcommand)]
    Market(Market),
    /// Sign instructions and submit them; wait until they are final
    Submit(Submit),
    /// Positions, as blocks leave them
    Positions(Positions),
    /// Owners of one instrument
    Registry(crate::registry::Asked),
    /// Instructions and where they stand
    Instructions(crate::read::Instructions),
    /// Why an instruction stands where it stands, what it is short of, and what would cure that
    Explain(crate::explain::Asked),
    /// The statement of an account: opening, every movement, closing, and whether the sums match
    Movements(crate::movements::Asked),
    /// What stands on the board
    Orders(crate::board::Orders),
    /// What was traded: fills of the board, trades of venues, reported trades
    Trades(crate::board::Trades),
    /// Make a file that proves an instruction's outcome
    Receipt(Receipt),
    /// Check files of proofs, offline, with the set of validators alone
    Verify(Verify),
    /// Renew the set of validators that verify believes, by one certified block an epoch
    Validators(crate::validators::Asked),
    /// List the instruments of a CSV of real issues
    List(List),
    /// Send recorded market data through a market
    Replay(Replay),
    /// Settle payments of a file by the ledger's own rule; needs no network
    Offset(crate::offset::Asked),
    /// Measure a network that is started for it and deleted afterwards
    #[command(subcommand)]
    Bench(crate::bench::Bench),
    /// What a second person must approve at a gateway
    #[command(subcommand)]
    Approvals(crate::approvals::Asked),
    /// Bring a file of instructions to a gateway: each line has its effect once, however often this is said
    Upload(crate::upload::Asked),
    /// Allocate a block of one account over investors' accounts, through a gateway
    Allocate(crate::allocate::Asked),
    /// Compare a participant's own books with the ledger, through its gateway
    Reconcile(crate::reconcile::Asked),
    /// An incident on a market that is started for it and deleted afterwards
    #[command(subcommand)]
    Drill(crate::drill::Drill),
    /// One node
    #[command(subcommand)]
    Node(Node),
    /// One participant's door: its users ask it over HTTP, it follows the market and speaks for the participant
    #[command(subcommand)]
    Gateway(crate::participant::Asked),
    /// Make a key file, or read one, and print its public key
    Key(crate::key::Asked),
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// `furikae market`
#[derive(Debug, Subcommand)]
pub enum Market {
    /// Start a market: make it if there is none, go on with it if it was stopped
    Up(Up),
    /// Which nodes it has and how they are
    Status {
        #[command(flatten)]
        at: At,
        #[command(flatten)]
        output: Output,
    },
    /// Stop every process of it; says how its nodes are then, as status does
    Down {
        #[command(flatten)]
        at: At,
        /// Delete its folder as well, keys included
        #[arg(long)]
        purge: bool,
        #[command(flatten)]
        output: Output,
    },
    /// Start one node of it, as it was
    Start {
        /// The node, such as validator-2
        name: String,
        #[command(flatten)]
        at: At,
    },
    /// Stop one node of it
    Stop {
        /// The node, such as validator-2
        name: String,
        /// At once, without its consent (SIGKILL)
        #[arg(long)]
        kill: bool,
        #[command(flatten)]
        at: At,
    },
    /// Run market scripts: each line waits for its finality; status 0 only if all expectations held
    Run(crate::script::Asked),
    /// Run the demo day on a running market
    Day {
        #[command(flatten)]
        at: At,
    },
    /// Start a market of its own, run the demo day, explain it, stay until Ctrl-C
    Demo {
        /// Where to keep it; a temporary folder, deleted afterwards, if absent
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
        /// Stop after the day; exit status 0 only if all of it held
        #[arg(long)]
        once: bool,
    },
}

/// Which market.
#[derive(Clone, Debug, Args)]
pub struct At {
    /// The market's folder [default: furikae/market in the user's data directory]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// `furikae market up`
#[derive(Debug, Args)]
pub struct Up {
    #[command(flatten)]
    pub at: At,
    /// How many validators, 31 at most on one machine; the first is the administrator's, the others are
    /// members'
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<u16>::new().range(1..=31))]
    pub validators: Option<u16>,
    /// How many observers: they follow by certificates, without a vote
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<u16>::new().range(0..=8))]
    pub observers: Option<u16>,
    /// Without the participants' gateways
    #[arg(long)]
    pub no_gateways: bool,
    /// With the gateway of this party alone
    #[arg(skip)]
    pub only_gateway: Option<&'static str>,
    /// Leave the market running and return
    #[arg(long)]
    pub detach: bool,
    /// Amounts are open to every validator; the only kind there is for now
    #[arg(long)]
    pub open: bool,
    /// Blocks in an epoch; fixed for the life of the market
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(10..=1_000_000))]
    pub epoch_blocks: Option<u64>,
    /// Who proposes blocks
    #[arg(long, value_enum)]
    pub leader: Option<Leader>,
    /// Its first business date, such as 2026-01-05 [default: today]
    #[arg(long, value_name = "DATE", conflicts_with = "script")]
    pub date: Option<types::BusinessDate>,
    /// Begin as this market script begins: its founder, its date; for market run
    #[arg(long, value_name = "FILE")]
    pub script: Option<PathBuf>,
    #[command(flatten)]
    pub output: Output,
}

impl Up {
    /// A market as it is by default, watched by this process, in the folder `dir`, with one gateway or none.
    pub fn of_its_own(dir: &std::path::Path, gateway: Option<&'static str>) -> Self {
        Self {
            at: At { dir: Some(dir.into()) },
            validators: None,
            observers: None,
            no_gateways: gateway.is_none(),
            only_gateway: gateway,
            detach: false,
            open: true,
            epoch_blocks: None,
            leader: None,
            date: None,
            script: None,
            output: Output::default(),
        }
    }
}

/// Who proposes blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Leader {
    /// Each validator in turn.
    #[default]
    Rotating,
    /// One validator, until it fails or its term ends.
    Fixed,
}

/// Which market, or which node of one.
#[derive(Clone, Debug, Args)]
pub struct Door {
    #[command(flatten)]
    pub at: At,
    /// The interface of a node, such as http://127.0.0.1:20123; several, separated by commas
    #[arg(long, value_name = "URL", value_delimiter = ',', conflicts_with = "dir")]
    pub gateway: Vec<String>,
}

/// `furikae submit`
#[derive(Debug, Args)]
pub struct Submit {
    /// A file with instructions as JSON: one, or a list; - for standard input
    pub file: PathBuf,
    /// The party that signs: the name of a key file of the market's folder
    #[arg(long = "as", value_name = "PARTY", default_value = "furikae")]
    pub party: String,
    #[command(flatten)]
    pub at: At,
    #[command(flatten)]
    pub output: Output,
}

/// `furikae positions`
#[derive(Debug, Args)]
pub struct Positions {
    /// Only accounts that this party manages; with --certificate, it attests the position if need be
    #[arg(long = "as", value_name = "PARTY")]
    pub party: Option<String>,
    /// Only this account
    #[arg(long)]
    pub account: Option<String>,
    /// Only this instrument
    #[arg(long)]
    pub instrument: Option<String>,
    /// Write a file that proves how this one position stood then
    #[arg(long, value_name = "OUT", requires_all = ["account", "as_of"])]
    pub certificate: Option<PathBuf>,
    /// Only if it was so much or more; while amounts are open, the file shows all of it
    #[arg(long, value_name = "QUANTITY", requires = "certificate")]
    pub at_least: Option<String>,
    /// As of a height, or of a time (RFC 3339)
    #[arg(long, value_name = "T|HEIGHT")]
    pub as_of: Option<String>,
    #[command(flatten)]
    pub door: Door,
    #[command(flatten)]
    pub output: Output,
}

/// `furikae receipt`
#[derive(Debug, Args)]
pub struct Receipt {
    /// The instruction, as sender-lane-sequence-index
    pub id: String,
    /// Only if it is this party's own
    #[arg(long = "as", value_name = "PARTY")]
    pub party: Option<String>,
    /// The file to write
    #[arg(long)]
    pub out: PathBuf,
    #[command(flatten)]
    pub door: Door,
}

/// `furikae verify`
#[derive(Debug, Args)]
pub struct Verify {
    /// The files; with --json, the verdict of one is an object, of several a list of such objects
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// The set of validators to believe
    #[arg(long, value_name = "FILE")]
    pub validators: Option<PathBuf>,
    #[command(flatten)]
    pub output: Output,
}

/// `furikae list`
#[derive(Debug, Args)]
pub struct List {
    /// Issues as the Tokyo exchange publishes them: date, code, name, segment
    #[arg(long, value_name = "FILE")]
    pub issues: PathBuf,
    #[command(flatten)]
    pub at: At,
    #[command(flatten)]
    pub output: Output,
}

/// `furikae replay`
#[derive(Debug, Args)]
pub struct Replay {
    /// What the files are
    #[arg(long, value_enum)]
    pub format: DataFormat,
    /// The order flow, to be matched by the board: a file (packed by gzip or not), or the folder that holds it
    #[arg(required_unless_present = "trades")]
    pub path: Option<PathBuf>,
    /// How many members trade; each order belongs to one of them
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<u32>::new().range(2..=1_000))]
    pub members: u32,
    /// Import these trades, executed elsewhere, instead of matching orders
    #[arg(long, value_name = "FILE", conflicts_with = "path")]
    pub trades: Option<PathBuf>,
    /// Amounts are sealed
    #[arg(long)]
    pub sealed: bool,
    /// Where
    #[arg(long, value_enum, default_value = "network")]
    pub on: On,
    /// A running market [default: one of its own, deleted afterwards]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    #[command(flatten)]
    pub output: Output,
}

/// A form of recorded market data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DataFormat {
    /// Orders and trades of Bitstamp's live channels, as CSV.
    BitstampL3,
    /// LOBSTER's messages, and the book after each of them, as CSV.
    Lobster,
    /// CME's market by order as Databento tells it, as CSV.
    CmeMbo,
}

/// On what a market runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum On {
    /// Validators as processes of this machine.
    Network,
    /// All of it in one thread.
    Sim,
}

/// `furikae node`
#[derive(Debug, Subcommand)]
pub enum Node {
    /// Run one node until it is told to stop (SIGINT, SIGTERM)
    Run {
        /// Its node.toml; what it keeps lies beside it
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        #[command(flatten)]
        logs: crate::logs::Logs,
        /// Stop when this process has ended
        #[arg(long = "while", value_name = "PID@TICKS", hide = true)]
        watched: Option<Process>,
    },
    /// Check every byte that a stopped node keeps
    Verify {
        /// Its folder
        folder: PathBuf,
        #[command(flatten)]
        output: Output,
    },
    /// Make the state of a stopped node anew from its blocks
    Rebuild {
        /// Its folder
        folder: PathBuf,
        #[command(flatten)]
        output: Output,
    },
}
