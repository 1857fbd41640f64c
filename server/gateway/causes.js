/** Final answers of SIP in CSTA's words. @type {Record<number, string>} */
export const causes = {
  404: "destNotObtainable",
  408: "callNotAnswered",
  410: "destNotObtainable",
  480: "destOutOfOrder",
  484: "destNotObtainable",
  486: "busy",
  487: "callCancelled",
  488: "incompatibleDestination",
  600: "busy",
  603: "blocked",
  604: "destNotObtainable",
};
