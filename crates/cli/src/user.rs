//! As which user of which gateway a command asks: of a market on this machine, or of any by its address.

use std::{fs, path::PathBuf};

use clap::Args;
use gateway::Client;

use crate::{
    arguments::At,
    failure::{Failure, Result},
    market::{Folder, TOKEN},
};

/// Which gateway, and as whom.
#[derive(Clone, Debug, Args)]
pub struct User {
    /// The party whose gateway is asked, such as aoba
    #[arg(long = "as", value_name = "PARTY", default_value = "furikae")]
    pub party: String,
    #[command(flatten)]
    pub at: At,
    /// A gateway by its address, such as http://127.0.0.1:20123
    #[arg(long, value_name = "URL", conflicts_with_all = ["dir", "party"], requires = "token_file")]
    pub gateway: Option<String>,
    /// The file that holds your token, if it is not that of the market's back office
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
}

impl User {
    /// The user of a party's gateway in a market's folder.
    pub fn of(folder: &Folder, party: &str) -> Self {
        let at = At { dir: Some(folder.root().to_owned()) };
        Self { party: party.into(), at, gateway: None, token_file: None }
    }

    /// The gateway, to be asked as this user.
    ///
    /// # Errors
    /// Unreachable, when there is no market in the folder. Malformed, when the party has no gateway there. A fault,
    /// when the token cannot be read.
    pub fn client(&self) -> Result<Client> {
        let (url, token) = match (&self.gateway, &self.token_file) {
            (Some(url), Some(token)) => (url.clone(), token.clone()),
            (_, Some(token)) => (self.of_folder()?.0, token.clone()),
            _ => self.of_folder()?,
        };
        let text = fs::read_to_string(&token);
        let text = text.map_err(|error| Failure::file("read", &token, &error))?;
        Ok(Client::new(&url, text.trim())?)
    }

    fn of_folder(&self) -> Result<(String, PathBuf)> {
        let folder = Folder::chosen(self.at.dir.as_deref())?;
        let plan = folder.plan()?;
        let gateway = plan.gateways.iter().find(|it| it.word == self.party).ok_or_else(|| {
            let words: Vec<_> = plan.gateways.iter().map(|it| it.word.as_str()).collect();
            let failure = Failure::malformed(format_args!("{:?} has no gateway here", self.party));
            match words.as_slice() {
                [] => failure.mend("make a market without --no-gateways"),
                words => failure.mend(format_args!("--as one of {}", words.join(", "))),
            }
        })?;
        Ok((format!("http://{}", gateway.api), folder.data(&gateway.name).join(TOKEN)))
    }
}

/// `base` with a query of those values that are there.
pub fn path(base: &str, asked: &[(&str, Option<&str>)]) -> String {
    let asked = asked.iter().filter_map(|(name, value)| Some((name, (*value)?)));
    let pairs: Vec<_> = asked.map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    if pairs.is_empty() { base.into() } else { format!("{base}?{}", pairs.join("&")) }
}

/// A value as it may stand in a query: the offset of a time begins with a plus sign.
fn encoded(value: &str) -> String {
    let plain = |it: u8| it.is_ascii_alphanumeric() || b"-._~:".contains(&it);
    let one = |it: u8| if plain(it) { char::from(it).to_string() } else { format!("%{it:02X}") };
    value.bytes().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_holds_what_is_asked() {
        let time = Some("2026-11-24T15:00:00+09:00");
        let asked = path("/v1/orders", &[("as_of", time), ("own", None), ("limit", Some("9"))]);
        assert_eq!(asked, "/v1/orders?as_of=2026-11-24T15:00:00%2B09:00&limit=9");
        assert_eq!(path("/v1/orders", &[("own", None)]), "/v1/orders");
        assert_eq!(path("/v1/x", &[("a", Some("b&c=d \u{e9}"))]), "/v1/x?a=b%26c%3Dd%20%C3%A9");
    }
}
