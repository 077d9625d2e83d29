//! Small things for unit tests.

use bytes::Bytes;

use crate::job::Job;
use crate::request::{Fields, Head, Method, Request, Response};

pub(crate) fn job(tag: u32) -> Job<u32> {
    let head = Head::new(Method::POST, Fields::new());
    let path = format!("/3/device/{tag:08x}");
    let request = Request::new(head, path, Bytes::from_static(b"{}")).unwrap();
    Job::new(request, tag)
}

pub(crate) fn response(status: u16, reason: &str) -> Response {
    Response {
        status,
        body: format!("{{\"reason\":\"{reason}\"}}").into(),
        ..Response::default()
    }
}
