//! What a decoded field block of a response must look like (RFC 9113 §8.2, §8.3).

use aapns_models::ApnsId;

use crate::request::{Fields, Response};

/// The fields of one block, judged while they are decoded.
#[derive(Debug, Default)]
pub(super) struct FieldBlock {
    status: Option<u16>,
    apns_id: Option<ApnsId>,
    unique_id: Option<ApnsId>,
    content_length: Option<u64>,
    fields: Fields,
    is_pseudo_over: bool,
    /// The first rule that the block breaks.
    broken: Option<&'static str>,
}

/// The rule that a malformed response breaks.
pub(super) type Malformed = &'static str;

impl FieldBlock {
    /// The next field, as the decoder has it.
    #[inline]
    pub(super) fn push(&mut self, name: &[u8], value: &[u8]) {
        let result = match name {
            b":status" => self.status(value),
            b"apns-id" if self.apns_id.is_none() => {
                self.apns_id = ApnsId::parse_bytes(value);
                self.unless(self.apns_id.is_some(), name, value)
            }
            b"apns-unique-id" if self.unique_id.is_none() => {
                self.unique_id = ApnsId::parse_bytes(value);
                self.unless(self.unique_id.is_some(), name, value)
            }
            _ => self.other(name, value),
        };
        if let Err(rule) = result {
            self.broken.get_or_insert(rule);
        }
    }

    /// The status, if this can be the head of a response.
    pub(super) fn head(&self) -> Result<u16, Malformed> {
        match (self.broken, self.status) {
            (Some(rule), _) => Err(rule),
            (None, Some(101)) => Err("status 101 is not for HTTP/2 (§8.6)"),
            (None, Some(status)) => Ok(status),
            (None, None) => Err("no :status (§8.3.2)"),
        }
    }

    /// Whether these can be trailers.
    pub(super) fn trailers(&self) -> Result<(), Malformed> {
        match (self.broken, self.status) {
            (Some(rule), _) => Err(rule),
            (None, Some(_)) => Err("a pseudo-field in trailers (§8.1)"),
            (None, None) => Ok(()),
        }
    }

    /// The body's length, where `content-length` says it.
    pub(super) fn content_length(&self) -> Option<u64> {
        self.content_length
    }

    pub(super) fn into_response(self, status: u16) -> Response {
        Response {
            status,
            apns_id: self.apns_id,
            unique_id: self.unique_id,
            fields: self.fields,
            ..Response::default()
        }
    }

    fn status(&mut self, value: &[u8]) -> Result<(), Malformed> {
        if self.is_pseudo_over {
            return Err("a pseudo-field after a regular one (§8.3)");
        }
        if self.status.is_some() {
            return Err(":status is there twice (§8.3)");
        }
        match value {
            [a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9'] => {
                let digit = |octet: &u8| u16::from(octet - b'0');
                self.status = Some(digit(a) * 100 + digit(b) * 10 + digit(c));
                Ok(())
            }
            _ => Err(":status is not three digits (§8.3.2)"),
        }
    }

    /// A field with a place of its own if it was understood; else it is one of the others.
    #[inline]
    fn unless(&mut self, understood: bool, name: &[u8], value: &[u8]) -> Result<(), Malformed> {
        if understood {
            self.is_pseudo_over = true;
            return Ok(());
        }
        self.other(name, value)
    }

    fn other(&mut self, name: &[u8], value: &[u8]) -> Result<(), Malformed> {
        if name.first() == Some(&b':') {
            return Err("a pseudo-field other than :status (§8.3.2)");
        }
        self.is_pseudo_over = true;
        check_name(name)?;
        check_value(value)?;
        if name == b"content-length" {
            self.length(value)?;
        }
        self.fields.push_unchecked(name, value);
        Ok(())
    }

    fn length(&mut self, value: &[u8]) -> Result<(), Malformed> {
        const RULE: Malformed = "content-length is not one number (§8.1.1)";
        if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
            return Err(RULE);
        }
        let digit =
            |sum: u64, octet: &u8| sum.checked_mul(10)?.checked_add(u64::from(octet - b'0'));
        let length = value.iter().try_fold(0, digit).ok_or(RULE)?;
        if self.content_length.is_some_and(|other| other != length) {
            return Err(RULE);
        }
        self.content_length = Some(length);
        Ok(())
    }
}

fn check_name(name: &[u8]) -> Result<(), Malformed> {
    let is_bad = |octet: &u8| !(0x21..=0x7e).contains(octet) || matches!(octet, b'A'..=b'Z' | b':');
    if name.is_empty() {
        return Err("an empty field name (§8.2.1)");
    }
    if name.iter().any(is_bad) {
        return Err("a field name with upper-case, white space, ':' or non-ASCII (§8.2.1)");
    }
    match name {
        b"connection" | b"proxy-connection" | b"keep-alive" | b"transfer-encoding" | b"upgrade" => {
            Err("a connection-specific field (§8.2.2)")
        }
        _ => Ok(()),
    }
}

fn check_value(value: &[u8]) -> Result<(), Malformed> {
    let is_bad = |octet: &u8| matches!(octet, 0 | b'\r' | b'\n');
    let is_space = |octet: Option<&u8>| matches!(octet, Some(b' ' | b'\t'));
    if value.iter().any(is_bad) || is_space(value.first()) || is_space(value.last()) {
        return Err("a field value with NUL, CR, LF, or white space at an end (§8.2.1)");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(fields: &[(&str, &str)]) -> FieldBlock {
        let mut block = FieldBlock::default();
        for (name, value) in fields {
            block.push(name.as_bytes(), value.as_bytes());
        }
        block
    }

    fn head(fields: &[(&str, &str)]) -> Result<u16, Malformed> {
        block(fields).head()
    }

    #[test]
    fn a_status_is_three_digits_once_and_first() {
        assert_eq!(head(&[(":status", "200")]), Ok(200));
        for value in ["", "20", "2000", "2x0", "+20", "099", " 200"] {
            assert!(head(&[(":status", value)]).is_err(), "{value:?}");
        }
        assert!(head(&[(":status", "200"), (":status", "200")]).is_err());
        assert!(head(&[("a", "b"), (":status", "200")]).is_err());
        assert!(
            head(&[
                ("apns-id", "01234567-89ab-cdef-0123-456789abcdef"),
                (":status", "200")
            ])
            .is_err()
        );
        assert!(head(&[("a", "b")]).is_err());
        assert!(head(&[(":status", "101")]).is_err());
    }

    #[test]
    fn no_other_pseudo_field_is_known() {
        for name in [":path", ":x", ":", ":Status"] {
            assert!(head(&[(":status", "200"), (name, "x")]).is_err(), "{name}");
        }
    }

    #[test]
    fn names_and_values_obey_section_8_2() {
        for name in [
            "",
            "A",
            "a b",
            "a:",
            "a\u{7f}",
            "é",
            "connection",
            "upgrade",
            "transfer-encoding",
        ] {
            assert!(head(&[(":status", "200"), (name, "x")]).is_err(), "{name}");
        }
        for value in [" x", "x ", "\tx", "a\0b", "a\rb", "a\nb"] {
            assert!(
                head(&[(":status", "200"), ("a", value)]).is_err(),
                "{value:?}"
            );
        }
        assert_eq!(
            head(&[(":status", "200"), ("a", "b c"), ("d", "")]),
            Ok(200)
        );
    }

    #[test]
    fn content_length_is_one_number() {
        let length = |value| block(&[(":status", "200"), ("content-length", value)]);
        assert_eq!(length("42").content_length(), Some(42));
        for value in ["", "-1", "1,2", "99999999999999999999999"] {
            assert!(length(value).head().is_err(), "{value:?}");
        }
        let twice = |a, b| {
            head(&[
                (":status", "200"),
                ("content-length", a),
                ("content-length", b),
            ])
        };
        assert_eq!(twice("1", "1"), Ok(200));
        assert!(twice("1", "2").is_err());
    }

    #[test]
    fn apns_ids_that_are_uuids_have_their_places_and_others_stay_fields() {
        let response = block(&[
            (":status", "200"),
            ("apns-id", "01234567-89AB-CDEF-0123-456789ABCDEF"),
            ("apns-unique-id", "nonsense"),
            ("apns-id", "second"),
        ])
        .into_response(200);
        assert!(response.apns_id.is_some());
        assert_eq!(response.unique_id, None);
        assert_eq!(
            response.fields.get("apns-unique-id"),
            Some(&b"nonsense"[..])
        );
        assert_eq!(response.fields.get("apns-id"), Some(&b"second"[..]));
    }

    #[test]
    fn trailers_have_no_pseudo_fields() {
        assert!(block(&[("a", "b")]).trailers().is_ok());
        assert!(block(&[]).trailers().is_ok());
        assert!(block(&[(":status", "200")]).trailers().is_err());
        assert!(block(&[("A", "b")]).trailers().is_err());
    }

    #[test]
    fn a_second_unique_id_is_a_field_like_others() {
        const ID: &str = "01234567-89ab-cdef-0123-456789abcdef";
        const OTHER: &str = "11234567-89ab-cdef-0123-456789abcdef";
        let response = block(&[
            (":status", "200"),
            ("apns-unique-id", ID),
            ("apns-unique-id", OTHER),
        ])
        .into_response(200);
        assert_eq!(response.unique_id, ApnsId::parse_bytes(ID.as_bytes()));
        assert_eq!(
            response.fields.get("apns-unique-id"),
            Some(OTHER.as_bytes())
        );
        assert_eq!(response.apns_id, None);
    }

    #[test]
    fn each_octet_of_a_name_is_judged() {
        let is_right = |octet: u8| {
            let name = [b'a', octet, b'a'];
            let mut block = FieldBlock::default();
            block.push(b":status", b"200");
            block.push(&name, b"x");
            block.head().is_ok()
        };
        for octet in 0..=255_u8 {
            let is_token = (0x21..=0x7e).contains(&octet);
            let expected = is_token && octet != b':' && !octet.is_ascii_uppercase();
            assert_eq!(is_right(octet), expected, "{octet:#x}");
        }
    }

    #[test]
    fn each_octet_of_a_value_is_judged() {
        let is_right = |value: &[u8]| {
            let mut block = FieldBlock::default();
            block.push(b":status", b"200");
            block.push(b"a", value);
            block.head().is_ok()
        };
        for octet in 0..=255_u8 {
            let is_forbidden = matches!(octet, 0 | b'\r' | b'\n');
            let is_space = matches!(octet, b' ' | b'\t');
            assert_eq!(is_right(&[b'a', octet, b'a']), !is_forbidden, "{octet:#x}");
            for edge in [&[octet, b'a'], &[b'a', octet]] {
                assert_eq!(is_right(edge), !is_forbidden && !is_space, "{octet:#x}");
            }
        }
        assert!(is_right(b""));
    }

    #[test]
    fn every_connection_specific_field_is_malformed() {
        for name in [
            "connection",
            "proxy-connection",
            "keep-alive",
            "transfer-encoding",
            "upgrade",
        ] {
            assert!(head(&[(":status", "200"), (name, "x")]).is_err(), "{name}");
        }
    }

    #[test]
    fn a_content_length_is_a_number_of_64_bits() {
        let length = |value: &str| {
            let block = block(&[(":status", "200"), ("content-length", value)]);
            block.head().map(|_| block.content_length())
        };
        assert_eq!(length("0"), Ok(Some(0)));
        assert_eq!(length("1907"), Ok(Some(1_907)));
        assert_eq!(length("18446744073709551615"), Ok(Some(u64::MAX)));
        assert!(length("18446744073709551616").is_err());
        assert!(length("1 ").is_err() && length("0x1").is_err());
    }

    #[test]
    fn the_first_rule_broken_is_the_one_told() {
        let told = head(&[("A", "x"), (":status", "200")]);
        assert!(told.is_err_and(|rule| rule.contains("field name")));
    }
}
