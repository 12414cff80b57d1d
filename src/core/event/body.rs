//! The fields become an [`Event`]: which type needs which, and which it may have.
//!
//! Fields that a type does not have are not looked at.

use std::borrow::Cow;

use super::envelope::Attributes;
use super::wire::{Field, Wire};
use super::{Body, Event, EventType, Post, Reason, Reject, Reply, Share, check, fact};

/// Turns the fields of one object into an event. What it does not say of itself, its envelope may.
pub(super) fn event<'a>(wire: &Wire<'a>, envelope: &Attributes<'a>) -> Result<Event<'a>, Reject> {
    let event_type = event_type(wire, envelope)?;
    let id = match envelope.id {
        Some(id) if wire.get(Field::Id).is_none() => {
            check::check_id("ce_id", id)?;
            Cow::Borrowed(id)
        }
        _ => check::id(wire, Field::Id)?,
    };
    let time = match envelope.time {
        Some(text) if wire.get(Field::Time).is_none() => check::rfc3339("ce_time", text)?,
        _ => check::time(wire, Field::Time)?,
    };
    let body = match event_type {
        EventType::Post => post(wire)?,
        EventType::Share => share(wire)?,
        EventType::Reply => reply(wire)?,
        EventType::Reaction => reaction(wire)?,
        EventType::Delete => delete(wire)?,
        EventType::Sample => sample(wire)?,
        EventType::Click => Body::Click(Box::new(fact::click(wire)?)),
        EventType::Visit => Body::Visit(Box::new(fact::visit(wire)?)),
        EventType::Conversion => Body::Conversion(Box::new(fact::conversion(wire)?)),
        EventType::Cost => Body::Cost(Box::new(fact::cost(wire)?)),
        EventType::Assign => Body::Assign(Box::new(fact::assignment(wire)?)),
        EventType::Report => Body::Report(Box::new(fact::report(wire)?)),
    };
    Ok(Event { id, time, body })
}

fn event_type(wire: &Wire<'_>, envelope: &Attributes<'_>) -> Result<EventType, Reject> {
    let found = match (wire.get(Field::Type), envelope.event_type) {
        (Some(value), _) => EventType::from_name(&check::text(Field::Type, value)?),
        (None, Some(name)) => EventType::from_name(name),
        (None, None) => {
            return Err(Reject::new(Reason::MissingField, "`type` is missing or null; send the type of the event"));
        }
    };
    found.ok_or_else(|| {
        let cure = "send post, share, reply, reaction, delete, sample, click, visit, conversion, cost, assign or report";
        Reject::new(Reason::UnknownType, format!("`type` names no type of event; {cure}"))
    })
}

fn post<'a>(wire: &Wire<'a>) -> Result<Body<'a>, Reject> {
    check::followers(wire)?;
    Ok(Body::Post(Box::new(Post {
        actor: check::actor(wire)?,
        brand: check::label(wire, Field::Brand)?,
        campaign: check::label(wire, Field::Campaign)?,
        channel: check::label(wire, Field::Channel)?,
        platform: check::label(wire, Field::Platform)?,
        community: check::label(wire, Field::Community)?,
        experiment: check::label(wire, Field::Experiment)?,
        arm: check::label(wire, Field::Arm)?,
        tags: check::tags(wire)?,
        url: check::address(wire, Field::Url)?,
        is_brand: check::flag(wire, Field::IsBrand)?,
        mentions_brand: check::flag(wire, Field::MentionsBrand)?,
    })))
}

fn share<'a>(wire: &Wire<'a>) -> Result<Body<'a>, Reject> {
    let edge_source = check::label(wire, Field::EdgeSource)?;
    Ok(Body::Share(Share {
        actor: check::actor(wire)?,
        root: check::id(wire, Field::Root)?,
        parent: check::id(wire, Field::Parent)?,
        is_quote: check::label(wire, Field::Kind)? == "quote",
        parent_guessed: matches!(edge_source.as_ref(), "inferred" | "root_fallback"),
        mentions_brand: check::flag(wire, Field::MentionsBrand)?,
        followers: check::followers(wire)?,
    }))
}

fn reply<'a>(wire: &Wire<'a>) -> Result<Body<'a>, Reject> {
    check::tags(wire)?;
    Ok(Body::Reply(Reply {
        actor: check::actor(wire)?,
        root: check::id(wire, Field::Root)?,
        parent: check::id(wire, Field::Parent)?,
        is_brand: check::flag(wire, Field::IsBrand)?,
        mentions_brand: check::flag(wire, Field::MentionsBrand)?,
    }))
}

fn reaction<'a>(wire: &Wire<'a>) -> Result<Body<'a>, Reject> {
    check::actor(wire)?;
    check::id(wire, Field::Target)?;
    check::label(wire, Field::Kind)?;
    Ok(Body::Reaction { root: check::id(wire, Field::Root)? })
}

fn delete<'a>(wire: &Wire<'a>) -> Result<Body<'a>, Reject> {
    check::id(wire, Field::Target)?;
    check::label(wire, Field::Reason)?;
    Ok(Body::Delete { root: check::id(wire, Field::Root)? })
}

fn sample<'a>(wire: &Wire<'a>) -> Result<Body<'a>, Reject> {
    Ok(Body::Sample {
        root: check::id(wire, Field::Root)?,
        metric: check::required_label(wire, Field::Metric)?,
        value: check::gauge(wire, Field::Value)?,
    })
}
