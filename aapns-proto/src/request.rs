//! Requests and responses, of any method, path, fields and body.

use std::fmt;
use std::sync::Arc;

use aapns_models::ApnsId;
use bytes::Bytes;

/// An HTTP method (RFC 9110 §9.1).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Method(std::borrow::Cow<'static, str>);

impl Method {
    /// `GET`
    pub const GET: Self = Self(std::borrow::Cow::Borrowed("GET"));
    /// `POST`
    pub const POST: Self = Self(std::borrow::Cow::Borrowed("POST"));
    /// `DELETE`
    pub const DELETE: Self = Self(std::borrow::Cow::Borrowed("DELETE"));

    /// Any other method: a token of RFC 9110 §5.6.2.
    ///
    /// # Errors
    /// [`InvalidField`] if it is empty or has an octet that a token can't hold.
    pub fn new(name: &str) -> Result<Self, InvalidField> {
        let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        if name.is_empty() || !name.bytes().all(is_token) {
            return Err(InvalidField::Method);
        }
        Ok(Self(name.to_owned().into()))
    }

    /// The method's name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

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
    /// Longer than 64 KiB.
    #[error("a field is longer than 65535 octets")]
    TooLong,
}

/// A list of fields in one block of memory: order and repeats are kept.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Fields {
    /// `name length: u16, value length: u16, name, value`, and so on.
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
        validate_name(name)?;
        validate_value(value)?;
        if name.len() > usize::from(u16::MAX) || value.len() > usize::from(u16::MAX) {
            return Err(InvalidField::TooLong);
        }
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

    /// Appends a field that was validated already; lengths over 65535 are cut (the decoder's caps are lower).
    pub(crate) fn push_unchecked(&mut self, name: &[u8], value: &[u8]) {
        let cut = |len: usize| u16::try_from(len).unwrap_or(u16::MAX);
        let (n, v) = (cut(name.len()), cut(value.len()));
        self.packed.reserve(4 + name.len() + value.len());
        self.packed.extend_from_slice(&n.to_be_bytes());
        self.packed.extend_from_slice(&v.to_be_bytes());
        self.packed.extend_from_slice(&name[..usize::from(n)]);
        self.packed.extend_from_slice(&value[..usize::from(v)]);
    }

    /// The fields in order: name and value as octets.
    pub fn iter(&self) -> FieldsIter<'_> {
        FieldsIter { rest: &self.packed }
    }

    /// The first value of the field with this (lower-case) name.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.iter()
            .find(|(n, _)| *n == name.as_bytes())
            .map(|(_, v)| v)
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
        self.iter().map(|(n, v)| n.len() + v.len() + 32).sum()
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
        f.debug_list()
            .entries(
                self.iter()
                    .map(|(name, _)| String::from_utf8_lossy(name).into_owned()),
            )
            .finish()
    }
}

/// See [`Fields::iter`].
#[derive(Debug, Clone)]
pub struct FieldsIter<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for FieldsIter<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (lengths, rest) = self.rest.split_first_chunk::<4>()?;
        let name = usize::from(u16::from_be_bytes([lengths[0], lengths[1]]));
        let value = usize::from(u16::from_be_bytes([lengths[2], lengths[3]]));
        let (name, rest) = rest.split_at_checked(name)?;
        let (value, rest) = rest.split_at_checked(value)?;
        self.rest = rest;
        Some((name, value))
    }
}

/// The constant part of many requests: the method and the fields that they share.
///
/// Heads are interned: make one for each (method, topic, push type, priority …), clone it into
/// each request, and a connection codes it once and copies it from then on. Two heads with equal
/// contents are equal, but the same head is found faster.
#[derive(Clone)]
pub struct Head(Arc<HeadParts>);

#[derive(Debug, PartialEq, Eq)]
struct HeadParts {
    method: Method,
    fields: Fields,
}

impl Head {
    /// A head of this method and these fields. Scheme, authority and `authorization` are the connection's.
    pub fn new(method: Method, fields: Fields) -> Self {
        Self(Arc::new(HeadParts { method, fields }))
    }

    /// The method.
    pub fn method(&self) -> &Method {
        &self.0.method
    }

    /// The shared fields.
    pub fn fields(&self) -> &Fields {
        &self.0.fields
    }

    /// Whether both are one and the same in memory: the quick test of the cache.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.is_same(other) || self.0 == other.0
    }
}

impl Eq for Head {}

impl fmt::Debug for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One request: a shared [`Head`], and what is its own.
///
/// Cheap to clone, and one word to move: it goes through a queue, a batch and a stream on its way.
#[derive(Clone)]
pub struct Request(Arc<RequestParts>);

#[derive(Clone)]
struct RequestParts {
    head: Head,
    path: Bytes,
    fields: Fields,
    body: Bytes,
    response_limit: u32,
}

impl Request {
    /// A request for this path.
    ///
    /// # Errors
    /// [`InvalidField::Path`] if the path doesn't start with `/` or has octets outside visible ASCII.
    pub fn new(
        head: Head,
        path: impl Into<Bytes>,
        body: impl Into<Bytes>,
    ) -> Result<Self, InvalidField> {
        let path = path.into();
        // Without an early exit: paths are mostly right, and this is done many octets at a time.
        let is_visible = path
            .iter()
            .fold(true, |all, b| all & (0x21..=0x7e).contains(b));
        if path.first() != Some(&b'/') || !is_visible {
            return Err(InvalidField::Path);
        }
        Ok(Self(Arc::new(RequestParts {
            head,
            path,
            fields: Fields::new(),
            body: body.into(),
            response_limit: crate::limits::RESPONSE_BODY,
        })))
    }

    /// Appends a field of this request alone (`apns-id`, `apns-collapse-id`, `apns-expiration` …).
    ///
    /// # Errors
    /// [`InvalidField`] if RFC 9113 §8.2 forbids it.
    pub fn field(mut self, name: &str, value: impl AsRef<[u8]>) -> Result<Self, InvalidField> {
        Arc::make_mut(&mut self.0).fields.push(name, value)?;
        Ok(self)
    }

    /// Sets how many octets of response body to accept; 64 KiB by default.
    pub fn response_limit(mut self, octets: u32) -> Self {
        Arc::make_mut(&mut self.0).response_limit = octets;
        self
    }

    /// The shared part.
    pub fn head(&self) -> &Head {
        &self.0.head
    }

    /// The path, with the query if it has one.
    pub fn path(&self) -> &Bytes {
        &self.0.path
    }

    /// The fields beyond the head's.
    pub fn fields(&self) -> &Fields {
        &self.0.fields
    }

    /// The body.
    pub fn body(&self) -> &Bytes {
        &self.0.body
    }

    /// How many octets of response body are accepted.
    pub fn max_response(&self) -> u32 {
        self.0.response_limit
    }
}

/// Shows no path (it holds the device token), no value and no body.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("head", self.head())
            .field("fields", self.fields())
            .field("body", &format_args!("{} octets", self.body().len()))
            .finish_non_exhaustive()
    }
}

/// A final response.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Response {
    /// The status code, 200–599 as a rule.
    pub status: u16,
    /// `apns-id`, if there was one and it is a UUID.
    pub apns_id: Option<ApnsId>,
    /// `apns-unique-id` (sandbox only), if there was one and it is a UUID.
    pub unique_id: Option<ApnsId>,
    /// Every other field, in order.
    pub fields: Fields,
    /// The body, at most [`Request::max_response`] octets.
    pub body: Bytes,
    /// The stream or connection ended before the body was complete.
    pub is_truncated: bool,
}

impl Response {
    /// Whether the status is in 200–299.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("apns_id", &self.apns_id)
            .field("fields", &self.fields)
            .field("body", &format_args!("{} octets", self.body.len()))
            .field("is_truncated", &self.is_truncated)
            .finish_non_exhaustive()
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
