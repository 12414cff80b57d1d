//! Who is in a consumer group, of either protocol.
#![expect(unsafe_code, reason = "the client describes groups of the consumer protocol only through its C interface")]

use std::ffi::{CStr, CString, c_char};
use std::ptr::{NonNull, null_mut};
use std::time::Duration;

use rdkafka::bindings as sys;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};

use super::identity::Owned;

/// A member of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// What its client calls itself (`client.id`).
    pub client: String,
    /// Where it is.
    pub host: String,
    /// How many partitions of the topic it has.
    pub partitions: usize,
}

/// Asks the group's coordinator. A group that does not exist has no members.
pub(super) fn members(native: *mut sys::rd_kafka_t, group: &str, topic: &str, deadline: Duration) -> KafkaResult<Vec<Member>> {
    let failed = |code| KafkaError::AdminOp(code);
    let name = CString::new(group)?;
    let mut names = [name.as_ptr()];
    let deadline = i32::try_from(deadline.as_millis()).unwrap_or(i32::MAX);
    let operation = sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS;
    // SAFETY: the caller's client is alive.
    let options = Owned::new(unsafe { sys::rd_kafka_AdminOptions_new(native, operation) }, sys::rd_kafka_AdminOptions_destroy);
    let options = options.ok_or(failed(RDKafkaErrorCode::InvalidArgument))?;
    // SAFETY: the options are alive; no room is offered for a message.
    unsafe { sys::rd_kafka_AdminOptions_set_request_timeout(options.get(), deadline, null_mut(), 0) };
    // SAFETY: the caller's client is alive.
    let queue = Owned::new(unsafe { sys::rd_kafka_queue_new(native) }, sys::rd_kafka_queue_destroy);
    let queue = queue.ok_or(failed(RDKafkaErrorCode::InvalidArgument))?;
    // SAFETY: all are alive, one name ends with a zero byte; name and options are copied.
    unsafe { sys::rd_kafka_DescribeConsumerGroups(native, names.as_mut_ptr(), names.len(), options.get(), queue.get()) };
    // SAFETY: the queue is alive.
    let event = Owned::new(unsafe { sys::rd_kafka_queue_poll(queue.get(), deadline) }, sys::rd_kafka_event_destroy);
    let event = event.ok_or(failed(RDKafkaErrorCode::OperationTimedOut))?;
    // SAFETY: the event is alive; one of another kind is answered with no result.
    let result = unsafe { sys::rd_kafka_event_DescribeConsumerGroups_result(event.get()) };
    if result.is_null() {
        // SAFETY: the event is alive.
        return Err(failed(unsafe { sys::rd_kafka_event_error(event.get()) }.into()));
    }
    let mut count = 0;
    // SAFETY: the result lives as long as its event; `count` is written, not kept.
    let groups = unsafe { sys::rd_kafka_DescribeConsumerGroups_result_groups(result, &raw mut count) };
    if count == 0 || groups.is_null() {
        return Err(failed(RDKafkaErrorCode::Unknown));
    }
    // SAFETY: there is at least one; it, and whatever it hands out, lives as long as the event.
    unsafe { of_group(*groups, topic) }
}

/// # Safety
/// The description must be alive.
unsafe fn of_group(group: *const sys::rd_kafka_ConsumerGroupDescription_t, topic: &str) -> KafkaResult<Vec<Member>> {
    // SAFETY: the group is alive.
    let error = unsafe { sys::rd_kafka_ConsumerGroupDescription_error(group) };
    // SAFETY: a null pointer is answered with no error.
    let code = RDKafkaErrorCode::from(unsafe { sys::rd_kafka_error_code(error) });
    if code == RDKafkaErrorCode::GroupIdNotFound {
        return Ok(Vec::new());
    }
    if code != RDKafkaErrorCode::NoError {
        return Err(KafkaError::AdminOp(code));
    }
    // SAFETY: the group is alive.
    let count = unsafe { sys::rd_kafka_ConsumerGroupDescription_member_count(group) };
    // SAFETY: the group is alive, the index is below the count, and a member lives as long as its group.
    Ok((0..count).map(|index| unsafe { of_member(sys::rd_kafka_ConsumerGroupDescription_member(group, index), topic) }).collect())
}

/// # Safety
/// The description must be alive.
unsafe fn of_member(member: *const sys::rd_kafka_MemberDescription_t, topic: &str) -> Member {
    // SAFETY: the member is alive; so are its texts and its assignment.
    let (client, host, assignment) = unsafe {
        (
            text(sys::rd_kafka_MemberDescription_client_id(member)),
            text(sys::rd_kafka_MemberDescription_host(member)),
            sys::rd_kafka_MemberDescription_assignment(member),
        )
    };
    // SAFETY: the assignment is alive, if there is one.
    let list =
        NonNull::new(assignment.cast_mut()).map(|some| unsafe { sys::rd_kafka_MemberAssignment_partitions(some.as_ptr()) });
    let list = list.and_then(|list| NonNull::new(list.cast_mut()));
    // SAFETY: the list has `cnt` elements, whose names end with a zero byte.
    let elements = list.map(|list| unsafe {
        let list = list.as_ref();
        (0..usize::try_from(list.cnt).unwrap_or_default()).filter(|at| text((*list.elems.add(*at)).topic) == topic).count()
    });
    Member { client, host, partitions: elements.unwrap_or_default() }
}

/// # Safety
/// The pointer must be null or one to a text that ends with a zero byte.
unsafe fn text(start: *const c_char) -> String {
    // SAFETY: as the caller promises.
    NonNull::new(start.cast_mut())
        .map_or_else(String::new, |start| unsafe { CStr::from_ptr(start.as_ptr()) }.to_string_lossy().into_owned())
}
