//! Lists of fields, and what RFC 9113 §8.2 allows in a request's.

use std::fmt;

/// Why a method, path or field can't be part of a request (RFC 9113 §8.2, §8.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidField {
    /// Not a token.
    #[error("the method is empty or has a character that a method can't have")]
    Method,
    /// Empty, not starting with `/`, or with octets outside 0x21–0x7e.
    #[error("the path must start with '/' and hold only visible ASCII")]
    Path,
    /// Empty, upper-case, or with a character that a field name can't have.
    #[error("a field name must be lower-case and hold only token characters")]
    Name,
    /// A field that belongs to the connection (`connection`, `te`, `host`, `transfer-encoding` …) or a pseudo-field.
    #[error("this field is the connection's own and can't be set by a request")]
    Reserved,
    /// NUL, CR, LF, or space at an end.
    #[error("a field value must not hold NUL, CR or LF, nor begin or end with white space")]
    Value,
    /// The value is longer than 65,535 octets, or the name than 65,279.
    #[error("a field value is longer than 65535 octets, or a field name than 65279")]
    TooLong,
}

/// A list of fields in one block of memory: order and repeats are kept.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Fields {
    /// See [`pack`].
    packed: Vec<u8>,
}

impl Fields {
    /// An empty list; allocates nothing.
    pub const fn new() -> Self {
        Self { packed: Vec::new() }
    }

    /// Appends a field.
    ///
    /// # Errors
    /// [`InvalidField`] if RFC 9113 §8.2 forbids it in a request.
    pub fn push(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<(), InvalidField> {
        let value = value.as_ref();
        validate(name, value)?;
        self.push_unchecked(name.as_bytes(), value);
        Ok(())
    }

    /// The same, chaining.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn with(mut self, name: &str, value: impl AsRef<[u8]>) -> Result<Self, InvalidField> {
        self.push(name, value)?;
        Ok(self)
    }

    /// Appends a field that was validated already; what is longer than a list holds is cut.
    pub(crate) fn push_unchecked(&mut self, name: &[u8], value: &[u8]) {
        self.packed.reserve(packed_len(name, value));
        pack(&mut self.packed, name, value);
    }

    /// The list, to read.
    pub fn as_ref(&self) -> FieldsRef<'_> {
        FieldsRef(&self.packed)
    }

    /// The fields in order: name and value as octets.
    pub fn iter(&self) -> FieldsIter<'_> {
        self.as_ref().iter()
    }

    /// The first value of the field with this (lower-case) name.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.as_ref().get(name)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.packed.is_empty()
    }

    /// Octets of memory that the list takes.
    pub(crate) fn octets(&self) -> usize {
        self.packed.len()
    }

    /// The size as SETTINGS_MAX_HEADER_LIST_SIZE counts it: name + value + 32 for each (RFC 9113 §6.5.2).
    pub fn list_size(&self) -> usize {
        self.as_ref().list_size()
    }
}

impl<'a> IntoIterator for &'a Fields {
    type Item = (&'a [u8], &'a [u8]);
    type IntoIter = FieldsIter<'a>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Shows the names; values may be secret.
impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt(f)
    }
}

/// A list of fields that is part of something larger.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct FieldsRef<'a>(pub(super) &'a [u8]);

impl<'a> FieldsRef<'a> {
    /// The fields in order: name and value as octets.
    pub fn iter(self) -> FieldsIter<'a> {
        FieldsIter { rest: self.0 }
    }

    /// The first value of the field with this (lower-case) name.
    pub fn get(self, name: &str) -> Option<&'a [u8]> {
        self.iter()
            .find(|(n, _)| *n == name.as_bytes())
            .map(|(_, v)| v)
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The size as SETTINGS_MAX_HEADER_LIST_SIZE counts it: name + value + 32 for each (RFC 9113 §6.5.2).
    pub fn list_size(self) -> usize {
        self.iter().map(|(n, v)| n.len() + v.len() + 32).sum()
    }
}

impl<'a> IntoIterator for FieldsRef<'a> {
    type Item = (&'a [u8], &'a [u8]);
    type IntoIter = FieldsIter<'a>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Shows the names; values may be secret.
impl fmt::Debug for FieldsRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(
                self.iter()
                    .map(|(name, _)| String::from_utf8_lossy(name).into_owned()),
            )
            .finish()
    }
}

/// See [`Fields::iter`].
#[derive(Clone)]
pub struct FieldsIter<'a> {
    rest: &'a [u8],
}

/// Shows the names; values may be secret.
impl fmt::Debug for FieldsIter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self
            .clone()
            .map(|(name, _)| String::from_utf8_lossy(name).into_owned());
        f.debug_list().entries(names).finish()
    }
}

impl<'a> Iterator for FieldsIter<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (lengths, rest) = self.rest.split_first_chunk::<4>()?;
        let name = u16::from_be_bytes([lengths[0], lengths[1]]);
        let value = usize::from(u16::from_be_bytes([lengths[2], lengths[3]]));
        let (name, rest) = match name.checked_sub(KNOWN_FROM) {
            Some(number) => (KNOWN.get(usize::from(number))?.as_bytes(), rest),
            None => rest.split_at_checked(usize::from(name))?,
        };
        let (value, rest) = rest.split_at_checked(value)?;
        self.rest = rest;
        Some((name, value))
    }
}

/// Names that RFC 9113 §8.2.2 and §8.3 keep for the connection.
const RESERVED: [&str; 8] = [
    "connection",
    "proxy-connection",
    "keep-alive",
    "transfer-encoding",
    "upgrade",
    "te",
    "host",
    "content-length",
];

/// Names that most requests have: in a list a number stands for them.
const KNOWN: [&str; 3] = ["apns-id", "apns-expiration", "apns-collapse-id"];

/// A name length from here on is the number of a known name, above it.
const KNOWN_FROM: u16 = 0xff00;

#[inline]
fn known(name: &[u8]) -> Option<u16> {
    let place = KNOWN.iter().position(|known| known.as_bytes() == name)?;
    Some(KNOWN_FROM + place as u16)
}

/// Octets of a field in a list, at most.
pub(super) fn packed_len(name: &[u8], value: &[u8]) -> usize {
    match known(name) {
        Some(_) => 4 + value.len(),
        None => 4 + name.len() + value.len(),
    }
}

/// Appends a field to a list: `name: u16, value length: u16, name, value`. The first is the length of the
/// name, or the number of a known one, which then isn't spelt out. Longer ones are cut.
pub(super) fn pack(packed: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    let cut = |len: usize, most: u16| u16::try_from(len).unwrap_or(most).min(most);
    let v = cut(value.len(), u16::MAX);
    let (n, name) = match known(name) {
        Some(number) => (number, &[][..]),
        None => {
            let n = cut(name.len(), KNOWN_FROM - 1);
            (n, &name[..usize::from(n)])
        }
    };
    packed.extend_from_slice(&n.to_be_bytes());
    packed.extend_from_slice(&v.to_be_bytes());
    packed.extend_from_slice(name);
    packed.extend_from_slice(&value[..usize::from(v)]);
}

/// Whether a request can have this field.
pub(super) fn validate(name: &str, value: &[u8]) -> Result<(), InvalidField> {
    validate_name(name)?;
    validate_value(value)?;
    if name.len() >= usize::from(KNOWN_FROM) || value.len() > usize::from(u16::MAX) {
        return Err(InvalidField::TooLong);
    }
    Ok(())
}

fn validate_name(name: &str) -> Result<(), InvalidField> {
    let is_name = |b: u8| {
        (b.is_ascii_alphanumeric() && !b.is_ascii_uppercase()) || b"!#$%&'*+-.^_`|~".contains(&b)
    };
    if name.starts_with(':') || RESERVED.contains(&name) {
        return Err(InvalidField::Reserved);
    }
    if name.is_empty() || !name.bytes().all(is_name) {
        return Err(InvalidField::Name);
    }
    Ok(())
}

fn validate_value(value: &[u8]) -> Result<(), InvalidField> {
    let is_edge = |b: Option<&u8>| matches!(b, Some(b' ' | b'\t'));
    if value.iter().any(|b| matches!(b, 0 | b'\r' | b'\n'))
        || is_edge(value.first())
        || is_edge(value.last())
    {
        return Err(InvalidField::Value);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_back_in_order_whether_their_names_are_known_or_not() {
        let long = "n".repeat(300);
        let fields = [
            ("apns-id", "1"),
            ("x", ""),
            ("apns-collapse-id", "c"),
            (&*long, "v"),
        ];
        let list = fields.iter().fold(Fields::new(), |list, (name, value)| {
            list.with(name, value).expect("a field")
        });
        let back: Vec<_> = list.iter().collect();
        let expected = fields.map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        assert_eq!(back, expected);
        assert_eq!(list.get("apns-collapse-id"), Some(&b"c"[..]));
        assert_eq!(list.list_size(), 7 + 1 + 1 + 16 + 1 + 300 + 1 + 4 * 32);
        let packed: usize = fields
            .iter()
            .map(|(n, v)| packed_len(n.as_bytes(), v.as_bytes()))
            .sum();
        assert_eq!(list.octets(), packed);
    }

    #[test]
    fn a_name_that_could_be_taken_for_a_number_is_too_long() {
        let name = "n".repeat(usize::from(KNOWN_FROM));
        assert_eq!(Fields::new().with(&name, ""), Err(InvalidField::TooLong));
        let list = Fields::new()
            .with(&name[1..], "")
            .expect("just short enough");
        assert_eq!(list.iter().next(), Some((&name.as_bytes()[1..], &b""[..])));
    }
}
