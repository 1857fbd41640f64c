//! Calls, with sound: what is heard is counted by the browser, at both ends.

use crate::support::{REGISTRAR, javascript, options, phone, until};
use gloo_timers::future::TimeoutFuture;
use graceline::browser::{
    Call, CallEvent, CallOptions, CallState, Cause, Code, DescriptionWanted, Event, Events, Media,
    MediaContext, MediaError, MediaTask, Muted, Phone,
};
use std::cell::Cell;
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

async fn until_incoming(events: &mut Events) -> Call {
    let is = |event: &Event| match event {
        Event::Incoming(call) => Some(call.clone()),
        _ => None,
    };
    until(events, is).await
}

async fn until_state(call: &Call, events: &mut Events<CallEvent>, wanted: CallState) {
    while call.state() != wanted {
        let event = events.next().await;
        assert!(event.is_some(), "{:?} instead of {wanted:?}", call.state());
    }
}

async fn until_ended(events: &mut Events<CallEvent>) -> Cause {
    while let Some(event) = events.next().await {
        if let CallEvent::Ended { cause, .. } = event {
            return cause;
        }
    }
    panic!("it has ended before");
}

/// Packets of sound that came, and what is in them.
async fn received(call: &Call) -> (f64, f64) {
    let stats = call.stats().await.unwrap();
    let of = |it: &&graceline::browser::Stat| {
        it.of == "inbound-rtp" && it.kind.as_deref() == Some("audio")
    };
    stats.iter().filter(of).fold((0.0, 0.0), |sum, it| {
        (
            sum.0 + it.packets_received.unwrap_or_default(),
            sum.1 + it.total_audio_energy.unwrap_or_default(),
        )
    })
}

/// Sound that nobody plays is not decoded.
fn play(call: &Call) {
    let play = js_sys::Function::new_with_args(
        "stream",
        "const audio = new Audio(); audio.srcObject = stream; audio.play().catch(() => {});",
    );
    let stream = call.remote_stream().expect("something comes");
    play.call1(&JsValue::UNDEFINED, &stream).unwrap();
}

async fn hears(call: &Call) {
    let mut told = call.events();
    while call.remote_stream().is_none() {
        assert!(told.next().await.is_some(), "{call:?}");
    }
    play(call);
    let before = received(call).await;
    for _ in 0..400 {
        let now = received(call).await;
        if now.0 >= before.0 + 10.0 && now.1 > before.1 {
            return;
        }
        // The browser counts, and tells nobody.
        TimeoutFuture::new(20).await;
    }
    panic!("no sound in {call:?}");
}

/// Two phones that talk, and their calls.
async fn talk(users: [&str; 2]) -> ([Phone; 2], [Call; 2]) {
    let phones = users.map(phone);
    for phone in &phones {
        phone.register(false).await.unwrap();
    }
    let mut rings = phones[1].events();
    let out = phones[0].call(users[1], CallOptions::default());
    let mut told = out.events();
    let call = until_incoming(&mut rings).await;
    until_state(&out, &mut told, CallState::Ringing).await;
    assert_eq!(call.state(), CallState::Incoming);
    assert!(call.is_incoming() && !out.is_incoming());
    assert!(call.remote().uri.contains(users[0]), "{:?}", call.remote());
    call.answer(CallOptions::default()).await.unwrap();
    until_state(&out, &mut told, CallState::Connected).await;
    (phones, [out, call])
}

#[wasm_bindgen_test]
async fn two_phones_hear_each_other_hold_resume_and_hang_up() {
    let (phones, [out, call]) = talk(["2010", "2011"]).await;
    hears(&out).await;
    hears(&call).await;
    assert!(call.local_stream().is_some() && call.remote_stream().is_some());

    let mut far = call.events();
    out.hold().await.unwrap();
    let held = |local| CallState::Held {
        local,
        remote: !local,
    };
    assert_eq!(out.state(), held(true));
    until_state(&call, &mut far, held(false)).await;
    out.resume().await.unwrap();
    until_state(&call, &mut far, CallState::Connected).await;
    hears(&out).await;
    hears(&call).await;

    out.restart_ice().await.unwrap();
    hears(&call).await;
    hears(&out).await;

    call.send_info("text/plain", "later").await.unwrap();
    call.hangup().await.unwrap();
    assert_eq!(call.state(), CallState::Ended);
    let mut told = out.events();
    if out.state() != CallState::Ended {
        assert_eq!(until_ended(&mut told).await, Cause::Remote);
    }
    let over = call.hold().await.unwrap_err();
    assert_eq!(over.code(), Code::InvalidState);
    assert!(phones.iter().all(|phone| phone.calls().is_empty()));
    for phone in phones {
        phone.close().await;
    }
}

#[wasm_bindgen_test]
async fn who_is_muted_sends_silence() {
    let (phones, [out, call]) = talk(["2012", "2013"]).await;
    hears(&call).await;
    out.set_muted(Muted {
        audio: true,
        video: false,
    });
    let tracks = out.local_stream().unwrap().get_audio_tracks();
    let track: web_sys::MediaStreamTrack = tracks.get(0).into();
    assert!(!track.enabled());
    out.set_muted(Muted::default());
    assert!(track.enabled());
    hears(&call).await;
    drop(phones);
    // The phone is gone, and so are its calls.
    assert_eq!(out.state(), CallState::Ended);
    assert_eq!(track.ready_state(), web_sys::MediaStreamTrackState::Ended);
}

#[wasm_bindgen_test]
async fn a_phone_of_the_npm_package_and_this_one_hear_each_other() {
    let ours = phone("2014");
    ours.register(false).await.unwrap();
    let mut rings = ours.events();
    let body = format!(
        "const phone = globalThis.caller = new graceline.Phone({{
           connections: '{REGISTRAR}', user: '2015', domain: 'example.com', password: 'secret' }});
         await phone.registerPhone();
         globalThis.called = phone.call('2014');
         called.on('track', ({{ stream }}) => {{
           const audio = new Audio();
           audio.srcObject = stream;
           audio.play();
         }});"
    );
    javascript(&body).await;
    let call = until_incoming(&mut rings).await;
    call.answer(CallOptions::default()).await.unwrap();
    hears(&call).await;
    let heard = "let energy = 0;
         for (const end = Date.now() + 8000; !energy && Date.now() < end; )
           for (const stat of (await called.getStats()).values())
             if (stat.type === 'inbound-rtp') energy += stat.totalAudioEnergy;
         return energy > 0;";
    assert_eq!(javascript(heard).await, true);

    // Each holds.
    let mut told = call.events();
    javascript("await called.hold();").await;
    let held = CallState::Held {
        local: false,
        remote: true,
    };
    until_state(&call, &mut told, held).await;
    javascript("await called.resume();").await;
    until_state(&call, &mut told, CallState::Connected).await;
    call.hold().await.unwrap();
    assert_eq!(javascript("return called.heldBy;").await, "remote");
    call.resume().await.unwrap();
    hears(&call).await;
    javascript("await caller.close();").await;
    assert_eq!(until_ended(&mut told).await, Cause::Remote);
    ours.close().await;
}

#[wasm_bindgen_test]
async fn a_call_that_is_not_wanted_is_rejected_and_one_without_a_login_fails() {
    let idle = phone("2016");
    let call = idle.call("2017", CallOptions::default());
    let mut told = call.events();
    assert_eq!(until_ended(&mut told).await, Cause::Failed);

    let busy = phone("2017");
    let mut rings = busy.events();
    busy.register(false).await.unwrap();
    idle.register(false).await.unwrap();
    let call = idle.call("2017", CallOptions::default());
    let mut told = call.events();
    let rung = until_incoming(&mut rings).await;
    rung.reject(486).await.unwrap();
    assert_eq!(until_ended(&mut told).await, Cause::Rejected);

    idle.message("2017", "later").await.unwrap();
    let text = |event: &Event| match event {
        Event::Message { body, .. } => Some(body.clone()),
        _ => None,
    };
    assert_eq!(until(&mut rings, text).await, "later");
    idle.close().await;
    busy.close().await;
}

#[wasm_bindgen_test]
async fn a_takeover_ends_the_calls_and_then_tells() {
    let ([out, far], [call, _]) = talk(["2018", "2019"]).await;
    let (mut told, mut events) = (call.events(), out.events());
    let rival = crate::support::rival("2018");
    rival.register(true).await.unwrap();
    assert_eq!(until_ended(&mut told).await, Cause::ConnectionTerminated);
    crate::support::until_terminated(&mut events).await;
    rival.close().await;
    far.close().await;
}

#[wasm_bindgen_test]
async fn calls_are_deflected_and_transferred_to_others() {
    let third = phone("2024");
    third.register(false).await.unwrap();
    let mut rings = third.events();
    let ([first, second], [out, call]) = talk(["2022", "2023"]).await;
    let mut told = first.events();
    let mut over = call.events();
    // The far end of `call` is the first phone, which calls the third.
    let transferred = async {
        let is = |event: &Event| match event {
            Event::Transferred { from, call } => Some((from.id(), call.clone())),
            _ => None,
        };
        let (from, new) = until(&mut told, is).await;
        assert_eq!(from, out.id());
        let rung = until_incoming(&mut rings).await;
        rung.answer(CallOptions::default()).await.unwrap();
        hears(&rung).await;
        hears(&new).await;
        rung.hangup().await.unwrap();
    };
    let (done, ()) = futures_util::future::join(call.transfer("2024"), transferred).await;
    done.unwrap();
    until_ended(&mut over).await;

    // Whom the second does not want the third gets.
    let mut second_rings = second.events();
    let call = first.call("2023", CallOptions::default());
    let rung = until_incoming(&mut second_rings).await;
    rung.deflect("2024").await.unwrap();
    let rung = until_incoming(&mut rings).await;
    rung.answer(CallOptions::default()).await.unwrap();
    hears(&call).await;
    for phone in [first, second, third] {
        phone.close().await;
    }
}

/// A handler that has nothing.
struct Deaf(Rc<Cell<bool>>);

impl Deaf {
    fn fail<T: 'static>() -> MediaTask<T> {
        Box::pin(async { Err(MediaError::new("nothing here")) })
    }
}

impl Media for Deaf {
    fn open(&self) -> MediaTask<()> {
        Self::fail()
    }
    fn offer(&self, _: DescriptionWanted) -> MediaTask<String> {
        Self::fail()
    }
    fn answer(&self, _: String, _: DescriptionWanted) -> MediaTask<String> {
        Self::fail()
    }
    fn apply(&self, _: String, _: bool) -> MediaTask<()> {
        Self::fail()
    }
    fn rollback(&self) -> MediaTask<()> {
        Self::fail()
    }
    fn add_candidates(&self, _: String) -> MediaTask<()> {
        Self::fail()
    }
    fn set_muted(&self, _: Muted) {}
    fn local_stream(&self) -> Option<web_sys::MediaStream> {
        None
    }
    fn remote_stream(&self) -> Option<web_sys::MediaStream> {
        None
    }
    fn stats(&self) -> MediaTask<web_sys::RtcStatsReport> {
        Self::fail()
    }
    fn close(&self) {
        self.0.set(true);
    }
}

#[wasm_bindgen_test]
async fn another_media_handler_is_asked_instead_and_what_it_says_is_told() {
    let closed = Rc::new(Cell::new(false));
    let mut options = options("2020");
    let closing = closed.clone();
    options.media = Some(Rc::new(move |_: MediaContext| {
        Rc::new(Deaf(closing.clone()))
    }));
    let phone = Phone::new(options).unwrap();
    phone.register(false).await.unwrap();
    let call = phone.call("2021", CallOptions::default());
    let mut told = call.events();
    let failed = loop {
        if let CallEvent::Error(error) = told.next().await.unwrap() {
            break error;
        }
    };
    assert_eq!(failed.code(), Code::MediaFailed);
    assert_eq!(failed.to_string(), "The media failed: nothing here.");
    assert_eq!(until_ended(&mut told).await, Cause::Failed);
    assert!(closed.get());
    phone.close().await;
}
