//! Apache Kafka itself, in a process of its own, that tests and benchmarks start, stop, kill and start again.
//!
//! One node that is broker and controller, on loopback, with its log in a temporary folder. The jars come from
//! `.ci/setup kafka`; where they are missing whoever needs them fails and says so.

pub(crate) mod listeners;
pub(crate) mod process;

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use grapevine::embedded::broker;
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, NewPartitions, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use tempfile::TempDir;

use listeners::Listener;
use process::{PATIENCE, ended, signal, succeeded, until};

/// What Maven was asked for; the set-up puts a copy of it beside the jars.
const POM: &str = include_str!("pom.xml");

/// Java's settings where many brokers run beside other tests: quick to start and small.
const SMALL: &[&str] = &["-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];

/// A broker. It is stopped and its log removed when it is dropped.
pub(crate) struct ApacheKafka {
    port: u16,
    listeners: Vec<Listener>,
    java: &'static [&'static str],
    process: Mutex<Option<Process>>,
    folder: TempDir,
}

/// Java, and who kills it if this process dies.
struct Process {
    java: Child,
    watcher: Child,
}

impl ApacheKafka {
    /// A broker with an empty log, small.
    pub(crate) fn start() -> ApacheKafka {
        ApacheKafka::tuned(SMALL, "")
    }

    /// A broker with an empty log, with these settings of Java's and these properties, which win.
    pub(crate) fn tuned(settings: &'static [&'static str], properties: &str) -> ApacheKafka {
        ApacheKafka::with(settings, Vec::new(), properties, &[])
    }

    /// A small broker with more listeners, with these properties, and with these accounts (`SCRAM-SHA-256=[name=...,password=...]`).
    pub(crate) fn listening(listeners: Vec<Listener>, properties: &str, accounts: &[&str]) -> ApacheKafka {
        ApacheKafka::with(SMALL, listeners, properties, accounts)
    }

    fn with(
        java_settings: &'static [&'static str],
        listeners: Vec<Listener>,
        properties: &str,
        accounts: &[&str],
    ) -> ApacheKafka {
        let folder = tempfile::tempdir().unwrap();
        let (port, controller) = (free_port(), free_port());
        let properties = [PROPERTIES, &listeners::properties(&listeners), properties]
            .concat()
            .replace("{port}", &port.to_string())
            .replace("{controller}", &controller.to_string())
            .replace("{folder}", &folder.path().join("log").display().to_string());
        std::fs::write(folder.path().join("server.properties"), properties).unwrap();
        let kafka = ApacheKafka { port, listeners, java: java_settings, process: Mutex::default(), folder };
        let mut format = java(SMALL, "kafka.tools.StorageTool");
        format.args(["format", "--standalone", "-t", "MkU3OEVBNTcwNTJENDM2Qg", "-c"]).arg(kafka.properties());
        for account in accounts {
            format.args(["--add-scram", account]);
        }
        succeeded(format.output().unwrap());
        kafka.start_again();
        kafka
    }

    /// The broker that the tests running now share: a start takes longer than some of them. Nobody may stop it.
    pub(crate) fn shared() -> Arc<ApacheKafka> {
        static SHARED: Mutex<Weak<ApacheKafka>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kafka) = shared.upgrade() {
            return kafka;
        }
        let kafka = Arc::new(ApacheKafka::start());
        *shared = Arc::downgrade(&kafka);
        kafka
    }

    pub(crate) fn brokers(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Where clients find a listener that was named.
    pub(crate) fn brokers_at(&self, listener: &str) -> String {
        let known = self.listeners.iter().find(|known| known.name == listener);
        known.unwrap_or_else(|| panic!("no listener is called {listener}")).found_at()
    }

    fn properties(&self) -> PathBuf {
        self.folder.path().join("server.properties")
    }

    /// What it has written since its last start.
    pub(crate) fn said(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("said")).unwrap_or_default()
    }

    /// Starts it on the same ports and the same log, and waits until it serves.
    pub(crate) fn start_again(&self) {
        let said = std::fs::File::create(self.folder.path().join("said")).unwrap();
        let of_listeners = self.listeners.iter().flat_map(|listener| &listener.java).map(String::as_str);
        let settings: Vec<&str> = self.java.iter().copied().chain(of_listeners).collect();
        let mut command = java(&settings, "kafka.Kafka");
        command.arg(self.properties()).stdin(Stdio::null()).stdout(said.try_clone().unwrap()).stderr(said);
        let java = command.spawn().unwrap();
        // The pipe ends with this process, in whatever way, and the watcher goes on.
        let mut watcher = Command::new("sh");
        watcher.args(["-c", "cat > /dev/null; kill -9 $0; rm -rf $1", &java.id().to_string()]).arg(self.folder.path());
        let watcher = watcher.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let before = self.lock().replace(Process { java, watcher });
        assert!(before.is_none(), "it runs already");
        let client: BaseConsumer = self.client().create().unwrap();
        until("Apache Kafka serves", || {
            if let Some(status) = self.lock().as_mut().unwrap().java.try_wait().unwrap() {
                panic!("Apache Kafka ended: {status}: {}", self.said());
            }
            // A broker names itself once its controller lets it serve.
            match client.fetch_metadata(None, Duration::from_secs(1)) {
                Ok(metadata) if !metadata.brokers().is_empty() => Ok(()),
                Ok(_) => Err("it is not registered".to_owned()),
                Err(error) => Err(error.to_string()),
            }
        });
    }

    /// `kill -9`.
    pub(crate) fn kill(&self) {
        let Some(mut process) = self.lock().take() else { return };
        process.watcher.kill().unwrap();
        process.watcher.wait().unwrap();
        process.java.kill().unwrap();
        process.java.wait().unwrap();
    }

    /// Stops it in order.
    pub(crate) fn stop(&self) {
        let mut running = self.lock();
        let process = running.as_mut().unwrap();
        signal(&process.java, "TERM");
        ended(&mut process.java, "Apache Kafka");
        drop(running);
        self.kill();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Process>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One of the tools for operators.
    pub(crate) fn tool(&self, class: &str) -> Command {
        let mut command = java(SMALL, &format!("org.apache.kafka.tools.{class}"));
        command.args(["--bootstrap-server", &self.brokers()]);
        command
    }

    fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.brokers());
        config
    }

    /// Does something as an operator.
    fn administer<T>(&self, act: impl AsyncFnOnce(AdminClient<DefaultClientContext>, AdminOptions) -> T) -> T {
        let options = AdminOptions::new().operation_timeout(Some(PATIENCE)).request_timeout(Some(PATIENCE));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let client = self.client().create().unwrap();
        runtime.block_on(act(client, options))
    }

    pub(crate) fn create_topic(&self, name: &str, partitions: usize) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        // One that is there already is taken as it is, so a broker that is slow to answer can be asked again.
        until("the topic is created", || {
            let created = runtime.block_on(broker::create_topic(&self.brokers(), &[], name, partitions));
            created.map_err(|error| error.to_string())
        });
        self.wait_for_partitions(name, partitions);
    }

    pub(crate) fn delete_topic(&self, name: &str) {
        let deleted = self.administer(async |client, options| client.delete_topics(&[name], &options).await);
        deleted.unwrap().into_iter().collect::<Result<Vec<_>, _>>().unwrap();
        self.wait_for_partitions(name, 0);
    }

    pub(crate) fn grow_topic(&self, name: &str, partitions: usize) {
        let wanted = NewPartitions::new(name, partitions);
        let grown = self.administer(async |client, options| client.create_partitions([&wanted], &options).await);
        grown.unwrap().into_iter().collect::<Result<Vec<_>, _>>().unwrap();
        self.wait_for_partitions(name, partitions);
    }

    /// Gives a topic these settings and no others.
    pub(crate) fn configure_topic(&self, name: &str, settings: &[(&str, &str)]) {
        let mut wanted = AlterConfig::new(ResourceSpecifier::Topic(name));
        for (key, value) in settings {
            wanted = wanted.set(key, value);
        }
        let altered = self.administer(async |client, options| client.alter_configs([&wanted], &options).await);
        altered.unwrap().into_iter().collect::<Result<Vec<_>, _>>().unwrap();
    }

    /// Deletes the records of a partition below an offset.
    pub(crate) fn delete_records(&self, topic: &str, partition: i32, below: i64) {
        let mut offsets = TopicPartitionList::new();
        offsets.add_partition_offset(topic, partition, Offset::Offset(below)).unwrap();
        let deleted = self.administer(async |client, options| client.delete_records(&offsets, &options).await).unwrap();
        deleted.elements().iter().for_each(|element| element.error().unwrap());
    }

    /// First and end offset of a partition.
    pub(crate) fn bounds(&self, topic: &str, partition: i32) -> (i64, i64) {
        let client: BaseConsumer = self.client().create().unwrap();
        client.fetch_watermarks(topic, partition, PATIENCE).unwrap()
    }

    fn wait_for_partitions(&self, topic: &str, wanted: usize) {
        let client: BaseConsumer = self.client().create().unwrap();
        until("the topic is as it should be", || {
            let metadata = client.fetch_metadata(Some(topic), PATIENCE).map_err(|error| error.to_string())?;
            let found = metadata.topics().iter().map(|topic| topic.partitions().len()).sum::<usize>();
            if found != wanted {
                return Err(format!("{found} partitions"));
            }
            // Metadata names partitions before they have leaders.
            let answers = (0..).take(wanted).map(|partition| client.fetch_watermarks(topic, partition, PATIENCE).map(drop));
            answers.collect::<Result<(), _>>().map_err(|error| error.to_string())
        });
    }
}

impl Drop for ApacheKafka {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A class of Apache Kafka's.
fn java(settings: &[&str], class: &str) -> Command {
    let jars = jars();
    let mut command = Command::new("java");
    command.args(settings).arg("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn");
    command.arg("-cp").arg(jars.join("*")).arg(class);
    command
}

/// The folder with the jars.
fn jars() -> PathBuf {
    let version = POM.split("<kafka.version>").nth(1).and_then(|rest| rest.split('<').next()).unwrap();
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache"))).expect("a home");
    let folder = cache.join("grapevine").join(format!("kafka-{version}"));
    let fetched = std::fs::read_to_string(folder.join("pom.xml")).unwrap_or_default();
    assert_eq!(fetched, POM, "the jars of Apache Kafka {version} are not in {}; run: make setup", folder.display());
    folder
}

/// A port that nobody uses. Below those that systems give to connections: none of them can take it while the broker is down.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id() % 10_000).unwrap();
    let candidates = (0..10_000).map(|_| 20_000 + (start + NEXT.fetch_add(1, Ordering::Relaxed)) % 10_000);
    candidates.into_iter().find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).expect("a free port")
}

/// Small, with quick rebalances, and quick to come back after it was killed.
const PROPERTIES: &str = "\
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
log.dirs={folder}
auto.create.topics.enable=false
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=500
group.consumer.min.session.timeout.ms=500
group.consumer.session.timeout.ms=1500
group.consumer.min.heartbeat.interval.ms=100
group.consumer.heartbeat.interval.ms=200
broker.session.timeout.ms=1000
broker.heartbeat.interval.ms=200
log.cleaner.dedupe.buffer.size=4194304
num.network.threads=2
num.io.threads=2
background.threads=2
";
