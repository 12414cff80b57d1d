//! Public data sets of marketing. They are other people's, so that all of it needs the folder of real events.

mod real_events;
