//! What the browser counts of a call.

use crate::prelude::*;
use js_sys::Map;
use serde::Deserialize;
use wasm_bindgen::JsCast;
use web_sys::RtcStatsReport;

/// One entry of an `RTCStatsReport`: what there is of it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Stat {
    /// `inbound-rtp`, `outbound-rtp`, `candidate-pair` …
    #[serde(rename = "type")]
    pub of: String,
    /// `audio` or `video`.
    pub kind: Option<String>,
    /// Packets that came.
    pub packets_received: Option<f64>,
    /// Packets that did not.
    pub packets_lost: Option<f64>,
    /// Packets that went.
    pub packets_sent: Option<f64>,
    /// Seconds.
    pub jitter: Option<f64>,
    /// Seconds.
    pub current_round_trip_time: Option<f64>,
    /// Of the sound that came or went: none is in silence.
    pub total_audio_energy: Option<f64>,
}

pub(super) fn read(report: &RtcStatsReport) -> Vec<Stat> {
    let map: &Map = report.unchecked_ref();
    let entries = map.values().into_iter().filter_map(Result::ok);
    let read = entries.filter_map(|entry| serde_wasm_bindgen::from_value(entry).ok());
    read.collect()
}
