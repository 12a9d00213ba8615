//! Values of every record and choice, made from `docs/formats/fields.md` alone: what the page draws is what the
//! decoders must read.

use std::collections::BTreeMap;

/// The page.
pub struct Schema(BTreeMap<String, Declared>);

/// A record or a choice.
pub struct Declared {
    /// The file that declares it.
    pub file: String,
    /// Of a record one, without tag and name.
    pub variants: Vec<Variant>,
}

/// One of the things that a choice can be.
#[derive(Clone, Default)]
pub struct Variant {
    pub tag: Option<u8>,
    pub name: String,
    /// Names and types.
    pub fields: Vec<(String, String)>,
}

impl Variant {
    /// Its fields as one text.
    pub fn layout(&self) -> String {
        let fields: Vec<String> =
            self.fields.iter().map(|it| format!("{}: {}", it.0, it.1)).collect();
        fields.join(", ")
    }
}

/// Choices that have grown, and how many things they could be when the first examples were frozen: inside of
/// other words one of those is drawn, so that what is added at the end changes no example.
const GROWN: [(&str, u32); 4] =
    [("Instruction", 29), ("Event", 26), ("Reject", 36), ("ParameterName", 5)];

/// Numbers that look like chance and are the same everywhere.
pub struct Draw(pub u64);

impl Draw {
    pub fn byte(&mut self) -> u8 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0.to_be_bytes()[1]
    }

    fn below(&mut self, bound: u32) -> u32 {
        u32::from_be_bytes([0, self.byte(), self.byte(), self.byte()]) % bound
    }

    fn bytes(&mut self, count: u32, out: &mut Vec<u8>) {
        out.extend((0..count).map(|_| self.byte()));
    }

    fn one_of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(u32::try_from(all.len()).unwrap()) as usize]
    }
}

impl Schema {
    /// Reads the page.
    pub fn read(page: &str) -> Self {
        let (mut all, mut file, mut name) = (BTreeMap::new(), String::new(), String::new());
        for line in page.lines() {
            if let Some(path) = line.strip_prefix("## ") {
                file = path.into();
            } else if let Some(word) = line.strip_prefix("### ") {
                name = word.into();
                let declared = Declared { file: file.clone(), variants: Vec::new() };
                assert!(all.insert(name.clone(), declared).is_none(), "{name} is declared twice");
            } else if let Some(row) = line.strip_prefix("| ") {
                let cells: Vec<&str> = row.split('|').map(str::trim).collect();
                if let Some(declared) = all.get_mut(&name) {
                    declared.row(cells[2], cells[3]);
                }
            }
        }
        Self(all)
    }

    /// Every record and choice.
    pub fn all(&self) -> impl Iterator<Item = (&str, &Declared)> {
        self.0.iter().map(|(name, it)| (name.as_str(), it))
    }

    /// What is declared under a name.
    pub fn get(&self, name: &str) -> &Declared {
        self.0.get(name).unwrap_or_else(|| panic!("the page draws {name}"))
    }

    /// Bytes of a variant.
    pub fn bytes(&self, variant: &Variant, draw: &mut Draw) -> Vec<u8> {
        let mut out = Vec::new();
        self.variant(variant, draw, &mut out);
        out
    }

    /// The most bytes that a word has, amounts being open and lists of at most `list` elements.
    pub fn most(&self, kind: &str, list: u64) -> u64 {
        let inner = |outer: &str| kind.strip_prefix(outer)?.strip_suffix('>');
        if let Some(parts) = kind.strip_prefix('(').and_then(|it| it.strip_suffix(')')) {
            let (first, second) = halves(parts);
            return self.most(first, list) + self.most(second, list);
        }
        if let Some(some) = inner("Option<") {
            return 1 + self.most(some, list);
        }
        if let Some(some) = inner("Vec<") {
            return 4 + list * self.most(some, list);
        }
        if let Some(max) = inner("Text<") {
            return 4 + max.parse::<u64>().unwrap();
        }
        if let Some(len) = kind.strip_prefix("[u8;").and_then(|it| it.strip_suffix(']')) {
            return len.trim().parse().unwrap();
        }
        let word = kind.rsplit("::").next().unwrap();
        if word == "Handles" {
            return 1 + 4 * 32;
        }
        let Some(declared) = self.0.get(word) else {
            let mut bytes = Vec::new();
            self.word(word, &mut Draw(1), &mut bytes);
            return bytes.len() as u64;
        };
        let sum = |it: &Variant| -> u64 {
            let fields = it.fields.iter().map(|it| self.most(&it.1, list));
            u64::from(it.tag.is_some()) + fields.sum::<u64>()
        };
        let open = declared.variants.iter().filter(|it| word != "Amount" || it.name == "Open");
        open.map(sum).max().unwrap()
    }

    fn variant(&self, variant: &Variant, draw: &mut Draw, out: &mut Vec<u8>) {
        out.extend(variant.tag);
        for (_, kind) in &variant.fields {
            self.put(kind, draw, out);
        }
    }

    fn put(&self, kind: &str, draw: &mut Draw, out: &mut Vec<u8>) {
        let inner = |outer: &str| kind.strip_prefix(outer)?.strip_suffix('>');
        if let Some(parts) = kind.strip_prefix('(').and_then(|it| it.strip_suffix(')')) {
            let (first, second) = halves(parts);
            self.put(first, draw, out);
            return self.put(second, draw, out);
        }
        if let Some(some) = inner("Option<") {
            let there = draw.below(3) > 0;
            out.push(u8::from(there));
            if there {
                self.put(some, draw, out);
            }
            return;
        }
        if let Some(some) = inner("Vec<") {
            let count = draw.below(4);
            out.extend(count.to_be_bytes());
            return (0..count).for_each(|_| self.put(some, draw, out));
        }
        if let Some(max) = inner("Text<") {
            let max = max.parse::<u32>().unwrap();
            let len = draw.below(max + 1);
            out.extend(len.to_be_bytes());
            out.extend((0..len).map(|_| b' ' + draw.byte() % 95));
            return;
        }
        if let Some(len) = kind.strip_prefix("[u8;").and_then(|it| it.strip_suffix(']')) {
            return draw.bytes(len.trim().parse().unwrap(), out);
        }
        self.word(kind.rsplit("::").next().unwrap(), draw, out);
    }

    fn word(&self, kind: &str, draw: &mut Draw, out: &mut Vec<u8>) {
        let bits = kind.strip_prefix(['u', 'i']).and_then(|it| it.parse::<u32>().ok());
        match (kind, bits) {
            (_, Some(bits)) => draw.bytes(bits / 8, out),
            ("AccountId", _) => draw.bytes(16, out),
            ("Place", _) => draw.bytes(28, out),
            ("InstrumentId", _) => draw.bytes(12, out),
            ("ChainId" | "Digest" | "Point" | "PublicKey", _) => draw.bytes(32, out),
            ("PartyId" | "KeyId", _) => draw.bytes(4, out),
            ("Lane" | "Roles", _) => draw.bytes(2, out),
            ("LedgerTime", _) => draw.bytes(8, out),
            ("bool", _) => out.push(draw.byte() % 2),
            ("BusinessDate", _) => out.extend(draw.below(2_932_897).to_be_bytes()),
            ("Bytes", _) => {
                let len = draw.below(40);
                out.extend(len.to_be_bytes());
                draw.bytes(len, out);
            }
            ("Handles", _) => {
                let count = draw.byte() % 5;
                out.push(count);
                draw.bytes(32 * u32::from(count), out);
            }
            ("Databases", _) => {
                let count = draw.byte() % 5;
                out.push(count);
                let range = &self.get("DatabaseRange").variants[0];
                (0..count).for_each(|_| self.variant(range, draw, out));
            }
            ("Isin", _) => out.extend(draw.one_of(&["US0378331005", "JP3633400001"]).bytes()),
            ("Lei", _) => {
                let known = ["5493001KJTIIGC8Y1R12", "213800WSGIIZCXF1P572"];
                out.extend(draw.one_of(&known).bytes());
            }
            ("Bic", _) => out.extend(draw.one_of(&["BOJPJPJTXXX", "DEUTDEFF\0\0\0"]).bytes()),
            ("Mic", _) => out.extend(draw.one_of(&["XTKS", "XJPX"]).bytes()),
            ("Cfi", _) => out.extend(draw.one_of(&["ESVUFR", "TCNXXX"]).bytes()),
            ("Currency", _) => out.extend(draw.one_of(&["JPY", "EUR"]).bytes()),
            // Its two fields stood in the amount itself when the first examples were frozen.
            ("Sealed", _) => self.variant(&self.get(kind).variants[0], draw, out),
            _ => {
                let variants = &self.get(kind).variants;
                let grown = GROWN.iter().find(|it| it.0 == kind).map(|it| it.1);
                let count = grown.unwrap_or_else(|| u32::try_from(variants.len()).unwrap());
                self.variant(&variants[draw.below(count) as usize], draw, out);
            }
        }
    }
}

impl Declared {
    fn row(&mut self, field: &str, kind: &str) {
        if kind == "type" || kind.starts_with("---") {
            return;
        }
        if let Some(tagged) = field.strip_prefix("**").and_then(|it| it.strip_suffix("**")) {
            let (tag, name) = tagged.split_once(' ').unwrap();
            let tag = Some(u8::from_str_radix(tag, 16).unwrap());
            self.variants.push(Variant { tag, name: name.into(), fields: Vec::new() });
            return;
        }
        if self.variants.is_empty() {
            self.variants.push(Variant::default());
        }
        let field = (field.to_string(), kind.trim_matches('`').to_string());
        self.variants.last_mut().unwrap().fields.push(field);
    }
}

/// The two types of a pair.
fn halves(parts: &str) -> (&str, &str) {
    let mut depth = 0;
    for (place, letter) in parts.char_indices() {
        match letter {
            '(' | '<' | '[' => depth += 1,
            ')' | '>' | ']' => depth -= 1,
            ',' if depth == 0 => return (parts[..place].trim(), parts[place + 1..].trim()),
            _ => (),
        }
    }
    panic!("{parts} is no pair")
}
