//! What outlives the page: the instance id, and the core's memory of the last session,
//! where and as `js/phone/storage.js` keeps it.

use super::options::Options;
use super::platform::random;
use crate::prelude::*;
use core::fmt::Write;
use js_sys::JSON;
use serde::{Deserialize, Serialize};
use web_sys::Storage;

/// What is kept of a client.
#[derive(Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
struct Record {
    instance_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory: Option<String>,
}

pub(super) struct Store {
    storage: Option<Storage>,
    key: String,
    pub instance_id: String,
    /// What the tabs that can be this client call it, if there can be any.
    pub shared_as: Option<String>,
}

impl Store {
    pub fn new(options: &Options) -> Self {
        let window = web_sys::window().filter(|_| options.storage);
        // Asking for it alone fails where cookies are blocked.
        let storage = window.and_then(|window| window.local_storage().ok().flatten());
        let domain = options.domain.to_lowercase();
        let client = format!("graceline:{}@{domain}/{}", options.user, options.device());
        // A given instance has a record of its own: two of them in one page must not
        // overwrite each other's memory.
        let key = match &options.instance_id {
            Some(instance) => format!("{client}/{instance}"),
            None => client.clone(),
        };
        let mut store = Self {
            storage,
            key,
            instance_id: String::new(),
            shared_as: None,
        };
        let kept = store.read().instance_id;
        let given = options.instance_id.clone();
        let usable = || kept.clone().filter(|kept| is_instance_id(kept));
        store.instance_id = given.or_else(usable).unwrap_or_else(random_instance_id);
        if kept.as_ref() != Some(&store.instance_id) {
            store.write(None);
        }
        let shared = || format!("{client}/{}", store.instance_id);
        store.shared_as = store.storage.is_some().then(shared);
        store
    }

    pub fn memory(&self) -> Option<String> {
        self.read().memory
    }

    pub fn remember(&self, memory: String) {
        self.write(Some(memory));
    }

    fn read(&self) -> Record {
        let kept = |storage: &Storage| storage.get_item(&self.key).ok().flatten();
        let text = self.storage.as_ref().and_then(kept);
        // Blocked, or spoilt by somebody: as if there were nothing.
        let value = text.and_then(|text| JSON::parse(&text).ok());
        let record = value.and_then(|value| serde_wasm_bindgen::from_value(value).ok());
        record.unwrap_or_default()
    }

    fn write(&self, memory: Option<String>) {
        let record = Record {
            instance_id: Some(self.instance_id.clone()),
            memory,
        };
        let value = serde_wasm_bindgen::to_value(&record).unwrap_or_default();
        let text = JSON::stringify(&value).map(String::from);
        if let (Some(storage), Ok(text)) = (&self.storage, text) {
            // Full or blocked: the next page load is a new client, nothing worse.
            _ = storage.set_item(&self.key, &text);
        }
    }
}

fn is_instance_id(text: &str) -> bool {
    let uuid = text.strip_prefix("urn:uuid:").unwrap_or_default();
    let fits = |byte: u8| byte.is_ascii_hexdigit() || byte == b'-';
    uuid.len() == 36 && uuid.bytes().all(fits)
}

/// A random UUID (RFC 9562 §5.4). `crypto.randomUUID` exists in secure contexts only.
fn random_instance_id() -> String {
    let mut text = String::from("urn:uuid:");
    for (at, byte) in random::<16>().into_iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        let byte = match at {
            6 => byte & 0x0f | 0x40,
            8 => byte & 0x3f | 0x80,
            _ => byte,
        };
        _ = write!(text, "{byte:02x}");
    }
    text
}
