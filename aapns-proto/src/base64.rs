//! Base64 (RFC 4648): the URL form without padding for JWTs, the standard form for HTTP.

/// The 62 letters and digits that both forms share, and the last two of each.
const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Appends `bytes` in the URL form, without padding (RFC 4648 §5).
#[cfg(feature = "rustls")]
pub(crate) fn encode_url_into(out: &mut String, bytes: &[u8]) {
    encode_into(out, bytes, ['-', '_']);
}

/// `bytes` in the standard form, padded (RFC 4648 §4).
#[cfg(feature = "client")]
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut out = String::new();
    encode_into(&mut out, bytes, ['+', '/']);
    out.extend(std::iter::repeat_n('=', (3 - bytes.len() % 3) % 3));
    out
}

fn encode_into(out: &mut String, bytes: &[u8], last: [char; 2]) {
    out.reserve(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = chunk
            .iter()
            .fold(0, |word, &byte| word << 8 | u32::from(byte))
            << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            let sextet = (word >> (18 - 6 * place)) as usize & 0x3f;
            let letter = LETTERS.get(sextet).map(|&letter| char::from(letter));
            out.push(letter.unwrap_or(last[sextet & 1]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vectors_of_rfc_4648_come_out_without_padding() {
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg"),
            ("fo", "Zm8"),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg"),
            ("fooba", "Zm9vYmE"),
            ("foobar", "Zm9vYmFy"),
        ] {
            let mut out = String::new();
            encode_into(&mut out, plain.as_bytes(), ['-', '_']);
            assert_eq!(out, coded);
        }
    }

    #[test]
    fn the_two_last_letters_are_the_url_safe_ones() {
        let mut out = String::new();
        encode_into(&mut out, &[0xfb, 0xff, 0xfe], ['-', '_']);
        assert_eq!(out, "-__-");
    }

    #[test]
    fn the_last_two_letters_and_the_padding_differ_between_the_forms() {
        let mut url = String::new();
        encode_into(&mut url, &[0xfb, 0xff], ['-', '_']);
        assert_eq!(url, "-_8");
        #[cfg(feature = "client")]
        assert_eq!(encode(&[0xfb, 0xff]), "+/8=");
    }
}
