//! What ends by itself and is renewed: certificates and tokens.

use std::sync::PoisonError;

use super::Metrics;
use super::families::show_life;
use crate::certificates::Lifetime;
use crate::record::Millis;

impl Metrics {
    /// Notes from when until when a certificate counts that is in use, by the key that names its file.
    pub fn record_certificate(&self, key: &str, life: Lifetime) {
        self.certificates.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_owned(), life);
    }

    /// Notes how many mistakes there are in renewed files, for which the old ones go on.
    pub fn record_refused_renewals(&self, mistakes: usize) {
        self.families.renewal_refused.set(mistakes as f64);
    }

    /// Notes from when until when the token counts that brokers are shown.
    pub fn record_token(&self, life: Lifetime) {
        show_life(&self.families.token, &[], life, (self.clock)());
    }

    pub(super) fn show_certificates(&self, now: Millis) {
        for (key, life) in self.certificates.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            show_life(&self.families.certificates, &[key], *life, now);
        }
    }
}
