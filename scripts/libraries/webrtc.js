export {
  MediaStreamTrack,
  RTCPeerConnection,
  RTCRtpCodecParameters,
} from "werift";
