//! The words of a line.

use alloc::{format, string::String, vec::Vec};

use super::Flaw;

/// The words of one line that are not read yet. A comma, colon or semicolon at a word's end is a word.
pub(super) struct Words<'a> {
    left: core::iter::Peekable<alloc::vec::IntoIter<&'a str>>,
}

impl<'a> Words<'a> {
    /// The words of a line. `#` before a word begins a comment; `"` encloses words that belong together.
    pub fn of(line: &'a str) -> Result<Self, Flaw> {
        let mut words = Vec::new();
        let mut rest = line.trim_start();
        while !rest.is_empty() && !rest.starts_with('#') {
            let (word, after) = match rest.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"').ok_or_else(|| {
                    Flaw::new("a quotation is not closed", "write `\"` at its end")
                })?,
                None => rest.split_at_checked(plain(rest)).unwrap_or((rest, "")),
            };
            words.push(word);
            rest = after.trim_start();
        }
        Ok(Self { left: words.into_iter().peekable() })
    }

    /// The next word, without reading it.
    pub fn peek(&mut self) -> Option<&'a str> {
        self.left.peek().copied()
    }

    /// Reads a word that was looked at.
    pub fn skip(&mut self) {
        self.left.next();
    }

    /// The next word; `wanted` says what it should be.
    pub fn next(&mut self, wanted: &str) -> Result<&'a str, Flaw> {
        let next = self.left.next();
        next.ok_or_else(|| Flaw::new("the line ends too early", format!("write {wanted} here")))
    }

    /// Reads the next word if it is this one.
    pub fn is(&mut self, word: &str) -> bool {
        self.left.next_if(|it| *it == word).is_some()
    }

    /// Reads these words, which must come next.
    pub fn must(&mut self, words: &str) -> Result<(), Flaw> {
        for word in words.split(' ') {
            let next = self.next(&format!("`{words}`"))?;
            if next != word {
                let what = format!("`{next}` stands where `{words}` is wanted");
                return Err(Flaw::new(what, format!("write `{words}` before it")));
            }
        }
        Ok(())
    }

    /// The line must end here.
    pub fn end(&mut self) -> Result<(), Flaw> {
        match self.left.next() {
            None => Ok(()),
            Some(word) => Err(Flaw::new(format!("`{word}` is too much"), "end the line before it")),
        }
    }

    /// What stands here and after each comma.
    pub fn list<T>(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Result<T, Flaw>,
    ) -> Result<Vec<T>, Flaw> {
        let mut all = alloc::vec![read(self)?];
        while self.is(",") {
            all.push(read(self)?);
        }
        Ok(all)
    }

    /// The word of a list of choices that comes next, and what it means.
    pub fn choice<T: Copy>(&mut self, wanted: &str, choices: &[(&str, T)]) -> Result<T, Flaw> {
        let words: Vec<&str> = choices.iter().map(|it| it.0).collect();
        let all = format!("one of {}", words.join(", "));
        let next = self.next(&format!("{wanted}: {all}"))?;
        let found = choices.iter().find(|it| it.0 == next).map(|it| it.1);
        found.ok_or_else(|| Flaw::new(format!("`{next}` is no {wanted}"), format!("write {all}")))
    }
}

/// Where a plain word ends: before white space, or before the mark that ends it.
#[expect(clippy::disallowed_types, reason = "a place in a text of memory")]
fn plain(text: &str) -> usize {
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    let word = text.get(..end).unwrap_or(text);
    let marked = word.len() > 1 && word.ends_with([',', ':', ';']);
    if marked { end.saturating_sub(1) } else { end }
}

/// A name that a script gives: small letters, digits, `-`, and capitals; at most 30 of them.
pub(super) fn name(word: &str) -> Result<String, Flaw> {
    let plain = |it: char| it.is_ascii_alphanumeric() || "-_.".contains(it);
    let starts = word.chars().next().is_some_and(|it| it.is_ascii_alphanumeric());
    if starts && word.len() <= 30 && word.chars().all(plain) {
        return Ok(word.into());
    }
    let instead = "write at most 30 letters, digits, `-`, `_` and `.`, a letter or digit first";
    Err(Flaw::new(format!("`{word}` is no name"), instead))
}
