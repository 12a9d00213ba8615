//! Currencies, ISO 4217, and how many decimals they have.

use crate::{
    BadIdentifier, Flaw, Identifier, InstrumentId,
    identifier::{code, letter},
};

code! {
    /// Three letters that ISO 4217 lists. The list is part of the rules: all validators have the same.
    Currency, 3
}

/// The codes by the number of decimals of their minor unit; as of January 2026.
const BY_DECIMALS: [(Option<u8>, &str); 5] = [
    (Some(0), "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"),
    (
        Some(2),
        "\
        AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN \
        BZD CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD \
        FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW \
        KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR \
        MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG \
        SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD \
        USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG",
    ),
    (Some(3), "BHD IQD JOD KWD LYD OMR TND"),
    (Some(4), "CLF UYW"),
    (None, "XAG XAU XBA XBB XBC XBD XDR XPD XPT XSU XTS XUA XXX"),
];

impl Currency {
    /// Decimals of the minor unit: 0 for JPY, 2 for USD; `None` for metals, baskets and the codes for tests.
    #[must_use]
    pub fn decimals(&self) -> Option<u8> {
        decimals_of(self.0).flatten()
    }

    fn check(bytes: &[u8; 3]) -> Result<(), BadIdentifier> {
        Identifier::Currency.each(1, bytes, letter)?;
        let known = decimals_of(*bytes);
        known.map(|_| ()).ok_or(Identifier::Currency.with(Flaw::Unknown { place: 1 }))
    }
}

impl From<Currency> for InstrumentId {
    fn from(currency: Currency) -> Self {
        Self::of_currency(currency.0)
    }
}

fn decimals_of(code: [u8; 3]) -> Option<Option<u8>> {
    let mut tables = BY_DECIMALS.iter();
    let listed = |codes: &str| codes.split(' ').any(|it| it.as_bytes() == code);
    tables.find(|(_, codes)| listed(codes)).map(|(decimals, _)| *decimals)
}
