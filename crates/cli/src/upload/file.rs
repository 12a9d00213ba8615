//! The lines of a file of instructions, and the windows in which they are sent.
//!
//! In CSV the header names the fields as JSON does, a field of an inner object as `payment.amount`; an empty cell is a
//! field that is absent. Lists (`to`, `trades`, `roles`) are cells of JSON.

use std::{collections::BTreeMap, fmt};

use gateway::fields::Scales;
use serde_json::{Map, Value};
use types::InstrumentId;

use super::Form;
use crate::table::line_of;

/// Lines of a window at most. This and the next must never change, or who goes on with a file sends it otherwise.
const WINDOW: usize = 250;
/// Bytes of a window's lines at most, unless one line has more.
const WINDOW_BYTES: usize = 256 << 10;
/// Longest instruction as JSON: a gateway takes 1 MiB.
const BYTES_MAX: usize = 1 << 20;

const NUMBERS: [&str; 7] = ["party", "counterparty", "issuer", "class", "scale", "buyer", "seller"];
const FLAGS: [&str; 5] = ["approved", "suspended", "sign_off", "partial", "hold"];
const LISTS: [&str; 3] = ["to", "trades", "roles"];

/// A line.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Its number in the file; the header of a CSV is 1.
    pub number: u64,
    /// What it asks.
    pub asked: Result<Value, Bad>,
    bytes: usize,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bad {
    /// The field; empty when it is the line as a whole.
    pub field: String,
    /// What is wrong with it.
    pub why: String,
}

impl fmt::Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, why } = self;
        if field.is_empty() { write!(f, "{why}") } else { write!(f, "{field}: {why}") }
    }
}

/// Something wrong with a line as a whole.
fn whole(why: impl ToString) -> Bad {
    Bad { field: String::new(), why: why.to_string() }
}

impl Line {
    /// Reads it as a gateway will.
    pub fn check(&mut self, scales: Scales<'_>) {
        let Ok(value) = &self.asked else { return };
        let why = if !value.is_object() {
            Some(whole("one instruction is wanted, an object"))
        } else if value.to_string().len() > BYTES_MAX {
            Some(whole("it is longer than a gateway takes: split it"))
        } else {
            let read = gateway::ask::instructions(value, scales);
            read.err().map(|it| Bad { field: it.field, why: it.why })
        };
        if let Some(why) = why {
            self.asked = Err(why);
        }
    }
}

/// Decimal places of the instruments that a gateway lists.
pub fn scales(instruments: &Value) -> BTreeMap<InstrumentId, u8> {
    let list = instruments.get("instruments").and_then(Value::as_array);
    let scale = |it: &Value| {
        let id = InstrumentId::parse(it.get("instrument")?.as_str()?)?;
        Some((id, u8::try_from(it.get("scale")?.as_u64()?).ok()?))
    };
    list.into_iter().flatten().filter_map(scale).collect()
}

/// The lines of a text, without those that are empty.
///
/// # Errors
/// What is wrong with its header.
pub fn read(text: &str, form: Form) -> Result<Vec<Line>, String> {
    let text = text.trim_start_matches('\u{feff}');
    match form {
        Form::Csv => csv_lines(text),
        Form::JsonLines => Ok(json_lines(text)),
    }
}

fn json_lines(text: &str) -> Vec<Line> {
    let lines = (1..).zip(text.lines()).filter(|it| !it.1.trim().is_empty());
    let line = |(number, text): (u64, &str)| {
        let asked = serde_json::from_str(text).map_err(whole);
        Line { number, asked, bytes: text.len() }
    };
    lines.map(line).collect()
}

fn csv_lines(text: &str) -> Result<Vec<Line>, String> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|why| why.to_string())?.clone();
    let names: Vec<&str> = header.iter().map(str::trim).collect();
    if !names.contains(&"ask") {
        return Err("its header names no field \"ask\"".into());
    }
    if let Some((place, name)) = names
        .iter()
        .enumerate()
        .find(|(place, name)| name.is_empty() || names.iter().take(*place).any(|it| it == *name))
    {
        return Err(format!(
            "column {} of its header, {name:?}, is empty or there twice",
            place + 1
        ));
    }
    let mut lines = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|why| why.to_string())?;
        let number = line_of(text, &record);
        let bytes = record.iter().map(str::len).sum();
        let asked = if record.len() == names.len() {
            object(names.iter().copied().zip(record.iter().map(str::trim)))
        } else {
            let (cells, wanted) = (record.len(), names.len());
            Err(whole(format_args!("it has {cells} cells, the header has {wanted}")))
        };
        lines.push(Line { number, asked, bytes });
    }
    Ok(lines)
}

/// What a line of cells asks.
fn object<'a>(cells: impl Iterator<Item = (&'a str, &'a str)> + Clone) -> Result<Value, Bad> {
    let ask = cells.clone().find(|it| it.0 == "ask").map_or("", |it| it.1);
    let mut all = Map::new();
    for (path, cell) in cells.filter(|it| !it.1.is_empty()) {
        let bad = |why: &dyn fmt::Display| Bad { field: path.into(), why: why.to_string() };
        let (outer, name) = path.rsplit_once('.').unwrap_or(("", path));
        let value = value(ask, name, cell).map_err(|why| bad(&why))?;
        if outer.is_empty() {
            all.insert(name.into(), value);
            continue;
        }
        let inner = all.entry(outer).or_insert_with(|| Value::Object(Map::new()));
        let inner = inner.as_object_mut().ok_or_else(|| bad(&"it is no object"))?;
        inner.insert(name.into(), value);
    }
    Ok(Value::Object(all))
}

/// What a cell says: a number, yes or no, a list where the field is one; otherwise a text. What is neither stays a
/// text, and is refused by what reads the field.
fn value(ask: &str, name: &str, cell: &str) -> serde_json::Result<Value> {
    let text = || Value::String(cell.into());
    // The key that a party begins with is itself; later it has a number.
    let is_number = NUMBERS.contains(&name) || name == "key" && ask != "admit-party";
    Ok(if is_number {
        cell.parse::<u64>().map_or_else(|_| text(), Value::from)
    } else if FLAGS.contains(&name) {
        cell.parse::<bool>().map_or_else(|_| text(), Value::from)
    } else if LISTS.contains(&name) && cell.starts_with('[') {
        serde_json::from_str(cell)?
    } else {
        text()
    })
}

/// The lines as they are sent, some together. The text alone says where it is cut, so that it is always cut there.
pub fn windows(lines: &[Line]) -> Vec<&[Line]> {
    let (mut windows, mut begun, mut bytes) = (Vec::new(), 0, 0);
    for (place, line) in lines.iter().enumerate() {
        let full = place - begun >= WINDOW || bytes + line.bytes > WINDOW_BYTES;
        if full && place > begun {
            windows.extend(lines.get(begun..place));
            (begun, bytes) = (place, 0);
        }
        bytes += line.bytes;
    }
    windows.extend(lines.get(begun..).filter(|it| !it.is_empty()));
    windows
}

#[cfg(test)]
mod tests;
