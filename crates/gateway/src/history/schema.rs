//! The tables. The same text makes them in SQLite and in PostgreSQL.
//!
//! ```text
//!   history    of which market
//!   newest     the newest header
//!   block      height -> time, epoch                    every block that was followed
//!   committee  epoch -> who certifies in it
//!   state      key -> changed, value                    the rows as they stand
//!   instructed instruction -> what it brings            those that have not ended, as they stand
//!   queued     number, leg -> what a position pays      what waits for cover, as it stands
//!   position   instrument, account, from..to -> units   every position, always
//!   movement   height, place -> what moved              every movement
//!   fill       instruction -> whose                     what settles a fill of the board is asked by nobody
//!   standing   height, place -> instruction, status     every state that an instruction was told to be in
//!   event      height, place -> bytes                   everything that was told
//!   entered    instruction -> instrument, currency      every order that ever entered
//!   order_end  instruction -> height, place             those that ended before all of them was filled
//!   board_order instruction, from..to -> what is wanted every order that stood, always
//!   trade      height, place -> what was agreed         every trade, where it was told first
//!   trade_state trade, height -> status                 where it stood from then on
//! ```
//!
//! All of it comes from certified blocks. It can be dropped at any time, and is made again.

use crate::database::Purpose;

/// A height that never comes: what has not ended ends there.
pub const NEVER: i64 = i64::MAX;

/// The tables of a history.
pub const HISTORY: Purpose = Purpose {
    name: "history",
    version: 2,
    tables: &TABLES,
    make: &MAKE,
    moves: &[],
    can_be_made_again: true,
};

const TABLES: [&str; 17] = [
    "newest",
    "block",
    "committee",
    "state",
    "instructed",
    "queued",
    "account",
    "position",
    "movement",
    "fill",
    "standing",
    "event",
    "entered",
    "order_end",
    "board_order",
    "trade",
    "trade_state",
];

const MAKE: [&str; 39] = [
    "CREATE TABLE newest (one BIGINT PRIMARY KEY, header {bytes} NOT NULL)",
    "CREATE TABLE block (height BIGINT PRIMARY KEY, time BIGINT NOT NULL, epoch BIGINT NOT NULL)",
    "CREATE TABLE committee (epoch BIGINT PRIMARY KEY, committee {bytes} NOT NULL)",
    "CREATE INDEX block_time ON block (time)",
    "CREATE TABLE state (key {bytes} PRIMARY KEY, changed BIGINT NOT NULL, value {bytes} NOT NULL)",
    "CREATE TABLE instructed (instruction TEXT PRIMARY KEY, party BIGINT NOT NULL, counterparty BIGINT NOT NULL, \
     side BIGINT NOT NULL, status TEXT NOT NULL, instrument TEXT NOT NULL, units BIGINT NOT NULL, \
     reference TEXT NOT NULL, credit_account TEXT, credit_instrument TEXT, credit_units BIGINT NOT NULL)",
    "CREATE INDEX instructed_credit ON instructed (credit_account, credit_instrument, credit_units, instruction)",
    "CREATE INDEX instructed_reference ON instructed (counterparty, party, reference) WHERE status = 'unmatched'",
    "CREATE INDEX instructed_terms ON instructed (counterparty, side, instrument, units) WHERE status = 'unmatched'",
    "CREATE INDEX instructed_pair ON instructed (counterparty, party, side, instrument) WHERE status = 'unmatched'",
    "CREATE TABLE queued (number BIGINT NOT NULL, leg BIGINT NOT NULL, account TEXT NOT NULL, \
     instrument TEXT NOT NULL, units BIGINT NOT NULL, priority BIGINT NOT NULL, date BIGINT NOT NULL, \
     PRIMARY KEY (number, leg))",
    "CREATE INDEX queued_debit ON queued (account, instrument, priority, date, number)",
    "CREATE TABLE account (account TEXT PRIMARY KEY, manager BIGINT NOT NULL, holder TEXT NOT NULL)",
    "CREATE TABLE position (instrument TEXT NOT NULL, account TEXT NOT NULL, from_height BIGINT NOT NULL, \
     to_height BIGINT NOT NULL, units BIGINT NOT NULL, PRIMARY KEY (instrument, account, from_height))",
    "CREATE UNIQUE INDEX position_stands ON position (instrument, account) \
     WHERE to_height = 9223372036854775807",
    "CREATE INDEX account_manager ON account (manager)",
    "CREATE INDEX position_account ON position (account, instrument, from_height)",
    "CREATE TABLE movement (height BIGINT NOT NULL, place BIGINT NOT NULL, instruction TEXT, \
     counterpart TEXT, instrument TEXT NOT NULL, source TEXT NOT NULL, target TEXT NOT NULL, units BIGINT NOT NULL, \
     PRIMARY KEY (height, place))",
    "CREATE INDEX movement_instruction ON movement (instruction)",
    "CREATE INDEX movement_counterpart ON movement (counterpart)",
    "CREATE INDEX movement_source ON movement (source, instrument, height)",
    "CREATE INDEX movement_target ON movement (target, instrument, height)",
    "CREATE TABLE fill (instruction TEXT PRIMARY KEY, party BIGINT NOT NULL)",
    "CREATE TABLE standing (height BIGINT NOT NULL, place BIGINT NOT NULL, instruction TEXT NOT NULL, \
     party BIGINT NOT NULL, status TEXT NOT NULL, code TEXT, reason TEXT, PRIMARY KEY (height, place))",
    "CREATE INDEX standing_instruction ON standing (instruction, height, place)",
    "CREATE INDEX standing_party ON standing (party, instruction, height, place)",
    "CREATE TABLE event (height BIGINT NOT NULL, place BIGINT NOT NULL, told {bytes} NOT NULL, \
     PRIMARY KEY (height, place))",
    "CREATE TABLE entered (instruction TEXT PRIMARY KEY, instrument TEXT NOT NULL, currency TEXT NOT NULL)",
    "CREATE TABLE order_end (instruction TEXT PRIMARY KEY, height BIGINT NOT NULL, place BIGINT NOT NULL)",
    "CREATE TABLE board_order (instruction TEXT NOT NULL, from_height BIGINT NOT NULL, to_height BIGINT NOT NULL, \
     party BIGINT NOT NULL, instrument TEXT NOT NULL, currency TEXT NOT NULL, buys BIGINT NOT NULL, \
     best_first BIGINT NOT NULL, units BIGINT NOT NULL, arrival BIGINT NOT NULL, date TEXT NOT NULL, \
     account TEXT NOT NULL, cash TEXT NOT NULL, reference TEXT NOT NULL, PRIMARY KEY (instruction, from_height))",
    "CREATE UNIQUE INDEX board_order_stands ON board_order (instruction) WHERE to_height = 9223372036854775807",
    "CREATE INDEX board_order_pair ON board_order (instrument, currency, to_height)",
    "CREATE INDEX board_order_party ON board_order (party, to_height)",
    "CREATE INDEX board_order_until ON board_order (to_height)",
    "CREATE TABLE trade (height BIGINT NOT NULL, place BIGINT NOT NULL, trade TEXT NOT NULL, origin TEXT NOT NULL, \
     buyer BIGINT NOT NULL, seller BIGINT NOT NULL, instrument TEXT NOT NULL, currency TEXT NOT NULL, \
     units BIGINT NOT NULL, amount BIGINT NOT NULL, price BIGINT, buy_order TEXT, sell_order TEXT, \
     trade_date TEXT, intended_date TEXT, reporter BIGINT NOT NULL, PRIMARY KEY (height, place))",
    "CREATE INDEX trade_buyer ON trade (buyer, height, place)",
    "CREATE INDEX trade_seller ON trade (seller, height, place)",
    "CREATE INDEX trade_instrument ON trade (instrument, height, place)",
    "CREATE TABLE trade_state (trade TEXT NOT NULL, height BIGINT NOT NULL, status TEXT NOT NULL, \
     PRIMARY KEY (trade, height))",
];
