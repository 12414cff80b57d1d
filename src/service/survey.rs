//! What is watched beside the loops: whether the topic is there and suits, and who else is in the group.
//!
//! One for the process. It changes nothing of what the loops do; whatever the brokers do not tell is not judged.

use std::sync::Arc;
use std::time::Duration;

use tracing::{info, warn};

use super::SAID_WITHIN;
use crate::config::Config;
use crate::kafka::{Described, Member, Renewals, Survey, Tokens, TopicSettings};
use crate::metrics::{Health, Metrics, Obstacle, TopicProblem, Warning};

/// How often the topic is looked for, and every how many times its settings and the group's members are asked for.
const EVERY: Duration = Duration::from_secs(10);
const ROUNDS: u32 = 6;
const _: () = assert!(EVERY.as_secs() < SAID_WITHIN.as_secs());

/// Watches until it is dropped.
pub(super) async fn watch(config: Config, tokens: Tokens, mut settings: Renewals, metrics: Arc<Metrics>, health: Arc<Health>) {
    let epoch = config.rules.epoch;
    let survey = |settings: &mut Renewals| Survey::new(&settings.borrow_and_update(), &tokens, epoch);
    let mut current = match survey(&mut settings) {
        Ok(survey) => survey,
        // The loops say so too, and end.
        Err(failure) => return warn!(%failure, "topic and group are not watched"),
    };
    let mut watch = Watch { config, metrics, health, missing: false, denied: false, settings: None, foreign: Vec::new() };
    let mut round = 0_u32;
    loop {
        if settings.has_changed().is_ok_and(|changed| changed)
            && let Ok(renewed) = survey(&mut settings)
        {
            current = renewed;
        }
        let survey = &current;
        if let Some(exists) = survey.topic_exists().await {
            watch.topic_exists(exists);
            // Brokers that do not answer are asked no more than that: see `kafka::identity`.
            if round.is_multiple_of(ROUNDS) {
                watch.described(survey.settings().await);
                if let Some(members) = survey.foreign_members().await {
                    watch.foreign_members(members);
                }
            }
            round = round.wrapping_add(1);
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// What was seen last: a thing is said when it changes.
struct Watch {
    config: Config,
    metrics: Arc<Metrics>,
    health: Arc<Health>,
    missing: bool,
    denied: bool,
    settings: Option<TopicSettings>,
    foreign: Vec<Member>,
}

impl Watch {
    fn topic_exists(&mut self, exists: bool) {
        self.metrics.record_topic_problem(TopicProblem::Missing, !exists);
        let before = std::mem::replace(&mut self.missing, !exists);
        let crate::config::Kafka { topic, brokers, .. } = &self.config.kafka;
        let text = format!("topic {topic} does not exist on {brokers}: create it, or set `kafka.topic` right");
        for number in 0..self.config.worker.threads {
            if exists {
                self.health.clear(number, Obstacle::Topic);
            } else {
                self.health.block(number, Obstacle::Topic, &*text);
            }
        }
        match (before, exists) {
            (false, false) => warn!("{text}"),
            (true, true) => info!("topic {topic} is there now"),
            _ => {}
        }
    }

    fn described(&mut self, described: Described) {
        let settings = match described {
            Described::Settings(settings) => settings,
            Described::Denied => {
                if !std::mem::replace(&mut self.denied, true) {
                    let topic = &self.config.kafka.topic;
                    info!("this user may not read the settings of topic {topic} (DescribeConfigs): its retention is not watched");
                }
                return;
            }
            Described::Nothing => return,
        };
        self.metrics.record_retention(settings.retention);
        let problems = settings.problems(&self.config.kafka.topic, self.config.checkpoint.interval);
        for problem in [TopicProblem::Compacted, TopicProblem::ShortRetention] {
            let text = problems.iter().find(|(found, _)| *found == problem).map(|(_, text)| text.clone());
            self.metrics.record_topic_problem(problem, text.is_some());
            self.health.warn(Warning::Topic(problem), text);
        }
        if self.settings.replace(settings) != Some(settings) {
            problems.iter().for_each(|(_, text)| warn!("{text}"));
        }
    }

    fn foreign_members(&mut self, mut members: Vec<Member>) {
        members.sort_by(|a, b| (&a.client, &a.host).cmp(&(&b.client, &b.host)));
        self.metrics.record_foreign_members(members.len());
        if members == self.foreign {
            return;
        }
        let group = self.config.kafka.group_of(self.config.rules.epoch);
        let who: Vec<String> = members.iter().map(|Member { client, host }| format!("{client} at {host}")).collect();
        let text = format!(
            "a foreign consumer is in the group {group}: {}; what it is given of the topic no worker reads meanwhile. Stop it or give it a \
             group of its own, or give the workers one (`kafka.group`)",
            who.join(", ")
        );
        if !members.is_empty() {
            warn!("{text}");
        }
        self.health.warn(Warning::ForeignMembers, (!members.is_empty()).then_some(text));
        if members.is_empty() {
            info!("no foreign consumer is in the group {group} any more");
        }
        self.foreign = members;
    }
}
