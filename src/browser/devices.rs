//! Microphone and camera, and what the browser says when it does not give them.

use super::media::MediaError;
use crate::prelude::*;
use js_sys::{Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{MediaStream, MediaStreamConstraints, MediaStreamTrack};

/// What the browser's errors mean to people.
const EXPLAINED: [(&str, &str); 4] = [
    ("NotAllowedError", "deviceForbidden"),
    ("NotFoundError", "deviceMissing"),
    ("NotReadableError", "deviceBusy"),
    ("OverconstrainedError", "deviceGone"),
];

/// Opens them. A page has none where it is of plain http.
pub(super) async fn capture(audio: bool, video: bool) -> Result<MediaStream, MediaError> {
    let device = match (audio, video) {
        (true, true) => "microphone or camera",
        (false, true) => "camera",
        _ => "microphone",
    };
    let devices = web_sys::window().and_then(|window| window.navigator().media_devices().ok());
    let Some(devices) = devices.filter(|it| it.is_object()) else {
        return Err(MediaError {
            name: "noDevices",
            device,
            ..MediaError::new("")
        });
    };
    let constraints = MediaStreamConstraints::new();
    constraints.set_audio(&audio.into());
    constraints.set_video(&video.into());
    let asked = devices.get_user_media_with_constraints(&constraints);
    let stream = JsFuture::from(asked.map_err(failure)?).await;
    stream.map(JsCast::unchecked_into).map_err(|cause| {
        let name = text(&cause, "name");
        let known = EXPLAINED.iter().find(|(known, _)| *known == name);
        MediaError {
            name: known.map_or("media", |(_, name)| name),
            device,
            ..failure(cause)
        }
    })
}

pub(super) fn tracks(stream: &MediaStream) -> Vec<MediaStreamTrack> {
    let all = stream.get_tracks();
    all.iter().map(JsCast::unchecked_into).collect()
}

pub(super) fn text(of: &JsValue, name: &str) -> String {
    let value = Reflect::get(of, &name.into()).ok();
    value.and_then(|it| it.as_string()).unwrap_or_default()
}

pub(super) fn failure(cause: JsValue) -> MediaError {
    MediaError::new(&text(&cause, "message"))
}

pub(super) async fn settled(promise: Promise) -> Result<JsValue, MediaError> {
    JsFuture::from(promise).await.map_err(failure)
}
