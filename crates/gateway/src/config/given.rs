//! What flags and the environment say over the file: a flag over a variable, a variable over `gateway.toml`.

use std::{collections::BTreeMap, fmt::Display};

use crate::Fault;

/// The fields that may be said so, each by the flag `--FIELD`, and by its variable. Lists are separated by commas.
pub const VARIABLES: [(&str, &str); 5] = [
    ("http", "FURIKAE_GATEWAY_HTTP"),
    ("history", "FURIKAE_GATEWAY_HISTORY"),
    ("outbox", "FURIKAE_GATEWAY_OUTBOX"),
    ("nodes", "FURIKAE_GATEWAY_NODES"),
    ("approval", "FURIKAE_GATEWAY_APPROVAL"),
];

/// The variable of a field.
pub fn variable(field: &str) -> &'static str {
    VARIABLES.iter().find(|it| it.0 == field).map_or("", |it| it.1)
}

/// What was said outside of the file.
#[derive(Clone, Debug, Default)]
pub struct Given(BTreeMap<&'static str, Said>);

/// One field, and who says it.
#[derive(Clone, Debug)]
pub struct Said {
    name: String,
    /// What is said.
    pub text: String,
}

impl Given {
    /// What the flags say, and where they say nothing, the variables. A variable that is empty says nothing.
    #[must_use]
    pub fn of(
        flag: impl Fn(&str) -> Option<String>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Self {
        let said = VARIABLES.into_iter().filter_map(|(field, name)| {
            let by_flag = flag(field).map(|text| Said { name: format!("--{field}"), text });
            let by_variable = || {
                let text = variable(name).filter(|it| !it.is_empty())?;
                Some(Said { name: name.into(), text })
            };
            Some((field, by_flag.or_else(by_variable)?))
        });
        Self(said.collect())
    }

    /// What is said of a field.
    pub fn field(&self, name: &str) -> Option<&Said> {
        self.0.get(name)
    }
}

impl Said {
    /// Its parts, separated by commas.
    pub fn list(&self) -> Vec<String> {
        let parts = self.text.split(',').map(str::trim).filter(|it| !it.is_empty());
        parts.map(str::to_owned).collect()
    }

    /// What is wrong with it.
    pub fn fault(&self, why: impl Display) -> Fault {
        Fault::Given { name: self.name.clone(), why: why.to_string() }
    }
}
