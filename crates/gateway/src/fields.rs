//! The fields of one JSON object, read by name and type; what is not read is refused.

use std::{collections::BTreeSet, fmt::Display};

use ledger::governance::Roles;
use serde_json::{Map, Value};
use types::{
    AccountId, BusinessDate, Cfi, InstructionId, InstrumentId, KeyId, Lei, Mic, PartyId, PublicKey,
    Text,
};

/// Why JSON is not what it should be: which field, and what is wanted there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {why}")]
pub struct BadField {
    /// The path of the field.
    pub field: String,
    /// What is wrong with it.
    pub why: String,
}

/// Decimal places of an instrument's quantities; `None` when it is not listed.
pub type Scales<'a> = &'a dyn Fn(InstrumentId) -> Option<u8>;

/// One object.
pub struct Fields<'a> {
    object: &'a Map<String, Value>,
    path: String,
    read: BTreeSet<&'static str>,
    scales: Scales<'a>,
}

impl<'a> Fields<'a> {
    /// The fields of the object `value`, which stands at `path`.
    ///
    /// # Errors
    /// [`BadField`], when it is no object.
    pub fn of(value: &'a Value, path: &str, scales: Scales<'a>) -> Result<Self, BadField> {
        match value {
            Value::Object(object) => {
                Ok(Self { object, path: path.into(), read: BTreeSet::new(), scales })
            }
            _ => Err(bad(path, "an object is wanted")),
        }
    }

    /// Refuses fields that nobody has read.
    ///
    /// # Errors
    /// [`BadField`], for the first of them.
    pub fn finish(self) -> Result<(), BadField> {
        let unread = self.object.keys().find(|it| !self.read.contains(it.as_str()));
        unread.map_or(Ok(()), |name| Err(bad(&self.at(name), "no such field here")))
    }

    fn at(&self, name: &str) -> String {
        if self.path.is_empty() { name.into() } else { format!("{}.{name}", self.path) }
    }

    /// A refusal of the field `name`.
    pub fn refuse(&self, name: &str, why: impl Display) -> BadField {
        bad(&self.at(name), why)
    }

    /// The value of a field; `None` when it is absent or null.
    pub fn value(&mut self, name: &'static str) -> Option<&'a Value> {
        self.read.insert(name);
        self.object.get(name).filter(|it| !it.is_null())
    }

    fn wanted(&mut self, name: &'static str) -> Result<&'a Value, BadField> {
        self.value(name).ok_or_else(|| self.refuse(name, "it is missing"))
    }

    /// A text.
    ///
    /// # Errors
    /// [`BadField`].
    pub fn text(&mut self, name: &'static str) -> Result<&'a str, BadField> {
        self.wanted(name)?.as_str().ok_or_else(|| self.refuse(name, "a text is wanted"))
    }

    /// A text, empty when absent.
    ///
    /// # Errors
    /// [`BadField`].
    pub fn text_or_empty(&mut self, name: &'static str) -> Result<&'a str, BadField> {
        if self.value(name).is_some() { self.text(name) } else { Ok("") }
    }

    /// A whole number.
    ///
    /// # Errors
    /// [`BadField`].
    pub fn number<T: TryFrom<u64>>(&mut self, name: &'static str) -> Result<T, BadField> {
        let number = self.wanted(name)?.as_u64().and_then(|it| T::try_from(it).ok());
        number.ok_or_else(|| self.refuse(name, "a whole number in range is wanted"))
    }

    /// Yes or no; no when absent.
    ///
    /// # Errors
    /// [`BadField`].
    pub fn flag(&mut self, name: &'static str) -> Result<bool, BadField> {
        let Some(value) = self.value(name) else { return Ok(false) };
        value.as_bool().ok_or_else(|| self.refuse(name, "true or false is wanted"))
    }

    /// A list.
    ///
    /// # Errors
    /// [`BadField`].
    pub fn list(&mut self, name: &'static str) -> Result<Vec<Fields<'a>>, BadField> {
        let values = self.wanted(name)?.as_array();
        let values = values.ok_or_else(|| self.refuse(name, "a list is wanted"))?;
        let at = self.at(name);
        let item = |(place, value)| Fields::of(value, &format!("{at}[{place}]"), self.scales);
        values.iter().enumerate().map(item).collect()
    }

    /// An object; `None` when it is absent.
    ///
    /// # Errors
    /// [`BadField`].
    pub fn object(&mut self, name: &'static str) -> Result<Option<Fields<'a>>, BadField> {
        let Some(value) = self.value(name) else { return Ok(None) };
        Fields::of(value, &self.at(name), self.scales).map(Some)
    }

    /// A text that `parse` understands.
    fn parsed<T>(
        &mut self,
        name: &'static str,
        wanted: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, BadField> {
        let text = self.text(name)?;
        parse(text).ok_or_else(|| self.refuse(name, format_args!("{text:?} is not {wanted}")))
    }

    /// A party's number.
    ///
    /// # Errors
    /// [`BadField`].
    pub fn party(&mut self, name: &'static str) -> Result<PartyId, BadField> {
        self.number(name).map(PartyId)
    }

    /// A key's number.
    ///
    /// # Errors
    /// [`BadField`].
    pub fn key(&mut self, name: &'static str) -> Result<KeyId, BadField> {
        self.number(name).map(KeyId)
    }

    /// A bounded text.
    ///
    /// # Errors
    /// [`BadField`].
    pub fn short<const MAX: u32>(&mut self, name: &'static str) -> Result<Text<MAX>, BadField> {
        let text = self.text_or_empty(name)?;
        Text::new(text).map_err(|error| self.refuse(name, error))
    }

    /// An account.
    ///
    /// # Errors
    /// [`BadField`].
    pub fn account(&mut self, name: &'static str) -> Result<AccountId, BadField> {
        self.parsed(name, "an account, 32 hexadecimal digits", AccountId::parse_hex)
    }

    /// An instrument or a currency.
    ///
    /// # Errors
    /// [`BadField`].
    pub fn instrument(&mut self, name: &'static str) -> Result<InstrumentId, BadField> {
        self.parsed(name, "an ISIN or a currency", InstrumentId::parse)
    }

    /// An instruction's id.
    ///
    /// # Errors
    /// [`BadField`].
    pub fn instruction(&mut self, name: &'static str) -> Result<InstructionId, BadField> {
        self.parsed(name, "an instruction, sender-lane-sequence-index", InstructionId::parse)
    }

    /// A public key.
    ///
    /// # Errors
    /// [`BadField`].
    pub fn public_key(&mut self, name: &'static str) -> Result<PublicKey, BadField> {
        self.hex(name).map(PublicKey)
    }

    /// Bytes in hexadecimal digits.
    ///
    /// # Errors
    /// [`BadField`].
    pub fn hex<const N: usize>(&mut self, name: &'static str) -> Result<[u8; N], BadField> {
        let parse = |text: &str| {
            let mut bytes = [0; N];
            hex::decode_to_slice(text, &mut bytes).ok().map(|()| bytes)
        };
        self.parsed(name, &format!("{} hexadecimal digits", 2 * N), parse)
    }

    /// Roles, a list of their names.
    ///
    /// # Errors
    /// [`BadField`].
    pub fn roles(&mut self, name: &'static str) -> Result<Roles, BadField> {
        let values = self.wanted(name)?.as_array();
        let values = values.ok_or_else(|| self.refuse(name, "a list of roles is wanted"))?;
        values.iter().try_fold(Roles(0), |roles, value| {
            let known = Roles::WORDS.iter().find(|it| value.as_str() == Some(it.0));
            let names = || Roles::WORDS.map(|it| it.0).join(", ");
            let refuse = || self.refuse(name, format_args!("{value} is none of {}", names()));
            known.map(|it| roles.and(it.1)).ok_or_else(refuse)
        })
    }

    /// A quantity of `instrument`: a decimal text, at most as fine as its scale.
    ///
    /// # Errors
    /// [`BadField`], also when the instrument is not listed.
    pub fn amount(
        &mut self,
        name: &'static str,
        instrument: InstrumentId,
    ) -> Result<crypto::Amount, BadField> {
        self.units(name, instrument).map(crypto::Amount::Open)
    }

    /// The same of what is open for all: units of a quantity, minor units of a price.
    ///
    /// # Errors
    /// [`BadField`], also when the instrument is not listed.
    pub fn units(&mut self, name: &'static str, instrument: InstrumentId) -> Result<i64, BadField> {
        let scale = (self.scales)(instrument);
        let scale =
            scale.ok_or_else(|| self.refuse(name, format_args!("{instrument} is not listed")))?;
        let wanted = format!("a decimal number with at most {scale} places");
        self.parsed(name, &wanted, |text| units(text, scale))
    }

    /// A date, YYYY-MM-DD.
    ///
    /// # Errors
    /// [`BadField`].
    pub fn date(&mut self, name: &'static str) -> Result<BusinessDate, BadField> {
        self.parsed(name, "a date, YYYY-MM-DD", |it| it.parse().ok())
    }

    /// A legal entity identifier.
    ///
    /// # Errors
    /// [`BadField`].
    pub fn lei(&mut self, name: &'static str) -> Result<Lei, BadField> {
        self.parsed(name, "a legal entity identifier", |it| it.parse().ok())
    }

    /// A market's identifier code.
    ///
    /// # Errors
    /// [`BadField`].
    pub fn mic(&mut self, name: &'static str) -> Result<Mic, BadField> {
        self.parsed(name, "a market identifier code", |it| it.parse().ok())
    }

    /// A classification.
    ///
    /// # Errors
    /// [`BadField`].
    pub fn cfi(&mut self, name: &'static str) -> Result<Cfi, BadField> {
        self.parsed(name, "a classification, six letters", |it| it.parse().ok())
    }
}

fn bad(field: &str, why: impl Display) -> BadField {
    let field = if field.is_empty() { "the request" } else { field };
    BadField { field: field.into(), why: why.to_string() }
}

/// The units that a decimal text says at `scale` decimal places; `None` if it is no such number.
#[must_use]
pub fn units(text: &str, scale: u8) -> Option<i64> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |it: &str| it.bytes().all(|byte| byte.is_ascii_digit());
    let places = usize::from(scale);
    let point_without_digits = digits.contains('.') && fraction.is_empty();
    if whole.is_empty() || point_without_digits || !plain(whole) || !plain(fraction) {
        return None;
    }
    if fraction.len() > places {
        return None;
    }
    let value: i64 = format!("{whole}{fraction:0<places$}").parse().ok()?;
    Some(if negative { value.checked_neg()? } else { value })
}

/// The decimal text of `units` at `scale` decimal places.
#[must_use]
pub fn decimal(units: impl Into<i128>, scale: u8) -> String {
    let (units, places) = (units.into(), usize::from(scale));
    let sign = if units < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", units.unsigned_abs(), width = places.saturating_add(1));
    let (whole, fraction) = digits.split_at(digits.len().saturating_sub(places));
    if places == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_read_exactly_or_not_at_all() {
        assert_eq!(units("12.5", 2), Some(1250));
        assert_eq!(units("12", 0), Some(12));
        assert_eq!(units("-0.01", 2), Some(-1));
        for text in ["", ".", "1.", ".5", "1.234", "1e3", "+1", " 1", "--1", "9223372036854775808"]
        {
            assert_eq!(units(text, 2), None, "{text:?}");
        }
    }

    #[test]
    fn decimals_are_written_as_they_are_read() {
        for value in [0, 1, -1, 99, 100, -12_345, i64::MAX, i64::MIN + 1] {
            for scale in [0, 2, 8] {
                assert_eq!(units(&decimal(value, scale), scale), Some(value));
            }
        }
    }
}
