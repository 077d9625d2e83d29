//! What everybody expects of handles and errors.

use std::error::Error;

use aapns_tokio::{
    Broadcasting, BuildError, Cause, CertificateFault, ChannelError, Channels, Client, Clients,
    ClientsError, ConnectError, Connection, CredentialError, DialError, Failure, InvalidEndpoint,
    InvalidEnvironment, InvalidField, InvalidPolicy, Many, MintError, Pool, Post, PostError,
    ProxyError, ResponseError, SendError, Sending, TokenSource,
};

fn is_shared<T: Send + Sync + 'static>() {}

/// An error that fits into every `Box<dyn Error + Send + Sync>`, and that a test can compare.
fn is_an_error<T: Error + Clone + PartialEq + Send + Sync + 'static>() {}

#[test]
fn handles_go_to_other_threads() {
    is_shared::<Client>();
    is_shared::<Clients>();
    is_shared::<Channels>();
    is_shared::<Pool>();
    is_shared::<Connection>();
    is_shared::<TokenSource>();
}

#[test]
fn what_is_on_its_way_goes_to_other_threads() {
    fn is_sent<T: Send + 'static>() {}
    is_sent::<Sending>();
    is_sent::<Post>();
    is_sent::<Broadcasting>();
    is_sent::<Many<std::vec::IntoIter<aapns_tokio::models::DeviceToken>>>();
}

#[test]
fn errors_go_everywhere_and_compare() {
    is_an_error::<SendError>();
    is_an_error::<PostError>();
    is_an_error::<ResponseError>();
    is_an_error::<Failure>();
    is_an_error::<Cause>();
    is_an_error::<ChannelError>();
    is_an_error::<ConnectError>();
    is_an_error::<BuildError>();
    is_an_error::<ClientsError>();
    is_an_error::<CertificateFault>();
    is_an_error::<CredentialError>();
    is_an_error::<DialError>();
    is_an_error::<MintError>();
    is_an_error::<ProxyError>();
    is_an_error::<InvalidEndpoint>();
    is_an_error::<InvalidEnvironment>();
    is_an_error::<InvalidField>();
    is_an_error::<InvalidPolicy>();
    is_an_error::<aapns_tokio::proto::RejectReason>();
    is_shared::<aapns_tokio::proto::Rejected<u32>>();
}
