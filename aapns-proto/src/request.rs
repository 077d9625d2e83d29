//! Requests and responses, of any method, path, fields and body.

mod fields;

use std::fmt;
use std::sync::Arc;

use aapns_models::ApnsId;
use bytes::Bytes;

pub use fields::{Fields, FieldsIter, FieldsRef, InvalidField};

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

/// As small as it can be: a million of them may wait.
#[derive(Clone)]
struct RequestParts {
    head: Head,
    /// The path, then the packed fields.
    text: Box<[u8]>,
    path_len: u32,
    response_limit: u32,
    body: Bytes,
}

impl Request {
    /// A request for this path.
    ///
    /// # Errors
    /// [`InvalidField::Path`] if the path doesn't start with `/` or has octets outside visible ASCII,
    /// [`InvalidField::TooLong`] if it has 4 GiB or more.
    pub fn new(
        head: Head,
        path: impl AsRef<[u8]>,
        body: impl Into<Bytes>,
    ) -> Result<Self, InvalidField> {
        Self::assemble(head, [path.as_ref(), b""], &[], body.into())
    }

    /// A request whose path is made of two pieces, in as few blocks of memory as can be. The fields'
    /// names and values are the library's own or of checked types: they aren't checked again.
    pub(crate) fn assemble(
        head: Head,
        path: [&[u8]; 2],
        own: &[(&str, &[u8])],
        body: Bytes,
    ) -> Result<Self, InvalidField> {
        let path_len = path[0].len() + path[1].len();
        let fields_len: usize = own
            .iter()
            .map(|(name, value)| fields::packed_len(name.as_bytes(), value))
            .sum();
        let mut text = Vec::with_capacity(path_len + fields_len);
        text.extend_from_slice(path[0]);
        text.extend_from_slice(path[1]);
        // Without an early exit: paths are mostly right, and this is done many octets at a time.
        let is_visible = text
            .iter()
            .fold(true, |all, b| all & (0x21..=0x7e).contains(b));
        if text.first() != Some(&b'/') || !is_visible {
            return Err(InvalidField::Path);
        }
        for (name, value) in own {
            debug_assert!(fields::validate(name, value).is_ok());
            fields::pack(&mut text, name.as_bytes(), value);
        }
        Ok(Self(Arc::new(RequestParts {
            head,
            text: text.into_boxed_slice(),
            path_len: u32::try_from(path_len).map_err(|_| InvalidField::TooLong)?,
            response_limit: crate::limits::RESPONSE_BODY,
            body,
        })))
    }

    /// Appends a field of this request alone (`apns-id`, `apns-collapse-id`, `apns-expiration` …).
    ///
    /// # Errors
    /// [`InvalidField`] if RFC 9113 §8.2 forbids it.
    pub fn field(mut self, name: &str, value: impl AsRef<[u8]>) -> Result<Self, InvalidField> {
        let value = value.as_ref();
        fields::validate(name, value)?;
        let parts = Arc::make_mut(&mut self.0);
        let mut text = std::mem::take(&mut parts.text).into_vec();
        text.reserve_exact(fields::packed_len(name.as_bytes(), value));
        fields::pack(&mut text, name.as_bytes(), value);
        parts.text = text.into_boxed_slice();
        Ok(self)
    }

    /// Sets how many octets of response body to accept; 64 KiB by default.
    #[must_use]
    pub fn with_response_limit(mut self, octets: u32) -> Self {
        Arc::make_mut(&mut self.0).response_limit = octets;
        self
    }

    /// The shared part.
    pub fn head(&self) -> &Head {
        &self.0.head
    }

    /// The path, with the query if it has one; visible ASCII.
    pub fn path(&self) -> &[u8] {
        self.path_and_fields().0
    }

    /// The fields beyond the head's.
    pub fn fields(&self) -> FieldsRef<'_> {
        self.path_and_fields().1
    }

    /// The body.
    pub fn body(&self) -> &Bytes {
        &self.0.body
    }

    /// How many octets of response body are accepted.
    pub fn response_limit(&self) -> u32 {
        self.0.response_limit
    }

    /// Both at once.
    #[inline]
    pub(crate) fn path_and_fields(&self) -> (&[u8], FieldsRef<'_>) {
        let text = &*self.0.text;
        match text.split_at_checked(self.0.path_len as usize) {
            Some((path, fields)) => (path, FieldsRef(fields)),
            None => (text, FieldsRef(&[])),
        }
    }
}

/// Shows no path (it holds the device token), no value and no body.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("head", self.head())
            .field("fields", &self.fields())
            .field("body", &format_args!("{} octets", self.body().len()))
            .finish_non_exhaustive()
    }
}

/// A final response.
#[derive(Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Response {
    /// The status code, 200–599 as a rule.
    pub status: u16,
    /// `apns-id`, if there was one and it is a UUID.
    pub apns_id: Option<ApnsId>,
    /// `apns-unique-id` (sandbox only), if there was one and it is a UUID.
    pub unique_id: Option<ApnsId>,
    /// Every other field, in order.
    pub fields: Fields,
    /// The body, at most [`Request::response_limit`] octets.
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
