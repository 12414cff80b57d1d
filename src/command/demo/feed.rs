//! Publishes the events on a thread of its own, as fast as the worker folds them.

use std::sync::Arc;
use std::thread::{self, JoinHandle};

use indicatif::{ProgressBar, ProgressStyle};

use super::input::Input;
use super::parts::Parts;
use super::watch::Folded;
use super::{Arguments, DemoError};
use crate::config::Config;
use crate::embedded::broker::{BrokerError, Message, Publisher};
use crate::generator::money::Economy;
use crate::record::Offset;

/// What was published.
#[derive(Clone, Debug)]
pub(super) struct Fed {
    pub(super) records: u64,
    /// The end of each partition.
    pub(super) ends: Vec<Offset>,
}

/// The publisher at work.
pub(super) struct Feed {
    thread: Option<JoinHandle<Result<Fed, DemoError>>>,
    fed: Option<Fed>,
}

impl Feed {
    pub(super) fn start(arguments: &Arguments, config: &Config, parts: &Parts, folded: &Arc<Folded>) -> Result<Self, DemoError> {
        let (arguments, folded) = (arguments.clone(), Arc::clone(folded));
        let (brokers, topic, settings) =
            (config.kafka.brokers.clone(), config.kafka.topic.clone(), parts.client_settings(config));
        // Only the embedded broker forgets what it has no room for.
        let consumed = parts.broker_is_embedded().then(|| Arc::clone(&folded.consumed));
        let body = move || {
            let mut publisher = Publisher::new(&brokers, &settings, &topic, consumed)?;
            let records = publish_all(&arguments, &mut publisher)?;
            publisher.flush()?;
            publisher.nothing_dropped()?;
            Ok(Fed { records, ends: publisher.ends()? })
        };
        let thread = thread::Builder::new().name("publisher".to_owned()).spawn(body);
        let thread = thread.map_err(|error| DemoError::Local("start the publisher", error))?;
        Ok(Feed { thread: Some(thread), fed: None })
    }

    pub(super) fn is_finished(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// What was published, once it is finished.
    pub(super) fn ended(&mut self) -> Result<Fed, DemoError> {
        match &self.fed {
            Some(fed) => Ok(fed.clone()),
            None => self.join(),
        }
    }

    /// Waits for the end.
    pub(super) fn join(&mut self) -> Result<Fed, DemoError> {
        let panicked = || DemoError::Broker(BrokerError::Broker("the publisher panicked".to_owned()));
        let fed =
            self.thread.take().map_or_else(|| Err(panicked()), |thread| thread.join().unwrap_or_else(|_| Err(panicked())))?;
        self.fed = Some(fed.clone());
        Ok(fed)
    }
}

/// On a terminal: how many records are in the store.
pub(super) fn progress_bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {human_pos} events folded");
    ProgressBar::new_spinner().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
}

fn publish_all(arguments: &Arguments, publisher: &mut Publisher) -> Result<u64, DemoError> {
    let mut records = 0;
    if arguments.input.is_empty() {
        for line in Economy::new(&arguments.world.settings()) {
            publisher.publish(Message { key: Some(line.key.as_bytes()), payload: Some(&line.json), ..Message::default() })?;
            records += 1;
        }
        return Ok(records);
    }
    let mut input = Input::open(&arguments.input)?;
    while let Some(line) = input.next()? {
        let key = line.key.as_ref().map(String::as_bytes);
        publisher.publish(Message { key, payload: Some(&line.bytes), ..Message::default() })?;
        records += 1;
    }
    Ok(records)
}
