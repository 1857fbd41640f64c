/**
 * What a phone that all tabs share may have to say: it is loaded with it.
 *
 * @type {import("./catalogue.js").Catalogue}
 */
export const shared = {
  eInvalidState: {
    sharedOption: [
      'The option "{option}" is not as it is in the phone that the tabs share.',
      "Log out first, or give the same options in all tabs.",
    ],
    noDesk: ["No desk phone is controlled any more."],
    sharedVersion: [
      "Another tab runs another version of the phone.",
      "Close or reload the other tabs.",
    ],
  },
  eAborted: {
    hostLost: ["The tab or worker that was the phone is gone.", "Try again."],
  },
  eInternal: {
    noWorker: [
      "The phone's shared worker could not be loaded.",
      "Serve graceline/worker, which bundlers may leave behind, from the page's own origin, and name it as shared: { worker: URL }. A Content-Security-Policy must allow it in worker-src.",
    ],
    noTab: ["There is no tab that could be asked.", "Try again."],
  },
};
