//! Client certificates with the extensions of Apple's.

use rcgen::{CertificateParams, CustomExtension, DnType, KeyPair, date_time_ymd};

/// What a certificate is to say.
pub(crate) struct Wanted<'a> {
    pub(crate) development: bool,
    pub(crate) production: bool,
    pub(crate) topics: &'a [&'a str],
    /// The year whose first day is the last.
    pub(crate) expires: i32,
}

/// A self-signed certificate and its key, in one PEM.
pub(crate) fn apple_like(wanted: &Wanted<'_>) -> String {
    const ARC: [u64; 7] = [1, 2, 840, 113_635, 100, 6, 3];
    let extension = |last: u64, content: Vec<u8>| {
        let oid: Vec<u64> = ARC.into_iter().chain([last]).collect();
        CustomExtension::from_oid_content(&oid, content)
    };
    let mut params = CertificateParams::new(Vec::<String>::new()).expect("no names");
    params
        .distinguished_name
        .push(DnType::CommonName, "Apple Push Services: com.example.app");
    params.not_before = date_time_ymd(2015, 1, 1);
    params.not_after = date_time_ymd(wanted.expires, 1, 1);
    let null = vec![0x05, 0x00];
    if wanted.development {
        params.custom_extensions.push(extension(1, null.clone()));
    }
    if wanted.production {
        params.custom_extensions.push(extension(2, null));
    }
    if !wanted.topics.is_empty() {
        let list = wanted.topics.iter().flat_map(|topic| {
            let kinds = der(0x30, &der(0x0c, b"app"));
            [der(0x0c, topic.as_bytes()), kinds].concat()
        });
        let list = der(0x30, &list.collect::<Vec<u8>>());
        params.custom_extensions.push(extension(6, list));
    }
    let key = KeyPair::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("a certificate");
    certificate.pem() + &key.serialize_pem()
}

/// An element of at most 127 octets.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).expect("short");
    assert!(length < 0x80);
    [&[tag, length], content].concat()
}
