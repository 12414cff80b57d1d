//! Gives a client of librdkafka its token.
#![expect(unsafe_code, reason = "rdkafka's own way of doing it has no room for extensions, and waits to be asked")]

use std::ffi::{CStr, CString, c_char};

use rdkafka::bindings as sys;
use rdkafka::client::{Client, ClientContext};

use super::Token;

/// Every broker that is connected to from now on, or asks who this is again, is shown this token.
pub(super) fn give<C: ClientContext>(client: &Client<C>, token: &Token) -> Result<(), String> {
    let text = |text: &str| CString::new(text).map_err(|_| "it holds a zero byte".to_owned());
    let (value, principal) = (text(&token.value)?, text(&token.principal)?);
    let words = token.extensions.iter().flat_map(|(name, value)| [text(name), text(value)]).collect::<Result<Vec<_>, _>>()?;
    let mut extensions: Vec<*const c_char> = words.iter().map(|word| word.as_ptr()).collect();
    let mut said: [c_char; 512] = [0; 512];
    // SAFETY: the client is alive; all texts end with a zero byte and are copied; `extensions` are names and values in turn, and as
    // many as is said; `said` has the room that is said and ends with a zero byte, whatever is written.
    let code = unsafe {
        sys::rd_kafka_oauthbearer_set_token(
            client.native_ptr(),
            value.as_ptr(),
            token.expires,
            principal.as_ptr(),
            extensions.as_mut_ptr(),
            extensions.len(),
            said.as_mut_ptr(),
            said.len(),
        )
    };
    if code == sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
        return Ok(());
    }
    // SAFETY: it was zeros before, and is written as a text that ends with one.
    Err(unsafe { CStr::from_ptr(said.as_ptr()) }.to_string_lossy().into_owned())
}
