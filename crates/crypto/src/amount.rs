//! Amounts: open for everybody, or sealed for the entitled.

use alloc::vec::Vec;

use types::{DecodeError, Reader, Wire};

/// Most handles of one amount: from, to, administrators, issuer.
const HANDLES_MAX: u8 = 4;

types::choice! {
    /// An amount of one instrument, in its smallest units. Below zero only for what is issued.
    pub enum Amount {
        /// Everybody can read it.
        0 => Open(i64),
        /// Only the entitled can read it.
        1 => Sealed {
            /// A commitment to the amount.
            commitment: [u8; 32],
            /// What opens it, one for each that is entitled.
            handles: Handles,
        },
    }
}

/// Handles of a sealed amount, at most four: a count in one byte, then 32 bytes each.
///
/// In a movement from, to, administrators, issuer; in a position owner, administrators, issuer.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Handles(Vec<[u8; 32]>);

impl Handles {
    /// These handles; `None` if they are more than four.
    #[must_use]
    pub fn new(handles: Vec<[u8; 32]>) -> Option<Self> {
        u8::try_from(handles.len()).is_ok_and(|it| it <= HANDLES_MAX).then_some(Self(handles))
    }

    /// The handles, in their order.
    #[must_use]
    pub fn all(&self) -> &[[u8; 32]] {
        &self.0
    }
}

impl Wire for Handles {
    fn write(&self, out: &mut Vec<u8>) {
        let count = u8::try_from(self.0.len());
        assert!(count.is_ok_and(|it| it <= HANDLES_MAX), "handles are counted when they are made");
        out.push(count.unwrap_or(HANDLES_MAX));
        self.0.iter().for_each(|it| it.write(out));
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let count = u8::read(from)?;
        if count > HANDLES_MAX {
            return Err(DecodeError::TooLong);
        }
        (0..count).map(|_| from.array()).collect::<Result<_, _>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    #[test]
    fn the_bytes_are_those_of_version_1() {
        assert_eq!(Amount::Open(-2).to_bytes(), [0, 255, 255, 255, 255, 255, 255, 255, 254]);
        let handles = Handles::new(vec![[2; 32], [3; 32]]).unwrap();
        let sealed = Amount::Sealed { commitment: [1; 32], handles };
        let bytes = [vec![1], vec![1; 32], vec![2], vec![2; 32], vec![3; 32]].concat();
        assert_eq!(sealed.to_bytes(), bytes);
        assert_eq!(Amount::from_bytes(&bytes), Ok(sealed));
    }

    #[test]
    fn more_than_four_handles_and_cut_bytes_are_refused() {
        assert_eq!(Handles::new(vec![[0; 32]; 5]), None);
        for count in 0..=u8::MAX {
            let bytes = [vec![count], vec![7; 32 * usize::from(count)]].concat();
            let read = Handles::from_bytes(&bytes);
            assert_eq!(read.is_ok(), count <= 4);
            assert_eq!(read.err(), (count > 4).then_some(DecodeError::TooLong));
        }
        let four = Handles::new(vec![[9; 32]; 4]).unwrap().to_bytes();
        for end in 0..four.len() {
            assert_eq!(Handles::from_bytes(&four[..end]), Err(DecodeError::Truncated));
        }
        let longer = [four, vec![0]].concat();
        assert_eq!(Handles::from_bytes(&longer), Err(DecodeError::Trailing));
    }
}
