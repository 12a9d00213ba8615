//! Reads the `record!` and `choice!` declarations of a source file.

/// A record, or a choice.
pub struct Declaration {
    /// Its name.
    pub name: String,
    /// What its comment says.
    pub doc: String,
    /// Of a record the one, without tag and name.
    pub variants: Vec<Variant>,
}

/// One of the things that a choice can be.
pub struct Variant {
    /// Its first byte.
    pub tag: Option<u8>,
    /// Its name.
    pub name: String,
    /// What its comment says.
    pub doc: String,
    /// Its fields, in order.
    pub fields: Vec<Field>,
}

/// One field.
pub struct Field {
    /// Its name; empty if it has none.
    pub name: String,
    /// Its type.
    pub kind: String,
    /// What its comment says.
    pub doc: String,
}

/// Every declaration of the file, in order.
pub fn read(text: &str) -> Result<Vec<Declaration>, String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("! {") {
        rest = after;
        let opened = ["types::", "crate::"].iter().find_map(|path| {
            ["record", "choice"].into_iter().find(|word| before.ends_with(&format!("{path}{word}")))
        });
        if let Some(word) = opened {
            let mut scanner = Scanner { rest };
            let declaration = scanner.declaration(word == "choice");
            let lines = text.len() - scanner.rest.len();
            let line = text[..lines].lines().count();
            found.push(declaration.map_err(|why| format!("line {line}: {why}"))?);
            rest = scanner.rest;
        }
    }
    Ok(found)
}

struct Scanner<'a> {
    rest: &'a str,
}

impl Scanner<'_> {
    fn declaration(&mut self, choice: bool) -> Result<Declaration, String> {
        let doc = self.comment();
        self.expect("pub")?;
        self.expect(if choice { "enum" } else { "struct" })?;
        let name = self.word()?;
        self.expect("{")?;
        let variants = if choice {
            self.variants()?
        } else {
            let fields = self.fields()?;
            vec![Variant { tag: None, name: String::new(), doc: String::new(), fields }]
        };
        Ok(Declaration { name, doc, variants })
    }

    fn variants(&mut self) -> Result<Vec<Variant>, String> {
        let mut variants = Vec::new();
        loop {
            let doc = self.comment();
            if self.take("}") {
                return Ok(variants);
            }
            let tag = self.word()?.parse().map_err(|_| "a tag is no byte".to_string())?;
            self.expect("=>")?;
            let name = self.word()?;
            let fields = if self.take("{") {
                self.fields()?
            } else if self.take("(") {
                let kind = self.kind(')');
                self.expect(")")?;
                vec![Field { name: String::new(), kind, doc: String::new() }]
            } else {
                Vec::new()
            };
            self.expect(",")?;
            variants.push(Variant { tag: Some(tag), name, doc, fields });
        }
    }

    fn fields(&mut self) -> Result<Vec<Field>, String> {
        let mut fields = Vec::new();
        loop {
            let doc = self.comment();
            if self.take("}") {
                return Ok(fields);
            }
            self.take("pub ");
            let name = self.word()?;
            self.expect(":")?;
            let kind = self.kind(',');
            self.expect(",")?;
            fields.push(Field { name, kind, doc });
        }
    }

    /// The comment that stands here, on one line; attributes are passed over.
    fn comment(&mut self) -> String {
        let mut said: Vec<&str> = Vec::new();
        loop {
            let rest = self.rest.trim_start();
            if !rest.starts_with("//") && !rest.starts_with("#[") {
                return said.join(" ").replace('|', "\\|");
            }
            let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
            said.extend(line.strip_prefix("///").map(str::trim));
            self.rest = after;
        }
    }

    fn take(&mut self, text: &str) -> bool {
        let rest = self.rest.trim_start().strip_prefix(text);
        rest.inspect(|it| self.rest = it).is_some()
    }

    fn expect(&mut self, text: &str) -> Result<(), String> {
        if self.take(text) { Ok(()) } else { Err(format!("`{text}` is missing")) }
    }

    fn word(&mut self) -> Result<String, String> {
        let rest = self.rest.trim_start();
        let end = rest.find(|it: char| !it.is_alphanumeric() && it != '_').unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        self.rest = after;
        if word.is_empty() { Err("a name is missing".into()) } else { Ok(word.into()) }
    }

    /// The type up to `end`, which may stand in brackets within it.
    fn kind(&mut self, end: char) -> String {
        let rest = self.rest.trim_start();
        let mut depth = 0;
        let stop = rest.find(|it| {
            let stop = it == end && depth == 0;
            depth += i32::from("<([".contains(it)) - i32::from(">)]".contains(it));
            stop
        });
        let (kind, after) = rest.split_at(stop.unwrap_or(rest.len()));
        self.rest = after;
        kind.trim().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn records_and_choices_are_read() {
        let text = "types::record! {\n /// One.\n #[derive(Copy)]\n pub struct One {\n /// A,\n /// long.\n \
                    pub a: Vec<(A, B)>,\n pub b: u8,\n }\n}\nfn x() {}\ncrate::choice! {\n /// Two.\n pub enum Two {\n \
                    /// X.\n 0 => X { /// Of x.\n a: [u8; 4], },\n 1 => Y(One),\n 2 => Z,\n }\n}\n";
        let found = read(text).expect("readable");
        let [one, two] = found.as_slice() else { panic!("two are declared") };
        assert_eq!((one.name.as_str(), one.doc.as_str()), ("One", "One."));
        let fields: Vec<_> =
            one.variants[0].fields.iter().map(|it| (&*it.name, &*it.kind, &*it.doc)).collect();
        assert_eq!(fields, [("a", "Vec<(A, B)>", "A, long."), ("b", "u8", "")]);
        let variants: Vec<_> =
            two.variants.iter().map(|it| (it.tag, &*it.name, it.fields.len())).collect();
        assert_eq!(variants, [(Some(0), "X", 1), (Some(1), "Y", 1), (Some(2), "Z", 0)]);
        assert_eq!(two.variants[0].fields[0].doc, "Of x.");
    }

    #[test]
    fn what_is_not_a_declaration_is_said_so() {
        assert!(read("types::record! { struct One { } }").is_err());
        assert!(read("macro_rules! record { }").expect("nothing").is_empty());
    }
}
