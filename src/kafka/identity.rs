//! Whether the topic is still the one that this process began to read: brokers give every topic an id when it is created.
//!
//! A topic that is deleted, created again and filled beyond the old position looks to the client like the old one. So the
//! brokers are asked every second. A client that starts knows no id yet: there the last record that was read is compared.
#![expect(unsafe_code, reason = "the client tells a topic's id only through its C interface")]

use std::ffi::CString;
use std::ptr::{NonNull, null_mut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rdkafka::bindings as sys;
use rdkafka::consumer::Consumer as _;
use tokio::time::Instant;

use super::client::{self, Client};
use crate::reader::TopicId;

/// How often the brokers are asked, and how long an answer may take.
const ASK_EVERY: Duration = Duration::from_secs(1);
const ASK_DEADLINE: Duration = Duration::from_secs(5);

/// What the brokers called the topic when this process asked last. Clones share it, so that one question a second serves
/// all loops of a process.
#[derive(Clone, Debug, Default)]
pub struct TopicWatch(Arc<Mutex<Watched>>);

#[derive(Debug, Default)]
struct Watched {
    told: Option<TopicId>,
    ask_at: Option<Instant>,
}

impl TopicWatch {
    /// What was told last; asks again in the background when it is time.
    pub(super) fn look(&self, client: &Arc<Client>, topic: &str) -> Option<TopicId> {
        let now = Instant::now();
        let mut watched = self.lock();
        if watched.ask_at.is_none_or(|due| now >= due) {
            // The next question waits for the two answers, but not for ever.
            watched.ask_at = Some(now + 2 * ASK_DEADLINE + ASK_EVERY);
            let (shared, client, topic) = (self.clone(), Arc::clone(client), topic.to_owned());
            drop(client::on_thread("kafka-identify", move || shared.hear(topic_id(&client, &topic), now)));
        }
        watched.told
    }

    /// Brokers that say nothing, or that the topic is not there, say nothing about another one.
    fn hear(&self, told: Option<TopicId>, asked: Instant) {
        let mut watched = self.lock();
        watched.told = told.or(watched.told);
        watched.ask_at = Some(asked + ASK_EVERY);
    }

    fn lock(&self) -> MutexGuard<'_, Watched> {
        // Every write is complete: a panic in between leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Something of the client's that is destroyed when it goes out of scope.
struct Owned<T> {
    pointer: NonNull<T>,
    destroy: unsafe extern "C" fn(*mut T),
}

impl<T> Owned<T> {
    fn new(pointer: *mut T, destroy: unsafe extern "C" fn(*mut T)) -> Option<Owned<T>> {
        NonNull::new(pointer).map(|pointer| Owned { pointer, destroy })
    }

    fn get(&self) -> *mut T {
        self.pointer.as_ptr()
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: the pointer came from the client together with the function that destroys it, and is not used again.
        unsafe { (self.destroy)(self.get()) };
    }
}

/// The id of a topic; nothing if it does not exist, if the brokers know no ids, or if they do not answer.
pub(super) fn topic_id(client: &Client, topic: &str) -> Option<TopicId> {
    // The question below goes to one broker, and as long as that one refuses connections the client tries them as fast as it can,
    // instead of one after a while. So it is asked only of brokers that answer this one.
    client.fetch_metadata(Some(topic), ASK_DEADLINE).ok()?;
    let name = CString::new(topic).ok()?;
    let mut names = [name.as_ptr()];
    let native = client.client().native_ptr();
    let deadline = i32::try_from(ASK_DEADLINE.as_millis()).ok()?;
    // SAFETY: one name that ends with a zero byte, which is copied.
    let topics = unsafe { sys::rd_kafka_TopicCollection_of_topic_names(names.as_mut_ptr(), names.len()) };
    let topics = Owned::new(topics, sys::rd_kafka_TopicCollection_destroy)?;
    // SAFETY: the client is alive.
    let options = unsafe { sys::rd_kafka_AdminOptions_new(native, sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS) };
    let options = Owned::new(options, sys::rd_kafka_AdminOptions_destroy)?;
    // SAFETY: the options are alive; no room is offered for a message.
    unsafe { sys::rd_kafka_AdminOptions_set_request_timeout(options.get(), deadline, null_mut(), 0) };
    // SAFETY: the client is alive.
    let queue = Owned::new(unsafe { sys::rd_kafka_queue_new(native) }, sys::rd_kafka_queue_destroy)?;
    // SAFETY: all four are alive; topics and options are copied.
    unsafe { sys::rd_kafka_DescribeTopics(native, topics.get(), options.get(), queue.get()) };
    // SAFETY: the queue is alive.
    let event = Owned::new(unsafe { sys::rd_kafka_queue_poll(queue.get(), deadline) }, sys::rd_kafka_event_destroy)?;
    // SAFETY: the event is alive; one of another kind is answered with no result.
    let result = NonNull::new(unsafe { sys::rd_kafka_event_DescribeTopics_result(event.get()) }.cast_mut())?;
    let mut count = 0;
    // SAFETY: the result lives as long as its event; `count` is written, not kept.
    let descriptions = unsafe { sys::rd_kafka_DescribeTopics_result_topics(result.as_ptr(), &raw mut count) };
    if count == 0 || descriptions.is_null() {
        return None;
    }
    // SAFETY: there is at least one, and it lives as long as the event; so does its id.
    let id = unsafe { sys::rd_kafka_TopicDescription_topic_id(*descriptions) };
    if id.is_null() {
        return None;
    }
    // SAFETY: not null, and alive as long as the event.
    let id = unsafe { (sys::rd_kafka_Uuid_most_significant_bits(id), sys::rd_kafka_Uuid_least_significant_bits(id)) };
    // Brokers without ids, and topics that do not exist.
    (id != (0, 0)).then_some(id)
}
