//! An event cut loose from the text it was read from.

use std::borrow::Cow;

use super::{Body, Event, Post, Reply, Share};

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
        Body::Click(click) => Body::Click(click),
        Body::Visit(visit) => Body::Visit(visit),
        Body::Conversion(conversion) => Body::Conversion(conversion),
        Body::Cost(cost) => Body::Cost(cost),
        Body::Assign(assignment) => Body::Assign(assignment),
        Body::Report(report) => Body::Report(report),
    };
    Event { id: owned(event.id), time: event.time, body }
}

fn owned_post(post: Post<'_>) -> Post<'static> {
    let Post { actor, brand, campaign, channel, platform, community, experiment, arm, tags, url, is_brand, mentions_brand } =
        post;
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
        url: owned(url),
        is_brand,
        mentions_brand,
    }
}

fn owned(text: Cow<'_, str>) -> Cow<'static, str> {
    Cow::Owned(text.into_owned())
}
