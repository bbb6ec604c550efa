//! Identifiers: one door, one spelling.

use base::{Country, EntryId, IdError, NodeName, NoradId};
use proptest::prelude::*;
use testkit::nouns::{country, entry_id, node_name, norad_id};

/// Alpha-5 as Space-Track writes it: the ten-thousands 10 to 33 are the letters without I and O.
fn alpha_5(number: u32) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ";
    match (number / 10_000).checked_sub(10) {
        Some(letter) => format!("{}{:04}", char::from(LETTERS[letter as usize]), number % 10_000),
        None => format!("{number:05}"),
    }
}

proptest! {
    #[test]
    fn alpha_5_is_read_as_its_number(number in 0..340_000_u32) {
        prop_assert_eq!(alpha_5(number).parse(), Ok(NoradId::new(number)));
    }

    #[test]
    fn a_number_is_written_as_a_number(id in norad_id()) {
        prop_assert_eq!(id.to_string(), id.get().to_string());
        prop_assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn any_text_is_a_number_or_refused(text in "[A-Za-z0-9+ ]{0,7}") {
        if let Ok(id) = text.parse::<NoradId>() {
            let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            prop_assert!(digits || text == alpha_5(id.get()), "`{}` was read as {}", text, id);
        }
    }

    #[test]
    fn a_hash_has_one_spelling(id in entry_id()) {
        let text = id.to_string();
        prop_assert_eq!(text.len(), 64);
        prop_assert!(text.starts_with(&id.short()));
        prop_assert_eq!(text.parse(), Ok(id));
        let upper = text.to_uppercase();
        prop_assert!(upper == text || upper.parse::<EntryId>().is_err());
        prop_assert!(text[..63].parse::<EntryId>().is_err());
    }

    #[test]
    fn codes_and_names_are_what_was_written(code in country(), name in node_name()) {
        prop_assert_eq!(code.to_string().parse(), Ok(code));
        prop_assert_eq!(name.to_string().parse(), Ok(name));
    }

    #[test]
    fn any_text_is_an_id_or_refused(text in "(?s).{0,70}") {
        let hash = text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        prop_assert_eq!(text.parse::<EntryId>().is_ok(), hash);
        let code = text.len() == 3 && text.bytes().all(|b| b.is_ascii_uppercase());
        prop_assert_eq!(text.parse::<Country>().is_ok(), code);
        let _ = text.parse::<NodeName>();
    }
}

#[test]
fn alpha_5_examples() {
    for (text, number) in [("00005", 5), ("5", 5), ("99999", 99_999), ("A0000", 100_000), ("A0001", 100_001)]
    {
        assert_eq!(text.parse(), Ok(NoradId::new(number)));
    }
    for (text, number) in [("H9999", 179_999), ("J0000", 180_000), ("N0000", 220_000), ("P0000", 230_000)] {
        assert_eq!(text.parse(), Ok(NoradId::new(number)));
    }
    assert_eq!("Z9999".parse(), Ok(NoradId::new(339_999)));
    assert_eq!("4294967295".parse(), Ok(NoradId::new(u32::MAX)));
    for text in
        ["", "I0000", "O0000", "a0000", "A000", "A00000", "AB000", "4294967296", "-1", "+1", " 5", "５"]
    {
        assert_eq!(text.parse::<NoradId>(), Err(IdError::NotNoradId { text: text.to_owned() }), "{text}");
    }
}
