//! What a node or a gateway says of itself while it runs: on standard error, a line each.

use clap::{Args, ValueEnum};
use tracing_subscriber::{EnvFilter, filter::LevelFilter};

use crate::failure::{Failure, Result};

/// The variable that says the form where the flag does not.
const VARIABLE: &str = "FURIKAE_LOG_FORMAT";

/// The flags of what runs until it is told to stop.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct Logs {
    /// The form of its log, on standard error; FURIKAE_LOG_FORMAT says it otherwise, and FURIKAE_LOG how much of it
    /// [default: json]
    #[arg(long, value_enum, value_name = "FORM")]
    log_format: Option<Form>,
}

/// A form of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// A JSON object a line, for programs.
    Json,
    /// For people.
    Text,
}

impl Logs {
    /// The form that the flag says, or else the variable.
    fn form(self, variable: Option<&str>) -> Result<Form> {
        let said = variable.filter(|it| !it.is_empty());
        match (self.log_format, said) {
            (Some(form), _) => Ok(form),
            (None, None) => Ok(Form::Json),
            (None, Some(word)) => Form::from_str(word, true).map_err(|_| {
                let what = format!("{VARIABLE}: {word:?} is no form of a log");
                Failure::malformed(what).mend("say json or text")
            }),
        }
    }

    /// Begins to tell.
    ///
    /// # Errors
    /// Malformed, when the variable names no form.
    pub fn tell(self) -> Result<()> {
        let variable = std::env::var_os(VARIABLE).map(|it| it.to_string_lossy().into_owned());
        let form = self.form(variable.as_deref())?;
        let filter = EnvFilter::builder()
            .with_env_var("FURIKAE_LOG")
            .with_default_directive(LevelFilter::WARN.into());
        let logs = tracing_subscriber::fmt().with_writer(std::io::stderr);
        let logs = logs.with_env_filter(filter.from_env_lossy());
        match form {
            Form::Json => logs.json().init(),
            Form::Text => logs.with_ansi(false).init(),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_counts_over_the_environment() {
        let text = Logs { log_format: Some(Form::Text) };
        assert_eq!(text.form(Some("json")).unwrap(), Form::Text);
        let unsaid = Logs::default();
        assert_eq!(unsaid.form(None).unwrap(), Form::Json);
        assert_eq!(unsaid.form(Some("")).unwrap(), Form::Json);
        assert_eq!(unsaid.form(Some("text")).unwrap(), Form::Text);
        let failure = unsaid.form(Some("xml")).unwrap_err();
        assert!(failure.what.starts_with("FURIKAE_LOG_FORMAT: \"xml\""), "{}", failure.what);
    }
}
