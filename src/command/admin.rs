//! The admin port of a worker, as commands ask it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use super::outcome::CommandError;
use crate::checkpoints::use_tls_of_the_program;
use crate::config;
use crate::failure::causes;

/// How long an answer may take: a worker answers at once, or is not well.
const DEADLINE: Duration = Duration::from_secs(5);

/// Asks admin ports, without any proxy that the environment names: they are reached from inside.
pub(super) struct Asker(reqwest::Client);

impl Asker {
    pub(super) fn new() -> Result<Asker, CommandError> {
        use_tls_of_the_program();
        let client = reqwest::Client::builder().no_proxy().timeout(DEADLINE).build();
        client.map(Asker).map_err(|error| CommandError::Refused(format!("cannot ask over HTTP: {}", causes(&error))))
    }

    /// The status and the text of a page, or why there is none.
    pub(super) async fn get(&self, address: &str, path: &str) -> Result<(u16, String), String> {
        let url = format!("{}{path}", address.trim_end_matches('/'));
        let asked = async {
            let answer = self.0.get(&url).send().await?;
            Ok((answer.status().as_u16(), answer.text().await?))
        };
        asked.await.map_err(|error: reqwest::Error| format!("{url} does not answer: {}", causes(&error)))
    }
}

/// Where the worker of a configuration can be asked on this machine.
///
/// # Errors
///
/// When the configuration has no admin server, or one whose port only the worker knows.
pub(super) fn own(admin: &config::Admin) -> Result<String, CommandError> {
    let refused = |why: &str| {
        Err(CommandError::Refused(format!("{why}: nobody can ask this worker; set admin.address, such as 127.0.0.1:9464")))
    };
    match admin.address {
        None => refused("admin.address is empty"),
        Some(address) if address.port() == 0 => refused("admin.address has port 0, any free one"),
        Some(address) => Ok(format!("http://{}", reached(address))),
    }
}

/// Who listens at every address of a machine is asked at the machine's own.
fn reached(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip @ (IpAddr::V4(_) | IpAddr::V6(_)) => ip,
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked_at(address: &str) -> Option<String> {
        let address = (!address.is_empty()).then(|| address.parse().unwrap());
        own(&config::Admin { address, stalled_after: DEADLINE }).ok()
    }

    #[test]
    fn a_worker_is_asked_where_it_listens() {
        assert_eq!(asked_at("127.0.0.1:9464").as_deref(), Some("http://127.0.0.1:9464"));
        assert_eq!(asked_at("0.0.0.0:9464").as_deref(), Some("http://127.0.0.1:9464"));
        assert_eq!(asked_at("[::]:9464").as_deref(), Some("http://[::1]:9464"));
        assert_eq!(asked_at("10.1.2.3:80").as_deref(), Some("http://10.1.2.3:80"));
        assert_eq!((asked_at(""), asked_at("127.0.0.1:0")), (None, None));
    }
}
