//! The wasm boundaries in a real browser: the objects that cross them, the
//! platform's randomness, a phone and a registrar speaking through JavaScript
//! values, and a real WebSocket of the browser.

#![cfg(target_arch = "wasm32")]
// The panics of a test are its verdict.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use graceline::bridge::{Core, RegistrarCore, Taken};
use graceline::phone::Situation;
use js_sys::{Date, Function, JSON, Promise, Reflect, Uint8Array, WebAssembly};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = crypto, js_name = getRandomValues)]
    fn get_random_values(into: &Uint8Array);
}

fn object(json: &str) -> JsValue {
    JSON::parse(json).unwrap()
}

fn get(value: &JsValue, name: &str) -> JsValue {
    if !value.is_object() {
        return JsValue::UNDEFINED;
    }
    Reflect::get(value, &name.into()).unwrap()
}

fn text(value: &JsValue, name: &str) -> String {
    get(value, name).as_string().unwrap_or_default()
}

fn seed() -> Vec<u8> {
    let seed = Uint8Array::new_with_length(32);
    get_random_values(&seed);
    seed.to_vec()
}

/// As js/core/core.js writes it.
const OPTIONS: &str = "connections\0ws://127.0.0.1/\0user\x002001\0domain\0example.com\0\
    password\0s3cret\0device\0CSF\0timeout\x0030000\0trace\0true\0\
    instanceId\0urn:uuid:00000000-0000-4000-8000-000000000001";

/// What stands in the memory of the wasm.
fn memory(at: *const u8, size: usize) -> Uint8Array {
    let memory: WebAssembly::Memory = wasm_bindgen::memory().unchecked_into();
    Uint8Array::new_with_byte_offset_and_length(&memory.buffer(), at as u32, size as u32)
}

/// The phone as the host sees it: outputs are objects.
struct Phone(Core);

impl Phone {
    fn new() -> Self {
        let phone = Self(Core::default());
        let made_of = format!("{:?}\0{OPTIONS}", seed());
        phone.0.start(phone.put(made_of.as_bytes()));
        phone
    }

    fn put(&self, data: &[u8]) -> usize {
        memory(self.0.room(data.len()), data.len()).copy_from(data);
        data.len()
    }

    fn command(&self, command: &str) {
        self.wake_with(Date::now(), command);
    }

    fn wake_with(&self, now: f64, command: &str) {
        let taken = self.0.command(now, self.put(command.as_bytes()));
        assert!(matches!(taken, Taken::Done), "{command:?}");
    }

    fn receive(&self, data: &[u8]) {
        let size = self.put(data);
        self.0.socket_message(Date::now(), (0, 1), size, true);
    }

    fn poll(&self) -> JsValue {
        let place = self.0.poll();
        if place.is_null() {
            return JsValue::UNDEFINED;
        }
        let place = memory(place.cast(), 8).to_vec();
        let number = |at| u32::from_le_bytes(place[at..at + 4].try_into().unwrap());
        let bytes = memory(number(0) as *const u8, number(4) as usize);
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        if text.starts_with('{') {
            return object(&text);
        }
        let send = object(r#"{ "type": "send" }"#);
        Reflect::set(&send, &"data".into(), &text.into()).unwrap();
        send
    }
}

/// Both machines in one page; what each hands out, the other is given.
struct Pair {
    phone: Phone,
    registrar: RegistrarCore,
    /// Everything that the phone handed out.
    outputs: Vec<JsValue>,
}

impl Pair {
    fn new() -> Self {
        let config = object(
            r#"{ "policy": "graceful", "users": { "2001": { "password": "s3cret" } },
                 "domain": "example.com" }"#,
        );
        let registrar = RegistrarCore::new(&config, &seed(), Date::now()).expect("good options");
        Self {
            phone: Phone::new(),
            registrar,
            outputs: Vec::new(),
        }
    }

    /// Runs until neither side has anything to say.
    fn settle(&mut self) {
        loop {
            let output = self.phone.poll();
            if !output.is_undefined() {
                self.perform(&output);
                self.outputs.push(output);
                continue;
            }
            let output = self.registrar.poll();
            if output.is_undefined() {
                return;
            }
            if text(&output, "type") == "send" {
                self.phone.receive(text(&output, "data").as_bytes());
            }
        }
    }

    fn perform(&self, output: &JsValue) {
        match text(output, "type").as_str() {
            "open" => {
                self.registrar.opened(Date::now(), 1);
                self.phone.command("socketOpened\x000\x001\0sip");
            }
            "send" => self
                .registrar
                .received(Date::now(), 1, &get(output, "data")),
            _ => {}
        }
    }

    fn events(&self) -> Vec<String> {
        let events = self
            .outputs
            .iter()
            .filter(|output| text(output, "type") == "event");
        events.map(|event| text(event, "name")).collect()
    }

    fn event(&self, name: &str) -> Option<&JsValue> {
        self.outputs
            .iter()
            .find(|output| text(output, "name") == name)
    }
}

#[wasm_bindgen_test]
fn a_phone_registers_through_plain_objects() {
    let mut pair = Pair::new();
    pair.phone.command("register\x007\0");
    pair.settle();
    assert_eq!(pair.events(), ["status", "status", "registered"]);
    let registered = pair.event("registered").unwrap();
    assert_eq!(get(registered, "attempt").as_f64(), Some(7.0));
    let registration = get(registered, "registration");
    assert_eq!(text(&registration, "device"), "CSF");
    assert_eq!(text(&registration, "mode"), "SoftPhone");
    assert_eq!(get(&registration, "expires").as_f64(), Some(120.0));
    assert_eq!(
        get(&registration, "forceRegistration").as_bool(),
        Some(false)
    );
    let bindings = pair.registrar.bindings(Date::now(), "2001");
    assert_eq!(bindings.length(), 1);
    assert_eq!(text(&bindings.get(0), "device"), "CSF");
    let deadline = pair.phone.0.deadline();
    assert!(deadline > Date::now() && deadline < Date::now() + 61_000.0);
}

#[wasm_bindgen_test]
fn leaving_hands_out_one_register_and_the_close_at_once() {
    let mut pair = Pair::new();
    pair.phone.command("register\x001\0");
    pair.settle();
    pair.phone.command("leave");
    let mut kinds = Vec::new();
    let mut register = String::new();
    loop {
        let output = pair.phone.poll();
        if output.is_undefined() {
            break;
        }
        if text(&output, "type") == "send" {
            register = text(&output, "data");
        }
        kinds.push(text(&output, "type"));
    }
    kinds.retain(|kind| kind == "send" || kind == "closeSocket" || kind == "store");
    // The nonce count is stored before it is used.
    assert_eq!(kinds.first().map(String::as_str), Some("store"));
    assert_eq!(kinds.iter().filter(|kind| *kind == "send").count(), 1);
    assert!(kinds.iter().any(|kind| kind == "closeSocket"));
    assert!(register.starts_with("REGISTER ") && register.contains("Authorization: Digest "));
    pair.registrar.received(Date::now(), 1, &register.into());
    assert_eq!(pair.registrar.bindings(Date::now(), "2001").length(), 0);
}

#[wasm_bindgen_test]
fn no_secret_crosses_the_boundary_but_in_the_messages() {
    let mut pair = Pair::new();
    pair.phone.command("register\x001\0");
    pair.settle();
    let mut traces = 0;
    for output in &pair.outputs {
        let shown = JSON::stringify(output).unwrap().as_string().unwrap();
        assert!(!shown.contains("s3cret"));
        if text(output, "type") == "trace" {
            traces += 1;
            assert!(!shown.contains("response="), "{shown}");
        }
    }
    assert!(traces >= 4);
}

#[wasm_bindgen_test]
fn a_request_is_answered_and_what_is_no_message_is_harmless() {
    let mut pair = Pair::new();
    pair.phone.command("register\x001\0");
    pair.settle();
    let options = "OPTIONS sip:2001@example.com SIP/2.0\r\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bK1\r\n\
                   Max-Forwards: 70\r\nFrom: <sip:a@example.com>;tag=1\r\nTo: <sip:2001@example.com>\r\n\
                   Call-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";
    let answers = |data: &[u8]| {
        pair.phone.receive(data);
        let mut answers = 0;
        loop {
            let output = pair.phone.poll();
            if output.is_undefined() {
                return answers;
            }
            answers += u32::from(text(&output, "data").starts_with("SIP/2.0 200 OK"));
        }
    };
    assert_eq!(answers(options.as_bytes()), 1);
    for odd in [&b""[..], b"\0", b"\xff", &[b'x'; 1 << 20]] {
        assert_eq!(answers(odd), 0);
    }
}

#[wasm_bindgen_test]
async fn a_socket_of_the_browser_that_cannot_open_ends_the_login() {
    // Port 9 (discard): nobody listens, the browser says so with a close.
    let make = Function::new_with_args(
        "url",
        "return new Promise((resolve) => { const s = new WebSocket(url, 'sip'); s.onclose = resolve; });",
    );
    let phone = Phone::new();
    phone.command("register\x001\0");
    let mut failed = None;
    while failed.is_none() {
        let output = phone.poll();
        match text(&output, "type").as_str() {
            "open" => {
                let url = "ws://127.0.0.1:9/".into();
                let promise: Promise = make.call1(&JsValue::NULL, &url).unwrap().into();
                JsFuture::from(promise).await.unwrap();
                let generation = get(&output, "generation").as_f64().unwrap() as u32;
                phone.command(&format!("socketClosed\x000\0{generation}"));
            }
            "event" if text(&output, "name") == "failed" => failed = get(&output, "at").as_f64(),
            // The pauses between the attempts need not be lived through.
            _ if output.is_undefined() => phone.wake_with(phone.0.deadline(), "wake"),
            _ => {}
        }
    }
    let at = Situation::NoConnection as u32;
    assert_eq!(failed, Some(at.into()));
}
