//! Every bound of the core, and where its number comes from.

/// Octets of response body accepted unless the request says otherwise: APNs' error bodies are under 200.
pub const RESPONSE_BODY: u32 = 64 * 1024;

/// Octets of GOAWAY debug data that are kept: enough for APNs' JSON reason.
pub const GOAWAY_DEBUG: usize = 1024;

/// Resends after an attempt whose delivery is unknown, under `Policy::AtLeastOnce`.
pub const UNKNOWN_RESENDS: u8 = 3;

/// The largest frame payload that we accept: RFC 9113's initial SETTINGS_MAX_FRAME_SIZE, which we never raise.
pub const MAX_FRAME_SIZE: u32 = 16_384;

/// The HPACK dynamic table that we offer: the initial value of RFC 9113 §6.5.2.
pub const HEADER_TABLE_SIZE: u32 = 4_096;

/// Queues of deadlines in order, one for each timeout in use; more timeouts than that share a heap.
pub const DEADLINE_LANES: usize = 4;

/// Deadlines of settled requests kept before they are swept out: a sweep costs less than a microsecond.
pub const DEADLINE_GARBAGE: usize = 256;

/// What a field counts beyond its name and value in lists and tables (RFC 9113 §6.5.2, RFC 7541 §4.1).
pub const FIELD_OVERHEAD: usize = 32;
