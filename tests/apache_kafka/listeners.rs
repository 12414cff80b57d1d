//! More ways into the broker than the plain one: a listener each, with a protocol and settings of its own.

use super::free_port;

/// A way in. To add one, name it and say how it differs; its address is [`super::ApacheKafka::brokers_at`].
pub(crate) struct Listener {
    pub(super) name: &'static str,
    protocol: &'static str,
    port: u16,
    advertised: u16,
    settings: String,
    /// What Java has to be told for it.
    pub(super) java: Vec<String>,
}

impl Listener {
    /// One with a protocol of Kafka's: `SSL`, `SASL_SSL`, `SASL_PLAINTEXT`.
    pub(crate) fn new(name: &'static str, protocol: &'static str) -> Listener {
        let port = free_port();
        Listener { name, protocol, port, advertised: port, settings: String::new(), java: Vec::new() }
    }

    /// A property of the broker's that holds for this listener.
    pub(crate) fn with(mut self, key: &str, value: &str) -> Listener {
        let name = self.name.to_lowercase();
        self.settings += &format!("listener.name.{name}.{key}={value}\n");
        self
    }

    /// A setting of Java's that the broker needs for this listener.
    pub(crate) fn with_java(mut self, setting: String) -> Listener {
        self.java.push(setting);
        self
    }

    /// Clients are told another port to connect to, such as that of a relay.
    pub(crate) fn advertised_at(self, port: u16) -> Listener {
        Listener { advertised: port, ..self }
    }

    /// Where it listens, whatever clients are told.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Where clients find it.
    pub(super) fn found_at(&self) -> String {
        format!("127.0.0.1:{}", self.advertised)
    }
}

/// The broker's properties for some listeners beside the plain one and the controller's.
pub(super) fn properties(listeners: &[Listener]) -> String {
    if listeners.is_empty() {
        return String::new();
    }
    let each = |line: fn(&Listener) -> String| listeners.iter().map(line).collect::<String>();
    let listening = each(|listener| format!(",{}://{}", listener.name, listener.address()));
    let advertised = each(|listener| format!(",{}://{}", listener.name, listener.found_at()));
    let protocols = each(|listener| format!(",{}:{}", listener.name, listener.protocol));
    let settings = each(|listener| listener.settings.clone());
    format!(
        "listeners=PLAINTEXT://127.0.0.1:{{port}},CONTROLLER://127.0.0.1:{{controller}}{listening}\n\
         advertised.listeners=PLAINTEXT://127.0.0.1:{{port}}{advertised}\n\
         listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT{protocols}\n{settings}"
    )
}
