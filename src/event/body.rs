//! The fields become an [`Event`]: which type needs which, and which it may have.
//!
//! Fields that a type does not have are not looked at. Facts whose rows are not written yet are checked all the same,
//! so that what is accepted today stays good.

use std::borrow::Cow;

use super::envelope::Attributes;
use super::wire::{Field, Wire};
use super::{Body, Event, EventType, Post, Reason, Reject, Reply, Share, check};

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
        EventType::Click => click(wire)?,
        EventType::Visit => visit(wire)?,
        EventType::Conversion => conversion(wire)?,
        EventType::Cost => cost(wire)?,
        EventType::Assign => assign(wire)?,
        EventType::Report => report(wire)?,
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
    check::label(wire, Field::Url)?;
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

fn click<'a>(wire: &Wire<'a>) -> Result<Body<'a>, Reject> {
    ids(wire, &[Field::Target, Field::Visitor])?;
    labels(wire, UTM)?;
    Ok(Body::Click { root: check::id(wire, Field::Root)? })
}

/// The parameters of a link.
const UTM: &[Field] = &[Field::UtmSource, Field::UtmMedium, Field::UtmCampaign, Field::UtmContent, Field::UtmTerm, Field::UtmId];

fn visit<'a>(wire: &Wire<'a>) -> Result<Body<'a>, Reject> {
    ids(wire, &[Field::Visitor, Field::Click])?;
    labels(wire, UTM)?;
    labels(wire, &[Field::Brand, Field::LandingUrl, Field::ReferrerHost])?;
    Ok(Body::Visit)
}

fn conversion<'a>(wire: &Wire<'a>) -> Result<Body<'a>, Reject> {
    check::required_decimal(wire, Field::Amount)?;
    check::required_label(wire, Field::Currency)?;
    check::decimal(wire, Field::MarginRate, check::RATE_DIGITS)?;
    ids(wire, &[Field::Visitor, Field::RefundOf, Field::RelatesTo])?;
    labels(wire, &[Field::Brand, Field::Kind])?;
    Ok(Body::Conversion)
}

fn cost<'a>(wire: &Wire<'a>) -> Result<Body<'a>, Reject> {
    if wire.get(Field::Amount).is_none() && wire.get(Field::Seconds).is_none() {
        return Err(Reject::new(Reason::MissingField, "`amount` and `seconds` are both missing; a cost needs one of them"));
    }
    check::decimal(wire, Field::Amount, check::MONEY_DIGITS)?;
    check::whole_number(wire, Field::Seconds)?;
    check::flag(wire, Field::Estimated)?;
    check::optional_time(wire, Field::PeriodStart)?;
    check::optional_time(wire, Field::PeriodEnd)?;
    labels(wire, &[Field::Currency, Field::Campaign, Field::Brand, Field::Channel, Field::Community])?;
    labels(wire, &[Field::Side, Field::Kind, Field::Role])?;
    Ok(Body::Cost)
}

fn assign<'a>(wire: &Wire<'a>) -> Result<Body<'a>, Reject> {
    check::required_label(wire, Field::Experiment)?;
    check::required_label(wire, Field::Arm)?;
    check::id(wire, Field::Unit)?;
    check::required_label(wire, Field::UnitType)?;
    Ok(Body::Assign)
}

fn report<'a>(wire: &Wire<'a>) -> Result<Body<'a>, Reject> {
    check::required_label(wire, Field::Origin)?;
    check::required_label(wire, Field::Metric)?;
    check::required_decimal(wire, Field::Value)?;
    check::optional_time(wire, Field::PeriodStart)?;
    check::optional_time(wire, Field::PeriodEnd)?;
    labels(wire, &[Field::Grain, Field::Brand, Field::Campaign, Field::Channel])?;
    Ok(Body::Report)
}

/// Checks optional ids that nothing keeps yet.
fn ids(wire: &Wire<'_>, fields: &[Field]) -> Result<(), Reject> {
    fields.iter().try_for_each(|field| check::optional_id(wire, *field).map(drop))
}

/// Checks texts that nothing keeps yet.
fn labels(wire: &Wire<'_>, fields: &[Field]) -> Result<(), Reject> {
    fields.iter().try_for_each(|field| check::label(wire, *field).map(drop))
}

/// Cuts an event loose from the text it was read from.
pub(super) fn into_owned(event: Event<'_>) -> Event<'static> {
    let body = match event.body {
        Body::Post(post) => Body::Post(Box::new(owned_post(*post))),
        Body::Share(Share { actor, root, parent, is_quote, parent_guessed, mentions_brand, followers }) => {
            let (actor, root, parent) = (actor.map(owned), owned(root), owned(parent));
            Body::Share(Share { actor, root, parent, is_quote, parent_guessed, mentions_brand, followers })
        }
        Body::Reply(Reply { actor, root, parent, is_brand, mentions_brand }) => {
            let (actor, root, parent) = (actor.map(owned), owned(root), owned(parent));
            Body::Reply(Reply { actor, root, parent, is_brand, mentions_brand })
        }
        Body::Reaction { root } => Body::Reaction { root: owned(root) },
        Body::Delete { root } => Body::Delete { root: owned(root) },
        Body::Sample { root, metric, value } => Body::Sample { root: owned(root), metric: owned(metric), value },
        Body::Click { root } => Body::Click { root: owned(root) },
        Body::Visit => Body::Visit,
        Body::Conversion => Body::Conversion,
        Body::Cost => Body::Cost,
        Body::Assign => Body::Assign,
        Body::Report => Body::Report,
    };
    Event { id: owned(event.id), time: event.time, body }
}

fn owned_post(post: Post<'_>) -> Post<'static> {
    let Post { actor, brand, campaign, channel, platform, community, experiment, arm, tags, is_brand, mentions_brand } = post;
    Post {
        actor: actor.map(owned),
        brand: owned(brand),
        campaign: owned(campaign),
        channel: owned(channel),
        platform: owned(platform),
        community: owned(community),
        experiment: owned(experiment),
        arm: owned(arm),
        tags: tags.into_iter().map(owned).collect(),
        is_brand,
        mentions_brand,
    }
}

fn owned(text: Cow<'_, str>) -> Cow<'static, str> {
    Cow::Owned(text.into_owned())
}
