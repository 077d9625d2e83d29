//! Where to send to, and as whom.

use std::io;
use std::path::Path;

use aapns_async_std::proto::tls::{Identity, Roots};
use aapns_async_std::{AsyncStd, Builder, Credential};

use super::Fault;
use super::flags::Flags;

/// A client's builder, with the credential of the flags.
pub(crate) fn builder(flags: &Flags) -> Result<Builder, Fault> {
    let credential = credential(flags)?;
    let is_apple = flags.server.host().ends_with(".push.apple.com");
    if is_apple && matches!(credential, Credential::None) {
        return Err(Fault::usage(
            "Apple's servers want a credential: give --cert FILE, or --token-key FILE --key-id ID --team-id ID",
        ));
    }
    let (min, max) = flags.connections;
    let mut builder = Builder::new(AsyncStd::default(), flags.server.clone())
        .credential(credential)
        .connections(min, max)
        .policy(flags.policy)
        .timeout(flags.timeout.0);
    if let Some(path) = &flags.ca {
        let pem = load(path)?;
        Roots::only_pem(&pem).map_err(|error| content_fault(path, &error))?;
        builder = builder.ca_pem(pem);
    }
    Ok(if flags.ca_only {
        builder.ca_only()
    } else {
        builder
    })
}

fn credential(flags: &Flags) -> Result<Credential, Fault> {
    if let Some(path) = &flags.cert {
        let identity = match &flags.key {
            Some(key) => Identity::from_pem_pair(&load(path)?, &load(key)?),
            None => Identity::from_pem(&load(path)?),
        };
        return Ok(identity
            .map_err(|error| content_fault(path, &error))?
            .into());
    }
    match (&flags.token_key, &flags.key_id, &flags.team_id) {
        (Some(path), Some(key_id), Some(team_id)) => {
            let credential = Credential::from_p8(&load(path)?, key_id, team_id);
            credential.map_err(|error| content_fault(path, &error))
        }
        _ => Ok(Credential::None),
    }
}

fn load(path: &Path) -> Result<Vec<u8>, Fault> {
    // It would be shown: $(cat key.p8) in place of key.p8.
    if path.to_string_lossy().contains("-----BEGIN") {
        return Err(Fault::usage(
            "a flag wants the path of a key or certificate, not what is in it; write it into a file first",
        ));
    }
    std::fs::read(path).map_err(|error| file_fault("read", path, &error))
}

pub(crate) fn file_fault(verb: &str, path: &Path, error: &io::Error) -> Fault {
    let path = path.display();
    Fault::usage(format_args!("can't {verb} {path}: {error}; check the path"))
}

fn content_fault(path: &Path, error: &dyn std::error::Error) -> Fault {
    Fault::usage(format_args!("{}: {error}; check the file", path.display()))
}
