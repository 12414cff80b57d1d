//! Publishes the events on a thread of its own, as fast as the worker folds them.

use std::io::IsTerminal;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::input::Input;
use super::parts::Parts;
use super::watch::Folded;
use super::{Arguments, DemoError, economy};
use crate::config::Config;
use crate::embedded::broker::{BrokerError, Message, Publisher};
use crate::generator::money::Economy;
use crate::generator::{Generator, Line};
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

    /// On a terminal: how many records are in the store.
    #[expect(clippy::unused_self, reason = "a bar is a feed's")]
    pub(super) fn progress_bar(&self, arguments: &Arguments) -> ProgressBar {
        if !std::io::stderr().is_terminal() {
            return ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        }
        let known = (arguments.input.is_empty() && !arguments.money).then_some(arguments.events as u64);
        let template = if known.is_some() {
            "{bar:40} {human_pos}/{human_len} events folded"
        } else {
            "{spinner} {human_pos} events folded"
        };
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = known.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
        bar.with_style(style)
    }
}

fn publish_all(arguments: &Arguments, publisher: &mut Publisher) -> Result<u64, DemoError> {
    let mut records = 0;
    if arguments.input.is_empty() {
        let lines: Box<dyn Iterator<Item = Line>> = if arguments.money {
            Box::new(Economy::new(&economy::settings(arguments)))
        } else {
            Box::new(Generator::new(arguments.seed, arguments.events))
        };
        for line in lines {
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
