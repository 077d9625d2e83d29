//! Every bound of the core, and where its number comes from.

use std::time::Duration;

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

/// Octets of one connection's read buffer: four of the largest frames, and about one TCP receive.
pub const READ_BUFFER: usize = 4 * (MAX_FRAME_SIZE as usize + 9);

/// Octets of output above which no request starts while others are in flight: sixteen TLS records.
pub const OUTPUT_ROOM: usize = 256 * 1024;

/// Octets of output above which the peer makes us answer more than it reads: requests stop at half of it.
pub const OUTPUT_LIMIT: usize = 2 * OUTPUT_ROOM;

/// The connection's receive window: 64 KiB each for sixteen bodies at once, given back at half.
pub const CONNECTION_WINDOW: u32 = 1024 * 1024;

/// A stream's receive window: the initial value of RFC 9113 §6.9.2.
pub const STREAM_WINDOW: u32 = 65_535;

/// Octets of a field block, coded and decoded, that we accept: nghttp2's number, and four times what we advertise.
pub const FIELD_BLOCK: usize = 64 * 1024;

/// SETTINGS_MAX_HEADER_LIST_SIZE that we advertise: APNs' answers have a few hundred octets of fields.
pub const ADVERTISED_FIELD_LIST: u32 = 16 * 1024;

/// CONTINUATION frames of one field block: nghttp2's number (VU#421644).
pub const CONTINUATIONS: u32 = 8;

/// Octets of fields and bodies kept for responses that are not complete or not taken yet, over all
/// streams: sixty-four of the largest default bodies. Beyond, a response is cut.
pub const HELD_RESPONSES: usize = 4 * 1024 * 1024;

/// Octets of memory that one connection takes at most with a thousand requests in flight, whatever
/// the server sends; what the requests themselves hold is their sender's. Held responses count
/// twice, for vectors grow by doubling; the rest is buffers, slots and events.
pub const CONNECTION_MEMORY: usize = 12 * 1024 * 1024;

/// Interim (1xx) responses of one stream: the upper end of what clients allow.
pub const INTERIM_RESPONSES: u8 = 32;

/// Entries of one SETTINGS frame: nghttp2's number (CVE-2019-9515).
pub const SETTINGS_ENTRIES: usize = 32;

/// Points of the flood budget: ten thousand frames without effect, as nghttp2's "glitches".
pub const FLOOD_BURST: u32 = 10_000;

/// Points that come back each second, so that keep-alives of an idle connection are never a flood.
pub const FLOOD_REFILL: u32 = 100;

/// Points for each stream open and each step of progress: a WINDOW_UPDATE or two for each DATA are usual.
pub const FLOOD_PROGRESS: u32 = 4;

/// Points of a frame that makes us answer (PING, SETTINGS): a thousand in a burst, as nghttp2's queue of ACKs.
pub const FLOOD_ANSWERED: u32 = 10;

/// Streams for a point, where a frame touches all of them: as many as fit the work of another frame.
pub const FLOOD_STREAMS: u32 = 64;

/// Points of a GOAWAY: a hundred of them; a graceful shutdown needs two.
pub const FLOOD_GOAWAY: u32 = 100;

/// RST_STREAM frames that we send in a second; beyond it looks like CVE-2023-44487 from the server's side.
pub const RESETS_PER_SECOND: u32 = 100;

/// The last stream id that a client can use (RFC 9113 §5.1.1).
pub const LAST_STREAM_ID: u32 = 0x7fff_ffff;

/// Stream ids left unused at the end, so that a replacement is up before they run out.
pub const STREAM_ID_MARGIN: u32 = 1_024;

/// Slots of the stream ring to begin with: APNs' limit under token authentication is 1, and mostly under 1000.
pub const STREAM_SLOTS: usize = 16;

/// Heads whose coded fields a connection remembers: senders mix a few topics and push types.
pub const CACHED_HEADS: usize = 16;

/// A provider token's age at which the next one is made: Apple refuses it from 60 minutes on.
pub const TOKEN_RENEWAL: Duration = Duration::from_secs(50 * 60);

/// Apple lets a provider token be replaced every 20 minutes at most.
pub const TOKEN_GUARD: Duration = Duration::from_secs(20 * 60);

/// The part of a drain's time in which nothing starts any more: one of so many, for answers to come in.
pub const DRAIN_REST: u32 = 5;

/// How long a pool goes on sending after its last handle was dropped.
pub const DROP_DRAIN: Duration = Duration::from_secs(30);

/// The timeout of requests that say nothing: what the Python client's program takes.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// Mixes of topic, push type and priority that a client keeps request heads for: four times what a connection codes ahead.
pub const CLIENT_HEADS: usize = 64;
/// Slots for links in a pool, draining ones included: a fixed table of wake-up flags; far over what Apple
/// asks for (no number is documented). A pool's `max_links` is at most half of it.
pub const LINKS_LIMIT: usize = 1024;

/// At most once in this time a pool looks for idle links to close: closing is never urgent.
pub const SHRINK_PAUSE: Duration = Duration::from_secs(1);

/// Jobs moved in one exchange: larger batches gain nothing measurable, and hold the lock longer.
pub const PULL: usize = 128;

/// Jobs that one link takes before the rest is left to others: about a TLS record's worth. Spreading less
/// than that over ten links costs a sixth more CPU, by their wake-ups and writes.
pub const LEAST_PULL: usize = 32;

/// Places in a queue whose jobs were cancelled, kept before they are closed up: closing up costs about a microsecond.
pub const QUEUE_HOLES: usize = 64;

/// Paths remembered as throttled by 429 `TooManyRequests`; beyond, only the refused requests themselves wait.
pub const THROTTLED_PATHS: usize = 1024;

/// Queued jobs looked at in one exchange and put off because their path is throttled.
pub const PUT_OFF: usize = 1024;

/// Requests handed from the line before a full queue to the queue in one go: a few exchanges' worth.
pub const ADMITTED: usize = 256;

/// Jobs expired, or retries made due, in one call of the pool's `handle_timeout`: about a millisecond.
pub const DUE_BATCH: usize = 4096;

/// After REFUSED_STREAM, a lost link or a failed dial: the first delay, and the longest.
pub const SETBACK_FIRST: Duration = Duration::from_millis(10);
/// See [`SETBACK_FIRST`].
pub const SETBACK_CAP: Duration = Duration::from_secs(30);

/// Retries that a pool makes before its budget slows them down: all that ten links of 1000 streams can lose at once.
pub const RETRY_BURST: u64 = 10_000;

/// Retries that the budget allows each second, apart from one for each answer: some go on, so that a server's recovery is seen.
pub const RETRY_REFILL: u64 = 100;

/// The longest that a retry waits for the budget: as long as the longest backoff after a setback.
pub const RETRY_PAUSE: Duration = SETBACK_CAP;

/// How long a mint may take: a signature takes microseconds, a user's callback may ask a far service.
pub const MINT_TIMEOUT: Duration = Duration::from_secs(30);

/// After 429, 500, 503 without `Retry-After`: the first delay, and the longest, Apple's 15 minutes.
pub const ANSWER_FIRST: Duration = Duration::from_secs(1);
/// See [`ANSWER_FIRST`]. A longer `Retry-After` is cut to this.
pub const ANSWER_CAP: Duration = Duration::from_secs(15 * 60);

/// After a mint that failed: the first delay, and the longest.
pub const MINT_FIRST: Duration = Duration::from_millis(500);
/// See [`MINT_FIRST`].
pub const MINT_CAP: Duration = Duration::from_secs(60);

/// While the breaker is open: the first delay, and the longest.
pub const BREAKER_FIRST: Duration = Duration::from_secs(1);
/// See [`BREAKER_FIRST`].
pub const BREAKER_CAP: Duration = Duration::from_secs(5 * 60);

/// Answers in a row with the same fatal reason and provider token that open the breaker.
pub const BREAKER_RUN: u32 = 16;

/// From this age on nothing is sent with a provider token.
pub const TOKEN_STALE: Duration = Duration::from_secs(59 * 60);
/// A provider token issued this far in the future is renewed: the clock was set back.
pub const TOKEN_FUTURE: Duration = Duration::from_secs(5 * 60);

/// Notifications of one fan-out under way at a time: enough for four connections of 1000 streams.
pub const FAN_OUT: usize = 4_096;

/// What is left of a client certificate when warnings begin: time enough to get the next one and bring it everywhere.
pub const CERTIFICATE_WARNING: Duration = Duration::from_secs(30 * 86_400);

/// Pools of one set of clients: with ten connections each, about the thousand open files that a process may have.
pub const CLIENTS: usize = 100;

/// How long a client of a set may be idle: Apple wants connections to be kept for hours, not opened for each push.
pub const CLIENTS_IDLE: Duration = Duration::from_secs(3600);

/// Octets of an answer about channels: a list of Apple's limit of 10,000 ids has some hundred kilobytes.
pub const CHANNEL_ANSWER: u32 = 1024 * 1024;

/// Dead device tokens that wait to be taken, of each stream of them: what a fan-out has under way at a time.
pub const DEAD_TOKENS: usize = FAN_OUT;

/// Octets of a proxy's answer to CONNECT: status line and fields of the known proxies are below 1 KiB.
pub const PROXY_RESPONSE: usize = 8 * 1024;

/// Between two addresses of a name that are tried: the "Connection Attempt Delay" of RFC 8305 §5.
pub const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// Addresses of one name that a dial tries: at 250 ms apart, more wouldn't fit its 10 s.
pub const DIAL_ADDRESSES: usize = 40;

/// Octets that a connection which is over still reads, to let its GOAWAY arrive: what a flood can pour in
/// within the second that this may take.
pub const FAREWELL_OCTETS: usize = 64 * 1024 * 1024;
/// Reads of it at a time; then others have their turn.
pub const FAREWELL_READS: usize = 64;

/// A dial's driver gives up at its deadline, and knows which step hung: it has this long to say so.
pub const DIAL_GRACE: Duration = Duration::from_millis(500);
