//! Roles: what a party may do, and the words for it.

use alloc::vec::Vec;

use types::Wire;

/// What a party may do: a set of roles, one bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Roles(pub u16);

impl Roles {
    /// Lists instruments, imports trades. An administrator.
    pub const EXCHANGE: Self = Self(1);
    /// Buyer to every seller and seller to every buyer. An administrator.
    pub const CCP: Self = Self(1 << 1);
    /// Keeps accounts and the integrity of issues. An administrator.
    pub const CSD: Self = Self(1 << 2);
    /// Issues money tokens.
    pub const SETTLEMENT_BANK: Self = Self(1 << 3);
    /// Reads what it is entitled to.
    pub const SUPERVISOR: Self = Self(1 << 4);
    /// Signs off settlements, proves settlement sets.
    pub const SETTLEMENT_AGENT: Self = Self(1 << 5);
    /// Has issued securities. Requests; every effective verb is refused to it.
    pub const ISSUER: Self = Self(1 << 6);
    /// Settlement member: manages accounts, instructs.
    pub const PARTICIPANT: Self = Self(1 << 7);
    /// Follows, and asks nothing.
    pub const OBSERVER: Self = Self(1 << 8);
    /// Reports outside data.
    pub const FEEDER: Self = Self(1 << 9);
    /// Those that run the market together.
    pub const ADMINISTRATOR: Self = Self(0b111);
    /// Those that may manage accounts.
    pub const ACCOUNT_MANAGER: Self = Self(1 << 7 | 1 << 2 | 1 << 3);
    /// Every role there is.
    pub const ALL: Self = Self((1 << 10) - 1);

    /// Every role and its word.
    pub const WORDS: [(&str, Self); 10] = [
        ("exchange", Self::EXCHANGE),
        ("ccp", Self::CCP),
        ("csd", Self::CSD),
        ("settlement-bank", Self::SETTLEMENT_BANK),
        ("supervisor", Self::SUPERVISOR),
        ("settlement-agent", Self::SETTLEMENT_AGENT),
        ("issuer", Self::ISSUER),
        ("participant", Self::PARTICIPANT),
        ("observer", Self::OBSERVER),
        ("feeder", Self::FEEDER),
    ];

    /// Whether the sets share a role.
    #[must_use]
    pub const fn any_of(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Both sets.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl Wire for Roles {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }
    fn read(from: &mut types::Reader<'_>) -> Result<Self, types::DecodeError> {
        u16::read(from).map(Self)
    }
}
