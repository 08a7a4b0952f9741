// One Chromium a test file, and sessions in it that note whatever a page must never do.
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const shots = join(import.meta.dirname, 'out');

export const desktop = { width: 1280, height: 800 };
export const phone = { width: 390, height: 844 };

// Nothing but the server under test can be reached, and the browser does not try on its own account.
const flags = [
  '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
  '--disable-quic', '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1',
];

/** Starts the browser that CHROMIUM names or the system has. Close it when the file's tests are over. */
export function launch() {
  const asRoot = process.getuid?.() === 0;
  return chromium.launch({ executablePath: chromiumPath(), args: asRoot ? [...flags, '--no-sandbox'] : flags });
}

function chromiumPath() {
  const find = '. scripts/lib.sh && find_chromium';
  return execFileSync('bash', ['-c', find], { cwd: join(import.meta.dirname, '..'), encoding: 'utf8' }).trim();
}

/**
 * Opens a session as one visitor: its own cookies, one page.
 *
 *   viewport, dark, script     what the visitor uses; desktop, light, with JavaScript unless said otherwise
 *
 * Returns { page, context, problems, expectStatus(...codes), shot(name), close() }. problems collects, as sentences: errors in
 * the console, uncaught exceptions, violations of the Content-Security-Policy, requests to any other host, and answers of
 * 400 and above that were not expected.
 */
export async function openSession(browser, origin, { viewport = desktop, dark = false, script = true } = {}) {
  const context = await browser.newContext({
    baseURL: origin,
    viewport,
    hasTouch: viewport === phone,
    colorScheme: dark ? 'dark' : 'light',
    javaScriptEnabled: script,
    locale: 'en-GB',
    timezoneId: 'Europe/Berlin',
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  context.setDefaultTimeout(20_000);
  const expected = new Set();
  const problems = await watch(context, origin, expected);
  const page = await context.newPage();
  return {
    page,
    context,
    problems,
    /** Says that answers with these codes are part of the test. */
    expectStatus: (...codes) => codes.forEach((code) => expected.add(code)),
    /** Keeps a picture of the whole page under e2e/out. */
    async shot(name) {
      mkdirSync(shots, { recursive: true });
      await page.screenshot({ path: join(shots, `${name}.png`), fullPage: true });
    },
    close: () => context.close(),
  };
}

async function watch(context, origin, expected) {
  const problems = [];
  const host = new URL(origin).host;

  context.on('request', (request) => {
    const url = new URL(request.url());
    if (url.protocol.startsWith('http') && url.host !== host) problems.push(`request to another host: ${url}`);
  });
  context.on('response', (response) => {
    if (response.status() >= 400 && !expected.has(response.status())) {
      problems.push(`answer ${response.status()} to ${response.request().method()} ${response.url()}`);
    }
  });
  context.on('console', (message) => {
    // Chromium repeats each failed answer in the console; the line above has already judged it.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource: the server responded')) {
      problems.push(`console: ${message.text()}`);
    }
  });
  context.on('weberror', (error) => problems.push(`exception: ${error.error().message}`));

  await context.exposeBinding('__violation', (_, what) => problems.push(`CSP violation: ${what}`));
  await context.addInitScript(() => {
    addEventListener('securitypolicyviolation', (event) => {
      window.__violation(`${event.violatedDirective} blocked ${event.blockedURI} in ${event.documentURI}`);
    });
  });
  return problems;
}
