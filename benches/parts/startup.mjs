// From nothing to the first registration in Chromium: a fresh profile loads a
// page, the page loads its bundle, the phone registers at the test registrar.

import { build } from "esbuild";
import { startRegistrar } from "graceline/testing";
import { interleave } from "../lib/rounds.mjs";
import { launchChromium, newPage } from "../../tests/support/chromium.mjs";
import { root, startStaticServer } from "../../tests/support/static-server.mjs";

const [rounds] = process.argv.slice(2).map(Number);
const registrar = await startRegistrar();
const [user, domain, password] = ["2001", "example.test", "secret"];

/** The app of each, as its documentation says. @type {Record<string, string>} */
const apps = {
  Graceline: `
    import { Phone } from "graceline";
    const phone = new Phone({ connections: "${registrar.url}", user: "${user}", domain: "${domain}", password: "${password}" });
    phone.registerPhone().then(done, failed);`,
  JsSIP: `
    import JsSIP from "jssip";
    const agent = new JsSIP.UA({ sockets: [new JsSIP.WebSocketInterface("${registrar.url}")], uri: "sip:${user}@${domain}", password: "${password}" });
    agent.on("registered", done);
    agent.on("registrationFailed", failed);
    agent.start();`,
  "SIP.js": `
    import { Registerer, RegistererState, UserAgent } from "sip.js";
    const agent = new UserAgent({ uri: UserAgent.makeURI("sip:${user}@${domain}"), transportOptions: { server: "${registrar.url}" }, authorizationUsername: "${user}", authorizationPassword: "${password}", logBuiltinEnabled: false });
    const registerer = new Registerer(agent);
    registerer.stateChange.addListener((state) => state === RegistererState.Registered && done());
    agent.start().then(() => registerer.register()).catch(failed);`,
};

/** @type {Record<string, string>} */
const pages = {};
for (const [name, app] of Object.entries(apps)) {
  pages[`/${name}/index.html`] = `<!doctype html><title>${name}</title><script>
    const registered = new Promise((resolve, reject) => {
      window.done = () => resolve(performance.now());
      window.failed = (error) => reject(new Error(error?.cause ?? error));
    });
  </script><script type="module" src="app.js"></script>`;
  pages[`/${name}/app.js`] = await bundle(app);
}
const server = await startStaticServer({
  pages,
  mounts: { "/pkg/": `${root}pkg` },
});
const browser = await launchChromium();
try {
  const figures = await interleave(
    rounds,
    Object.fromEntries(
      Object.keys(apps).map((name) => [name, () => start(name)]),
    ),
  );
  console.log(JSON.stringify({ figures, notes: [] }));
} finally {
  await browser.close();
  await server.close();
  await registrar.stop();
}

/** @param {string} name @returns {Promise<number>} ms since the page was asked for */
async function start(name) {
  registrar.forget();
  const page = await newPage(browser);
  try {
    await page.goto(`${server.url}${name}/index.html`);
    return await page.evaluate("registered");
  } finally {
    await page.context().close();
  }
}

/** @param {string} contents */
async function bundle(contents) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: root },
    bundle: true,
    write: false,
    minify: true,
    format: "esm",
    target: "es2022",
    legalComments: "none",
    logLevel: "error",
  });
  return outputFiles[0].text;
}
