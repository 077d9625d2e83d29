//! HPACK (RFC 7541) in and out.
