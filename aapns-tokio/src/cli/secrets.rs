//! Secrets that came where something else was wanted: never repeated.

/// How a key or certificate in PEM begins and ends.
const PEM: (&str, &str) = ("-----BEGIN", "-----END");

/// How a JSON Web Token begins: `{"` in base64url.
const JWT: &str = "eyJ";

/// Whether a text, given as the path of a file, is rather what is to be in it.
pub(crate) fn is_secret(text: &str) -> bool {
    text.contains(PEM.0) || text.trim_start().starts_with(JWT)
}

/// The text with `…` for each key and token in it.
pub(crate) fn without_secrets(text: &str) -> String {
    let mut rest = text;
    let mut shown = String::with_capacity(text.len());
    while let Some(start) = next_secret(rest) {
        let (before, secret) = rest.split_at(start);
        shown.push_str(before);
        shown.push('…');
        rest = &secret[length(secret)..];
    }
    shown.push_str(rest);
    shown
}

/// Where the first one begins. A token begins a word.
fn next_secret(text: &str) -> Option<usize> {
    let is_word =
        |(at, _): &(usize, &str)| !text[..*at].trim_end_matches('-').ends_with(is_of_a_token);
    let jwt = text.match_indices(JWT).find(is_word).map(|(at, _)| at);
    text.find(PEM.0).into_iter().chain(jwt).min()
}

/// How long the one is that a text begins with. A key without an end takes all of it.
fn length(secret: &str) -> usize {
    if secret.starts_with(JWT) {
        return secret.find(|c| !is_of_a_token(c)).unwrap_or(secret.len());
    }
    let Some(last_line) = secret.find(PEM.1) else {
        return secret.len();
    };
    let label = last_line + PEM.1.len();
    match secret[label..].find("-----") {
        Some(end) => label + end + 5,
        None => secret.len(),
    }
}

fn is_of_a_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || ['-', '_', '.'].contains(&c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_tokens_are_left_out_of_a_text() {
        let key = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----";
        for (text, shown) in [
            (
                format!("can't read {key}: no such file"),
                "can't read …: no such file",
            ),
            (format!("'{key}'; use '-- {key}'"), "'…'; use '-- …'"),
            (format!("{key}\n"), "…\n"),
            ("a -----BEGIN PRIVATE".to_owned(), "a …"),
            ("a -----BEGIN KEY-----c2Vj-----END".to_owned(), "a …"),
            ("'eyJh.c2Vj.c2ln': no place".to_owned(), "'…': no place"),
            (
                "/tmp/eyJh.c2Vj and keyJar.pem".to_owned(),
                "/tmp/… and keyJar.pem",
            ),
            ("'--eyJh.c2Vj.c2ln'".to_owned(), "'--…'"),
            ("nothing".to_owned(), "nothing"),
        ] {
            assert_eq!(without_secrets(&text), shown);
        }
        assert!(is_secret(key) && is_secret(" eyJh.c2Vj.c2ln"));
        assert!(!is_secret("certs/AuthKey_ABC123DEFG.p8"));
    }
}
