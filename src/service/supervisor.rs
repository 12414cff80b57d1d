//! Tells systemd how the process is, by the protocol of `sd_notify`: a datagram a message to the socket that `NOTIFY_SOCKET` names.
//!
//! Twenty lines of the standard library: a crate for them would be one more to watch.

use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use tracing::warn;

/// It can be asked how it is.
pub const READY: &str = "READY=1";
/// It was asked to stop, and does.
pub const STOPPING: &str = "STOPPING=1";
/// It is alive.
pub const ALIVE: &str = "WATCHDOG=1";

/// Who started this process, if that wants to hear of it.
#[derive(Debug)]
pub struct Supervisor {
    socket: UnixDatagram,
    address: SocketAddr,
    /// How long it waits for a sign of life, if it does.
    pub watchdog: Option<Duration>,
}

impl Supervisor {
    /// As the environment says: `NOTIFY_SOCKET`, and `WATCHDOG_USEC` if `WATCHDOG_PID` is this process or not said.
    #[must_use]
    pub fn of(variable: impl Fn(&str) -> Option<String>) -> Option<Supervisor> {
        let name = variable("NOTIFY_SOCKET")?;
        // A name that begins so stands in no folder.
        let address = match name.strip_prefix('@') {
            Some(name) => SocketAddr::from_abstract_name(name),
            None => SocketAddr::from_pathname(&name),
        };
        let opened = address.and_then(|address| Ok((UnixDatagram::unbound()?, address)));
        let (socket, address) =
            opened.inspect_err(|error| warn!("cannot tell systemd how this process is, at {name}: {error}")).ok()?;
        let own = variable("WATCHDOG_PID").is_none_or(|pid| pid == std::process::id().to_string());
        let watchdog =
            variable("WATCHDOG_USEC").filter(|_| own).and_then(|micros| micros.parse().ok()).map(Duration::from_micros);
        Some(Supervisor { socket, address, watchdog: watchdog.filter(|watchdog| !watchdog.is_zero()) })
    }

    /// Tells it. If it does not listen, it hears nothing, and nobody waits.
    pub fn tell(&self, message: &str) {
        if let Err(error) = self.socket.send_to_addr(message.as_bytes(), &self.address) {
            warn!("could not tell systemd {message}: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn supervisor(variables: &[(&str, &str)]) -> Option<Supervisor> {
        Supervisor::of(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn it_is_told_in_a_folder_and_in_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let name = format!("grapevine-{}", std::process::id());
        let heard = [
            (UnixDatagram::bind(&path).unwrap(), path.to_str().unwrap().to_owned()),
            (UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap(), format!("@{name}")),
        ];
        for (socket, place) in heard {
            supervisor(&[("NOTIFY_SOCKET", &place)]).unwrap().tell(READY);
            let mut message = [0; 32];
            let length = socket.recv(&mut message).unwrap();
            assert_eq!(&message[..length], READY.as_bytes(), "{place}");
        }
    }

    #[test]
    fn a_sign_of_life_is_wanted_where_it_is_of_this_process() {
        let own = std::process::id().to_string();
        let watchdog = |pid: &str| {
            supervisor(&[("NOTIFY_SOCKET", "@x"), ("WATCHDOG_USEC", "2000000"), ("WATCHDOG_PID", pid)]).unwrap().watchdog
        };
        assert_eq!((watchdog(&own), watchdog("1")), (Some(Duration::from_secs(2)), None));
        for usec in ["0", "soon"] {
            assert_eq!(supervisor(&[("NOTIFY_SOCKET", "@x"), ("WATCHDOG_USEC", usec)]).unwrap().watchdog, None);
        }
    }

    #[test]
    fn without_a_socket_nobody_is_told_and_one_that_is_gone_holds_up_nobody() {
        assert!(supervisor(&[("WATCHDOG_USEC", "1")]).is_none());
        supervisor(&[("NOTIFY_SOCKET", "/nowhere/at/all")]).unwrap().tell(READY);
    }
}
