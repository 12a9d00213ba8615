//! CFI, ISO 10962:2021: what kind of instrument it is.

use crate::{
    BadIdentifier, Flaw, Identifier,
    identifier::{code, letter},
};

code! {
    /// A category, a group and four attributes, one letter each; X = not said.
    Cfi, 6
}

/// Each category and group, and the letters that its four attributes may have beside X.
const GROUPS: [(&str, [&str; 4]); 78] = [
    ("CB", ["CMO", "GIJ", "", "QSUY"]),
    ("CE", ["CMO", "GIJ", "BCDEFKLMRV", "SU"]),
    ("CF", ["CMO", "GIJ", "BEHIMP", "QSUY"]),
    ("CH", ["ADELMNRS", "", "", ""]),
    ("CI", ["CMO", "GIJ", "BCDEFKLMRV", "QSUY"]),
    ("CM", ["", "", "", "QSUY"]),
    ("CP", ["CMO", "GIJ", "BCDEFKLMRV", "QSUY"]),
    ("CS", ["CMO", "BGLM", "BMR", "SU"]),
    ("DA", ["FVZ", "CGJNOPQSTU", "ABCDEFGLPQRT", "BMNR"]),
    ("DB", ["CFKVZ", "CGJNOPQSTU", "ABCDEFGLPQRT", "BMNR"]),
    ("DC", ["FKVZ", "CGJNOPQSTU", "ABCDEFGLPQRT", "BMNR"]),
    ("DD", ["ABCGMNTWY", "CFVZ", "CGJNOPQSTU", "ABCDEFGLPQRT"]),
    ("DE", ["ABCDEM", "DFMVY", "CMRST", "BCDIMNST"]),
    ("DG", ["FVZ", "CGJNOPQSTU", "ABCDEFGLPQRT", "BMNR"]),
    ("DM", ["BMP", "", "", "BMNR"]),
    ("DN", ["FVZ", "CGJNOPQSTU", "ABCDEFGLPQRT", "BMNR"]),
    ("DS", ["ABCDM", "DFMVY", "FMV", "BCDIMNST"]),
    ("DT", ["FKVZ", "CGJNOPQSTU", "ABCDEFGLPQRT", "BMNR"]),
    ("DW", ["FKVZ", "CGJNOPQSTU", "ABCDEFGLPQRT", "BMNR"]),
    ("DY", ["FKVZ", "CGJNOPQSTU", "", "BMNR"]),
    ("EC", ["ENRV", "TU", "FOP", "BMNR"]),
    ("ED", ["CFLMPS", "BDNR", "ACDFNPQU", "BMNR"]),
    ("EF", ["ENRV", "ACEGNRT", "ACFNPQU", "BMNR"]),
    ("EL", ["ENRV", "TU", "FOP", "BMNR"]),
    ("EM", ["", "", "", "BMNR"]),
    ("EP", ["ENRV", "ACEGNRT", "ACFNPQU", "BMNR"]),
    ("ES", ["ENRV", "TU", "FOP", "BMNR"]),
    ("EY", ["ABCDEM", "DMY", "EFMV", "BCDGIMNST"]),
    ("FC", ["AEHIMNPS", "CNP", "NS", ""]),
    ("FF", ["BCDFIMNOSVW", "CNP", "NS", ""]),
    ("HC", ["IMUVW", "ABCDEFGHI", "ABDGLMPV", "CEP"]),
    ("HE", ["BFIMORS", "ABCDEFGHI", "ABDGLMPV", "CEP"]),
    ("HF", ["BCDEFMQRTUVWY", "JKL", "ABDGLMPV", "CEP"]),
    ("HM", ["MP", "ABCDEFGHIJKL", "ABDGLMPV", "ACENP"]),
    ("HR", ["ACDEFGHMOR", "ABCDEFGHI", "ABCDFGLMPV", "CEP"]),
    ("HT", ["ABCFGHIJKMNOPRSTW", "ABCDEFGHI", "ABDGLMPV", "CEP"]),
    ("IF", ["", "", "", "P"]),
    ("IT", ["AJKMNPST", "", "", ""]),
    ("JC", ["ABCDGIO", "", "CFS", "CP"]),
    ("JE", ["BFIOS", "", "CFS", "CP"]),
    ("JF", ["FJKLNORSTUVW", "", "CFRS", "CP"]),
    ("JR", ["IMO", "", "CFS", "CP"]),
    ("JT", ["ABCGHIJKMNPST", "", "CFS", "CP"]),
    ("KC", ["", "", "", ""]),
    ("KE", ["", "", "", ""]),
    ("KF", ["", "", "", ""]),
    ("KM", ["", "", "", ""]),
    ("KR", ["", "", "", ""]),
    ("KT", ["", "", "", ""]),
    ("KY", ["", "", "", ""]),
    ("LL", ["ABJKMNPST", "", "", "CP"]),
    ("LR", ["CGS", "FNOT", "", "DHT"]),
    ("LS", ["CDEGKLMPTW", "NOT", "", "DFHT"]),
    ("MC", ["ABHMSUW", "TU", "", "BMNR"]),
    ("MM", ["EIMNPRST", "", "", ""]),
    ("OC", ["ABE", "BCDFIMNOSTW", "CENP", "NS"]),
    ("OM", ["", "", "", ""]),
    ("OP", ["ABE", "BCDFIMNOSTW", "CENP", "NS"]),
    ("RA", ["", "", "", "BMNR"]),
    ("RD", ["AMPSW", "", "", "BMNR"]),
    ("RF", ["BCDIMST", "MNT", "CMP", "ABEM"]),
    ("RM", ["", "", "", ""]),
    ("RP", ["BCFIMPS", "", "", "BMNR"]),
    ("RS", ["BCFIMPS", "", "", "BMNR"]),
    ("RW", ["BCDIMST", "CNT", "BCP", "ABEM"]),
    ("SC", ["BIMUV", "CMT", "CLS", "ACP"]),
    ("SE", ["BIMS", "CDLMPTV", "", "CEP"]),
    ("SF", ["ACM", "", "", "CP"]),
    ("SM", ["MP", "", "", "CEP"]),
    ("SR", ["ACDGHMZ", "CDIY", "CS", "DN"]),
    ("ST", ["ABCGHIJKMNPQST", "CT", "", "CEP"]),
    ("TB", ["CDEFIMT", "", "", ""]),
    ("TC", ["CLMN", "", "", ""]),
    ("TD", ["CFKLMPS", "", "", ""]),
    ("TI", ["CDEFMRT", "CEFMP", "GMNP", ""]),
    ("TM", ["", "", "", ""]),
    ("TR", ["FMNRV", "ADMNQSW", "", ""]),
    ("TT", ["AEHIMNPS", "", "", ""]),
];

impl Cfi {
    /// The category: E equities, D debt, C collective investment, and so on.
    #[must_use]
    pub const fn category(&self) -> u8 {
        let [category, ..] = self.0;
        category
    }

    fn check(bytes: &[u8; 6]) -> Result<(), BadIdentifier> {
        let kind = Identifier::Cfi;
        kind.each(1, bytes, letter)?;
        let [category, group, attributes @ ..] = bytes;
        if !GROUPS.iter().any(|(it, _)| it.as_bytes().first() == Some(category)) {
            return Err(kind.with(Flaw::Unknown { place: 1 }));
        }
        let row = GROUPS.iter().find(|(it, _)| it.as_bytes() == [*category, *group]);
        let (_, allowed) = row.ok_or(kind.with(Flaw::Unknown { place: 2 }))?;
        let mut places = attributes.iter().zip(allowed).zip(3..);
        let known =
            |letter: u8, letters: &str| letter == b'X' || letters.as_bytes().contains(&letter);
        match places.find(|((letter, letters), _)| !known(**letter, letters)) {
            Some((_, place)) => Err(kind.with(Flaw::Unknown { place })),
            None => Ok(()),
        }
    }
}
