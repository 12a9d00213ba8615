//! How answers reach standard output: one JSON value, CSV, or a table for people.

use std::io::Write;

use serde::Serialize;
use serde_json::Value;

use crate::failure::{Failure, Result};

/// The form of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Form {
    /// Aligned columns for people.
    #[default]
    Table,
    /// One JSON value and nothing else.
    Json,
    /// Comma-separated values with a header.
    Csv,
}

/// The flags that choose a form.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub struct Output {
    /// The form of the answer
    #[arg(long = "output", value_enum, default_value = "table", value_name = "FORM")]
    form: Form,
    /// Short for --output json: one JSON value on standard output and nothing else
    #[arg(long, conflicts_with = "form")]
    json: bool,
}

impl Output {
    /// The form that was asked for.
    pub const fn form(self) -> Form {
        if self.json { Form::Json } else { self.form }
    }

    /// Prints `answer`: as it is for JSON; for a table or CSV, `rows` of it with these `columns`.
    ///
    /// # Errors
    /// A fault, when standard output is closed.
    pub fn print(self, answer: &impl Serialize, columns: &[&str], rows: &[Value]) -> Result<()> {
        let text = match self.form() {
            Form::Json => serde_json::to_string_pretty(answer).map_err(Failure::fault)? + "\n",
            Form::Csv => csv_text(columns, rows)?,
            Form::Table => table(columns, rows),
        };
        write_out(&text)
    }
}

fn write_out(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.map_err(|error| Failure::fault(format_args!("cannot write the answer: {error}")))
}

/// The cell of `row` under a column named by its path, such as `listen.api`.
fn cell(row: &Value, column: &str) -> String {
    let value = column.split('.').try_fold(row, |value, name| value.get(name));
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

fn csv_text(columns: &[&str], rows: &[Value]) -> Result<String> {
    let mut out = csv::Writer::from_writer(Vec::new());
    let mut lines = vec![columns.iter().map(ToString::to_string).collect::<Vec<_>>()];
    lines.extend(rows.iter().map(|row| columns.iter().map(|it| cell(row, it)).collect()));
    for line in lines {
        out.write_record(line).map_err(Failure::fault)?;
    }
    let bytes = out.into_inner().map_err(Failure::fault)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn table(columns: &[&str], rows: &[Value]) -> String {
    let mut lines = vec![columns.iter().map(|it| it.replace('_', " ")).collect::<Vec<_>>()];
    lines.extend(rows.iter().map(|row| columns.iter().map(|it| cell(row, it)).collect()));
    let width = |column: usize| {
        lines.iter().filter_map(|line| line.get(column)).map(|it| it.chars().count()).max()
    };
    let widths: Vec<usize> =
        (0..columns.len()).map(|column| width(column).unwrap_or_default()).collect();
    let mut out = String::new();
    for line in &lines {
        let cells = line.iter().zip(&widths).map(|(text, width)| format!("{text:<width$}"));
        out += cells.collect::<Vec<_>>().join("  ").trim_end();
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_table_is_aligned_and_a_missing_cell_is_empty() {
        let rows = [json!({"name": "validator-1", "listen": {"api": "x"}}), json!({"name": "o"})];
        let text = table(&["name", "listen.api"], &rows);
        assert_eq!(text, "name         listen.api\nvalidator-1  x\no\n");
    }

    #[test]
    fn csv_quotes_what_needs_it() {
        let rows = [json!({"name": "Kita, Ltd.", "n": 1})];
        assert_eq!(csv_text(&["name", "n"], &rows).unwrap(), "name,n\n\"Kita, Ltd.\",1\n");
    }
}
