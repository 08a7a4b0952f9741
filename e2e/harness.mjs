// What a journey is written with: the real server, a real browser, and a watch on both.
//
//   journey('a key is shown once', { viewport: phone }, async ({ page, server }) => { ... });
//
// Each journey has a server and a database of its own, unless it says on. It fails when the page misbehaved on the way (see problems in
// browser.mjs), even when every step succeeded. A failed journey leaves a picture in e2e/out and the server's log in the output.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { desktop, launch, openSession, phone } from './browser.mjs';
import { startLatchkey } from './server.mjs';

export { axe } from './accessibility.mjs';
export { desktop, launch, openSession, phone } from './browser.mjs';
export { startLatchkey } from './server.mjs';

/** How visitors come: every journey that matters is walked in all of these. */
export const visitors = [
  { name: 'desktop, light', viewport: desktop },
  { name: 'phone, dark', viewport: phone, dark: true },
  { name: 'without JavaScript', script: false },
];

/** The same without the phone, for journeys whose screens the sweep looks at on one. */
export const readers = visitors.filter(({ viewport }) => viewport !== phone);

let browser;
const shared = [];
before(async () => { browser = await launch(); });
// In one hook: after one that fails the runner calls no other, and what goes on running keeps the file from ending.
after(async () => {
  await browser?.close();
  const stops = await Promise.allSettled(shared.map((server) => server.stop()));
  for (const { reason } of stops) if (reason) throw reason;
});

/**
 * A server for all journeys of a file: journey(name, { on: server }, ...). For journeys that leave each other's things alone.
 * Returns a function, since the server starts with the first test.
 */
export function sharedServer(options) {
  let server;
  before(async () => {
    server = await startLatchkey(options);
    shared.push(server);
  });
  return () => server;
}

/**
 * Declares a test. Options are those of openSession and of startLatchkey. The body gets the session's page, context, shot and
 * expectStatus, the server, and visit(options), which opens a further visitor who is watched in the same way.
 */
export function journey(name, options, body) {
  test(name, { timeout: 240_000 }, async () => {
    const server = options.on?.() ?? await startLatchkey(options);
    const sessions = [];
    const visit = async (as = options) => {
      const session = await openSession(browser, server.url, as);
      sessions.push(session);
      return session;
    };
    try {
      const session = await visit();
      await body({ ...session, server, visit });
      for (const { problems } of sessions) assert.deepEqual(problems, [], 'the pages did what no page may do');
    } catch (error) {
      await sessions[0]?.shot(`failed ${name.replace(/[^\w-]+/g, ' ').trim()}`).catch(() => {});
      console.error(`${name}: the server's log:\n${server.log()}`);
      throw error;
    } finally {
      for (const session of sessions) await session.close();
      if (!options.on) await server.stop();
    }
  });
}
