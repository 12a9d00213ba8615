//! The tables. The same text makes them in SQLite and in PostgreSQL.
//!
//! ```text
//!   history    of which market
//!   newest     the newest header
//!   block      height -> time, epoch                    every block that was followed
//!   committee  epoch -> who certifies in it
//!   state      key -> changed, value                    the rows as they stand
//!   position   instrument, account, from..to -> units   every position, always
//!   movement   height, place -> what moved              every movement
//!   fill       instruction -> whose                     what settles a fill of the board is asked by nobody
//!   standing   height, place -> instruction, status     every state that an instruction was told to be in
//!   event      height, place -> bytes                   everything that was told
//! ```
//!
//! All of it comes from certified blocks. It can be dropped at any time, and is made again.

use crate::database::Purpose;

/// A height that never comes: what has not ended ends there.
pub const NEVER: i64 = i64::MAX;

/// The tables of a history.
pub const HISTORY: Purpose = Purpose {
    name: "history",
    version: 1,
    tables: &TABLES,
    make: &MAKE,
    moves: &[],
    can_be_made_again: true,
};

const TABLES: [&str; 10] = [
    "newest",
    "block",
    "committee",
    "state",
    "account",
    "position",
    "movement",
    "fill",
    "standing",
    "event",
];

const MAKE: [&str; 20] = [
    "CREATE TABLE newest (one BIGINT PRIMARY KEY, header {bytes} NOT NULL)",
    "CREATE TABLE block (height BIGINT PRIMARY KEY, time BIGINT NOT NULL, epoch BIGINT NOT NULL)",
    "CREATE TABLE committee (epoch BIGINT PRIMARY KEY, committee {bytes} NOT NULL)",
    "CREATE INDEX block_time ON block (time)",
    "CREATE TABLE state (key {bytes} PRIMARY KEY, changed BIGINT NOT NULL, value {bytes} NOT NULL)",
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
];
