//! What decoders refuse: each kind of byte that no value is written as, by name.

use types::{
    BusinessDate, Bytes, Cfi, Currency, DecodeError, Isin, LEN_MAX, Lei, Mic, Reader, Sender, Text,
    Wire,
};

fn refused<T: Wire>(bytes: &[u8]) -> Option<DecodeError> {
    T::from_bytes(bytes).err()
}

#[test]
fn a_presence_byte_or_a_truth_is_0_or_1() {
    for tag in 2..=255 {
        assert_eq!(refused::<bool>(&[tag]), Some(DecodeError::UnknownTag(tag)));
        assert_eq!(refused::<Option<u8>>(&[tag, 0]), Some(DecodeError::UnknownTag(tag)));
        assert_eq!(refused::<Sender>(&[tag; 17]), Some(DecodeError::UnknownTag(tag)));
    }
    assert_eq!(refused::<Option<u8>>(&[0, 0]), Some(DecodeError::Trailing));
    assert_eq!(refused::<Option<u8>>(&[1]), Some(DecodeError::Truncated));
}

#[test]
fn a_length_says_no_more_than_its_field_allows_and_no_more_than_there_is() {
    let list = |len: u32| [&len.to_be_bytes()[..], &[7; 8]].concat();
    assert_eq!(refused::<Vec<u8>>(&list(8)), None);
    assert_eq!(refused::<Vec<u8>>(&list(7)), Some(DecodeError::Trailing));
    assert_eq!(refused::<Vec<u8>>(&list(9)), Some(DecodeError::Truncated));
    assert_eq!(refused::<Bytes>(&list(LEN_MAX)), Some(DecodeError::Truncated));
    assert_eq!(refused::<Vec<u64>>(&list(LEN_MAX)), Some(DecodeError::Truncated));
    for len in [LEN_MAX + 1, u32::MAX] {
        assert_eq!(refused::<Bytes>(&list(len)), Some(DecodeError::TooLong));
        assert_eq!(refused::<Vec<u64>>(&list(len)), Some(DecodeError::TooLong));
    }
    assert_eq!(
        refused::<Text<8>>(&[0, 0, 0, 9, 65, 65, 65, 65, 65, 65, 65, 65, 65]),
        Some(DecodeError::TooLong)
    );
    assert_eq!(refused::<Text<9>>(&[0, 0, 0, 9, 65, 65, 65, 65, 65, 65, 65, 65, 65]), None);
}

#[test]
fn a_text_is_utf_8_without_control_characters() {
    for bad in [&[0xff][..], &[0xc3], b"a\nb", b"\0", "\u{85}".as_bytes(), &[0xc0, 0x80]] {
        let bytes = [&u32::try_from(bad.len()).unwrap().to_be_bytes()[..], bad].concat();
        assert_eq!(refused::<Text<35>>(&bytes), Some(DecodeError::NotCanonical), "{bad:?}");
    }
    let bytes = [&9_u32.to_be_bytes()[..], "\u{632f}\u{66ff}ABC".as_bytes()].concat();
    assert_eq!(Text::<35>::from_bytes(&bytes).unwrap().as_str(), "\u{632f}\u{66ff}ABC");
}

#[test]
fn a_code_or_a_date_that_is_none_is_refused() {
    assert_eq!(refused::<Isin>(b"US0378331005"), None);
    assert_eq!(refused::<Isin>(b"US0378331006"), Some(DecodeError::NotCanonical));
    assert_eq!(refused::<Lei>(b"353800PEEUDBIK7X8W96"), Some(DecodeError::NotCanonical));
    assert_eq!(refused::<Mic>(b"xtks"), Some(DecodeError::NotCanonical));
    assert_eq!(refused::<Currency>(b"XYZ"), Some(DecodeError::NotCanonical));
    assert_eq!(refused::<Cfi>(b"ESVUF1"), Some(DecodeError::NotCanonical));
    assert_eq!(refused::<Isin>(b"US037833100"), Some(DecodeError::Truncated));
    assert_eq!(refused::<BusinessDate>(&BusinessDate::LAST.0.to_be_bytes()), None);
    let late = (BusinessDate::LAST.0 + 1).to_be_bytes();
    assert_eq!(refused::<BusinessDate>(&late), Some(DecodeError::NotCanonical));
}

#[test]
fn a_reader_stops_at_the_end() {
    let mut reader = Reader::new(&[1, 2, 3]);
    assert_eq!(reader.take(2), Ok(&[1, 2][..]));
    assert_eq!(reader.array::<2>(), Err(DecodeError::Truncated));
    assert_eq!(reader.take(u32::MAX), Err(DecodeError::Truncated));
    assert_eq!(reader.take(1), Ok(&[3][..]));
    assert!(reader.is_empty());
}
